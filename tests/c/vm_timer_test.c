/* The timers of a Vm: started when it goes live or at once, stopped with it, each once.
 */
#include "vm/vm_timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct Counted {
  VmTimer timer;
  int started, stopped;
} Counted;

static void on_start(VmTimer *timer) {
  CONTAINER_OF(timer, Counted, timer)->started++;
}

static void on_stop(VmTimer *timer) {
  CONTAINER_OF(timer, Counted, timer)->stopped++;
}

/* Takes itself out when it is started. */
static void on_start_once(VmTimer *timer) {
  CONTAINER_OF(timer, Counted, timer)->started++;
  vm_timer_remove(timer);
}

static Counted new_timer(void (*start)(VmTimer *timer)) {
  return (Counted){.timer = {.start = start, .stop = on_stop}};
}

static void one_of_a_load_starts_when_it_is_live(void **state) {
  (void)state;
  Vm vm = {.state = VM_STAGING};
  Counted a = new_timer(on_start), b = new_timer(on_start);
  vm_timer_add(&vm, &a.timer);
  vm_timer_add(&vm, &b.timer);
  assert_int_equal(a.started + b.started, 0);
  vm.state = VM_LIVE;
  vm_timers_start(&vm);
  assert_int_equal(a.started, 1);
  assert_int_equal(b.started, 1);
}

static void one_of_a_live_vm_starts_at_once(void **state) {
  (void)state;
  Vm vm = {.state = VM_LIVE};
  Counted a = new_timer(on_start);
  vm_timer_add(&vm, &a.timer);
  assert_int_equal(a.started, 1);
  assert_ptr_equal(a.timer.vm, &vm);
}

static void one_may_leave_while_all_are_started(void **state) {
  (void)state;
  Vm vm = {.state = VM_STAGING};
  Counted all[] = {new_timer(on_start_once), new_timer(on_start),
                   new_timer(on_start_once), new_timer(on_start)};
  for (int i = 0; i < 4; i++) vm_timer_add(&vm, &all[i].timer);
  vm_timers_start(&vm);
  for (int i = 0; i < 4; i++) assert_int_equal(all[i].started, 1);
  vm_timers_stop(&vm);
  for (int i = 0; i < 4; i++) assert_int_equal(all[i].stopped, i % 2);
}

static void one_that_was_removed_is_not_stopped(void **state) {
  (void)state;
  Vm vm = {.state = VM_LIVE};
  Counted a = new_timer(on_start), b = new_timer(on_start), c = new_timer(on_start);
  vm_timer_add(&vm, &a.timer);
  vm_timer_add(&vm, &b.timer);
  vm_timer_add(&vm, &c.timer);
  vm_timer_remove(&b.timer); /* in the middle */
  vm_timer_remove(&c.timer); /* the first */
  vm_timers_stop(&vm);
  assert_null(vm.timers);
  assert_int_equal(a.stopped, 1);
  assert_int_equal(b.stopped + c.stopped, 0);
}

static void the_spare_ones_are_freed(void **state) {
  (void)state;
  Vm vm = {0};
  for (int i = 0; i < 3; i++) {
    VmTimer *timer = calloc(1, sizeof *timer);
    assert_non_null(timer);
    timer->next = vm.spare;
    vm.spare = timer;
  }
  vm_timers_free(&vm);
  assert_null(vm.spare);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_of_a_load_starts_when_it_is_live),
      cmocka_unit_test(one_of_a_live_vm_starts_at_once),
      cmocka_unit_test(one_may_leave_while_all_are_started),
      cmocka_unit_test(one_that_was_removed_is_not_stopped),
      cmocka_unit_test(the_spare_ones_are_freed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
