/* The buffer: what goes in comes out, whatever the size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/buffer.h"

static void empty_is_valid(void **state) {
  (void)state;
  Buffer b = {0};
  buffer_put(&b, NULL, 0);
  buffer_consume(&b, 0);
  buffer_clear(&b);
  assert_int_equal(b.len, 0);
  assert_string_equal(buffer_text(&b), "");
  assert_int_equal(b.len, 0);
  buffer_free(&b);
  buffer_free(&b);
  assert_null(b.data);
}

static void holds_what_is_put(void **state) {
  (void)state;
  Buffer b = {0};
  buffer_puts(&b, "one ");
  buffer_putc(&b, '2');
  buffer_put(&b, " \0 ", 3);
  buffer_printf(&b, "%s-%d", "three", 4);
  buffer_printf(&b, "%s", "");
  assert_int_equal(b.len, 15);
  assert_memory_equal(b.data, "one 2 \0 three-4", 15);
  assert_int_equal(buffer_text(&b)[15], '\0');
  buffer_free(&b);
}

static void grows(void **state) {
  (void)state;
  Buffer b = {0};
  for (int i = 0; i < 100000; i++) buffer_putc(&b, (char)i);
  for (int i = 0; i < 100000; i++) assert_int_equal(b.data[i], (char)i);
  char *end = buffer_reserve(&b, 1 << 20);
  memset(end, 'x', 1 << 20); /* the sanitizer looks whether there is room */
  assert_ptr_equal(end, b.data + 100000);
  assert_int_equal(b.len, 100000);
  size_t cap = b.cap;
  buffer_clear(&b);
  assert_int_equal(b.cap, cap);
  buffer_free(&b);
}

static void prints_at_the_brim(void **state) {
  (void)state;
  for (size_t fill = 50; fill < 70; fill++) {
    Buffer b = {0};
    for (size_t i = 0; i < fill; i++) buffer_putc(&b, 'a');
    buffer_printf(&b, "%s", "12345");
    assert_memory_equal(b.data + fill, "12345", 5);
    assert_int_equal(b.len, fill + 5);
    buffer_free(&b);
  }
}

static void drops_from_the_front(void **state) {
  (void)state;
  Buffer b = {0};
  buffer_puts(&b, "abcdef");
  buffer_consume(&b, 2);
  assert_string_equal(buffer_text(&b), "cdef");
  buffer_consume(&b, 4);
  assert_int_equal(b.len, 0);
  buffer_puts(&b, "again");
  assert_string_equal(buffer_text(&b), "again");
  buffer_free(&b);
}

static void gives_its_memory_away(void **state) {
  (void)state;
  Buffer b = {0};
  size_t len = 9;
  buffer_puts(&b, "mine");
  char *text = buffer_take(&b, &len);
  assert_string_equal(text, "mine");
  assert_int_equal(len, 4);
  assert_null(b.data);
  free(text);
  text = buffer_take(&b, NULL);
  assert_string_equal(text, "");
  free(text);
}

static void strings_are_copied(void **state) {
  (void)state;
  assert_null(xstrdup(NULL));
  char *a = xstrdup("a"), *b = xstrndup("bcd", 2), *c = xasprintf("%d%s", 1, "x");
  assert_string_equal(a, "a");
  assert_string_equal(b, "bc");
  assert_string_equal(c, "1x");
  free(a), free(b), free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(empty_is_valid),
      cmocka_unit_test(holds_what_is_put),
      cmocka_unit_test(grows),
      cmocka_unit_test(prints_at_the_brim),
      cmocka_unit_test(drops_from_the_front),
      cmocka_unit_test(gives_its_memory_away),
      cmocka_unit_test(strings_are_copied),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
