/* Allocation, when the system has no memory: this test stands between the core and it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base.h"

static int failing; /* how many of the next allocations fail */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool fails(void) {
  return failing > 0 && failing-- > 0;
}
void *__wrap_malloc(size_t size) {
  return fails() ? NULL : __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size) {
  return fails() ? NULL : __real_calloc(count, size);
}
void *__wrap_realloc(void *old, size_t size) {
  return fails() ? NULL : __real_realloc(old, size);
}

static void the_reserve_is_there_when_there_is_no_memory(void **state) {
  (void)state;
  memory_reserve();
  assert_false(memory_is_short());
  failing = 1;
  char *text = xstrdup("one");
  assert_true(memory_is_short());
  memory_reserve();
  assert_false(memory_is_short());
  failing = 1;
  text = xrealloc(text, 1000);
  assert_string_equal(text, "one");
  assert_true(memory_is_short());
  memory_reserve();
  failing = 1;
  int *numbers = xcalloc(10, sizeof *numbers);
  assert_int_equal(numbers[9], 0);
  assert_true(memory_is_short());
  free(numbers);
  free(text);
  memory_reserve_free();
}

static void it_stays_short_until_it_can_be_laid_aside(void **state) {
  (void)state;
  memory_reserve();
  failing = 1;
  free(xmalloc(1));
  failing = 1;
  memory_reserve(); /* it cannot */
  assert_true(memory_is_short());
  memory_reserve();
  assert_false(memory_is_short());
  memory_reserve(); /* it is: nothing to do */
  memory_reserve_free();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_reserve_is_there_when_there_is_no_memory),
      cmocka_unit_test(it_stays_short_until_it_can_be_laid_aside),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
