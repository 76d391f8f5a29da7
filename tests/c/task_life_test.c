/* The parts of tasks: coroutines and records are reused, within bounds, and all is given
 * back: what the script is charged for, too. */
#include "said_env.h"

#include "vm/task_life.h"
#include "vm/task_parts.h"

static size_t count_free(const Host *host) {
  size_t count = 0;
  for (const Task *task = host->free_tasks; task; task = task->next) count++;
  return count;
}

static void all_is_given_back(void **state) {
  (void)state;
  run_script("",
             "for i = 1, 200 do task.spawn(function()\n"
             "  task.sleep(0) if i % 3 == 0 then error({}) end\n"
             "end) end\n"
             "local t = task.spawn(function() task.sleep(60) end)\n"
             "task.sleep(0) t:cancel() task.sleep(0.01)\n"
             "t = nil collectgarbage() collectgarbage()",
             "");
  const Vm *vm = said_vm();
  assert_null(vm->tasks);
  assert_true(vm->pooled > 0 && vm->pooled <= POOL_SIZE);
  assert_true(count_free(vm->host) >= 200);
}

static void they_are_used_again(void **state) {
  (void)state;
  run_script("",
             "for round = 1, 10000 do\n"
             "  task.spawn(function() task.sleep(0) end):await()\n"
             "end\n"
             "collectgarbage()",
             "");
  assert_true(count_free(said_vm()->host) < 5000); /* a cycle gives many back at once */
  assert_true(said_vm()->pooled < 10);
}

static void names_are_cut_not_overrun(void **state) {
  (void)state;
  Vm *vm;
  run_script("", "", "");
  vm = said_vm();
  char longer[200], name[TASK_NAME_ROOM];
  memset(longer, 'x', sizeof longer - 1);
  longer[sizeof longer - 1] = '\0';
  Task task = {.what = "the handler of"};
  memcpy(task.of, longer, sizeof task.of - 1);
  memcpy(task.event_name, longer, sizeof task.event_name - 1);
  assert_ptr_equal(task_name(&task, name), name);
  assert_int_equal(strlen(name), strlen("the handler of ") + 31 + strlen(": ") + 47);
  assert_non_null(vm);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      said_test(all_is_given_back),
      said_test(they_are_used_again),
      said_test(names_are_cut_not_overrun),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
