/* Events of a script that is held back: kept, run later one a turn and in order, never
 * lost; and who is not held. What printing does to it: e2e/print_test. */
#include "vm/hold.h"

#include "said_env.h"
#include "vm/task.h"

static Owner *the_owner(void) {
  return &script_find(env.rt, "bot", 3)->owner;
}

static Buffer order;

typedef struct Noted {
  Event event;
  char name;
} Noted;

static void on_noted(Event *event) {
  buffer_putc(&order, CONTAINER_OF(event, Noted, event)->name);
  loop_stop(env.rt->host.loop);
}

static Noted note(char name) {
  return (Noted){.event.run = on_noted, .name = name};
}

/* Until so many events have run. */
static void run_until(size_t count) {
  while (order.len < count) loop_run(env.rt->host.loop, NULL, NULL);
}

static void assert_order(const char *expected) {
  run_until(strlen(expected));
  assert_string_equal(buffer_text(&order), expected);
}

/* A script beside another one: alone it gives way to nobody. */
static Vm *open_vm(void) {
  env_save(&env, "other", "timer.every('hold', 60, print)\n");
  run_script("", "", "");
  buffer_clear(&order);
  return said_vm();
}

static int close_order(void **state) {
  buffer_free(&order);
  return close_world(state);
}

static void nobody_is_held_without_a_reason(void **state) {
  (void)state;
  Vm *vm = open_vm();
  assert_false(hold_wanted(vm));
  assert_false(hold_skips(vm));
  assert_false(hold_is_heavy(vm));
  assert_true(hold_has_room(vm));
}

static void held_events_run_in_order_when_the_others_had_turns(void **state) {
  (void)state;
  Vm *vm = open_vm();
  Noted a = note('a'), b = note('b'), c = note('c'), x = note('x');
  hold_give_way(the_owner());
  assert_true(hold_wanted(vm));
  hold_event(vm, &a.event);
  hold_event(vm, &b.event);
  hold_event(vm, &c.event);
  inbox_push(env.rt->host.loop, &x.event); /* another's */
  assert_order("xabc");
  assert_false(hold_wanted(vm));
}

/* While any is held a new one goes behind them. */
static void one_that_comes_later_queues_behind(void **state) {
  (void)state;
  Vm *vm = open_vm();
  Noted a = note('a'), b = note('b');
  hold_give_way(the_owner());
  hold_event(vm, &a.event);
  the_owner()->hold.gives_way = false;
  assert_true(hold_wanted(vm));
  hold_event(vm, &b.event);
  assert_order("ab");
}

static void the_end_of_a_generation_lets_all_go(void **state) {
  (void)state;
  Vm *vm = open_vm();
  Noted a = note('a'), b = note('b');
  hold_give_way(the_owner());
  hold_event(vm, &a.event);
  hold_event(vm, &b.event);
  hold_end(the_owner());
  assert_null(the_owner()->hold.first);
  assert_int_equal(the_owner()->hold.count, 0);
  assert_order("ab");
}

static void a_load_and_a_cut_generation_are_not_held(void **state) {
  (void)state;
  Vm *vm = open_vm();
  hold_give_way(the_owner());
  vm->sharing = true;
  assert_false(hold_wanted(vm));
  vm->sharing = false;
  vm_set_state(vm, VM_STAGING);
  assert_false(hold_wanted(vm));
  vm_set_state(vm, VM_LIVE);
  assert_true(hold_wanted(vm));
  vm->host->cancelling = true; /* nor is anybody when the program ends */
  assert_false(hold_wanted(vm));
  vm->host->cancelling = false;
}

static void ticks_of_a_timer_have_little_room(void **state) {
  (void)state;
  enum { COUNT = 30 };
  Vm *vm = open_vm();
  static Noted all[COUNT];
  hold_give_way(the_owner());
  int taken = 0;
  for (; taken < COUNT && hold_has_room(vm); taken++) {
    all[taken] = note('.');
    hold_event(vm, &all[taken].event);
  }
  assert_int_equal(taken, 20);
  the_owner()->hold.gives_way = false; /* where it is held for its text alone */
  assert_true(hold_has_room(vm));
  the_owner()->hold.gives_way = true;
  run_until(20);
}

static void one_that_works_much_gives_way_now_and_then(void **state) {
  (void)state;
  Vm *vm = open_vm();
  hold_used(the_owner(), 0.03);
  assert_false(hold_wanted(vm));
  hold_used(the_owner(), 0.03);
  assert_true(hold_wanted(vm));
  Noted a = note('a');
  hold_event(vm, &a.event);
  assert_order("a");
  assert_false(hold_wanted(vm));
  hold_used(the_owner(), 0.03); /* it counts anew */
  assert_false(hold_wanted(vm));
}

static void one_that_is_alone_gives_way_to_nobody(void **state) {
  (void)state;
  run_script("", "", "");
  hold_used(the_owner(), 10);
  assert_false(hold_wanted(said_vm()));
}

/* --- tasks ----------------------------------------------------------------------------
 */

static int push_add(lua_State *L, void *ctx) {
  lua_getglobal(L, "note");
  lua_pushinteger(L, *(int *)ctx);
  return 1;
}

static void on_done(void *ctx, lua_State *co, int n, TaskOutcome outcome) {
  (void)co, (void)n;
  assert_int_equal(outcome, TASK_OK);
  buffer_putc(&order, *(char *)ctx);
  loop_stop(env.rt->host.loop);
}

/* What it is called with need not live on. */
static void a_task_begins_later_with_what_it_was_given(void **state) {
  (void)state;
  env_save(&env, "other", "timer.every('hold', 60, print)\n");
  run_script("function note(n) log.info('NOTED ' .. n) end", "", "");
  buffer_clear(&order);
  int number = 5;
  char first = '1', second = '2';
  hold_give_way(the_owner());
  task_start(said_vm(), TASK_NAME("a test", NULL), push_add, &number, on_done, &first);
  number = 6;
  task_start(said_vm(), TASK_NAME("a test", NULL), push_add, &number, on_done, &second);
  number = 7;
  assert_false(env_has(&env, "NOTED"));
  assert_order("12");
  assert_true(env_has(&env, "NOTED 5"));
  assert_true(env_has(&env, "NOTED 6"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define test(f) cmocka_unit_test_setup_teardown(f, open_world, close_order)
      test(nobody_is_held_without_a_reason),
      test(held_events_run_in_order_when_the_others_had_turns),
      test(one_that_comes_later_queues_behind),
      test(the_end_of_a_generation_lets_all_go),
      test(a_load_and_a_cut_generation_are_not_held),
      test(ticks_of_a_timer_have_little_room),
      test(one_that_works_much_gives_way_now_and_then),
      test(one_that_is_alone_gives_way_to_nobody),
      test(a_task_begins_later_with_what_it_was_given),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
