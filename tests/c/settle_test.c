/* Whether what was read of a script's sources looks like the whole of a save. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "script/settle.h"

/* Files as "path=text" pairs. */
typedef struct Files {
  SourceFile files[4];
  Sources sources;
} Files;

static Sources *files_of(Files *f, const char *const *pairs) {
  f->sources = (Sources){.files = f->files};
  for (; pairs[0]; pairs += 2)
    f->files[f->sources.count++] = (SourceFile){
        .path = (char *)pairs[0], .text = (char *)pairs[1], .len = strlen(pairs[1])};
  return &f->sources;
}

#define FILES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_settled(const char *const *old, const char *const *fresh,
                           Settled expected) {
  Files a, b;
  assert_int_equal(sources_settled(files_of(&a, old), files_of(&b, fresh)), expected);
}

static void one_file_that_compiles_is_a_save(void **state) {
  (void)state;
  assert_settled(FILES("a", "x = 1"), FILES("a", "x = 1"), SETTLED);
  assert_settled(FILES("a", "x = 1"), FILES("a", "x = 2"), SETTLED);
  assert_settled(FILES("a", "1+", "b", ""), FILES("a", "1+", "b", "y = 1"), SETTLED);
  assert_settled(FILES("a", "x = 1"), FILES("a", "x = 1", "b", "y = 1"), SETTLED);
}

static void several_are_waited_for(void **state) {
  (void)state;
  assert_settled(FILES("a", "x = 1", "b", "y = 1"), FILES("a", "x = 2", "b", "y = 2"),
                 SETTLED_PARTLY);
  assert_settled(FILES("a", "x = 1"), FILES("b", "y = 1", "c", "z = 1"), SETTLED_PARTLY);
}

static void one_that_is_gone_too(void **state) {
  (void)state;
  assert_settled(FILES("a", "x = 1", "b", "y = 1"), FILES("a", "x = 1"), SETTLED_PARTLY);
}

static void one_that_does_not_compile_too(void **state) {
  (void)state;
  assert_settled(FILES("a", "x = 1"), FILES("a", "x = "), SETTLED_PARTLY);
  assert_settled(FILES("a", "x = 1"), FILES("a", "#!shell\nx = 2"), SETTLED);
  assert_settled(FILES("a", "x = 1"), FILES("a", "\x1bLua"), SETTLED_PARTLY);
}

static void a_large_file_is_not_compiled(void **state) {
  (void)state;
  enum { MOST = 1 << 20 };
  char *text = xmalloc(MOST + 2);
  memset(text, ' ', MOST + 1);
  text[MOST] = '\0';
  memcpy(text, "x=1", 3);
  assert_settled(FILES("a", "x = 1"), FILES("a", text), SETTLED);
  text[MOST] = ' ', text[MOST + 1] = '\0';
  assert_settled(FILES("a", "x = 1"), FILES("a", text), SETTLED_PARTLY);
  free(text);
}

static void one_that_was_emptied_is_not_whole(void **state) {
  (void)state;
  assert_settled(FILES("a", "x = 1"), FILES("a", ""), SETTLED_EMPTY);
  assert_settled(FILES("a", "x = 1"), FILES("a", "-- nothing\n"), SETTLED_EMPTY);
  assert_settled(FILES("a", "-- old"), FILES("a", ""), SETTLED);
  assert_settled(FILES("a", "x = 1"), FILES("a", "x = 1", "b", ""), SETTLED);
  assert_settled(FILES("a", "x = 1", "b", "y = 1"), FILES("a", "x = ", "b", ""),
                 SETTLED_EMPTY);
}

static void order_does_not_matter(void **state) {
  (void)state;
  assert_settled(FILES("a", "x = 1", "b", "y = 1"), FILES("b", "y = 1", "a", "x = 1"),
                 SETTLED);
  assert_settled(FILES("a", "x = 1", "b", "y = 1"), FILES("b", "y = 2", "a", "x = 1"),
                 SETTLED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_file_that_compiles_is_a_save),
      cmocka_unit_test(several_are_waited_for),
      cmocka_unit_test(one_that_is_gone_too),
      cmocka_unit_test(one_that_does_not_compile_too),
      cmocka_unit_test(a_large_file_is_not_compiled),
      cmocka_unit_test(one_that_was_emptied_is_not_whole),
      cmocka_unit_test(order_does_not_matter),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
