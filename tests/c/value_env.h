/* Values from JSON and back, for tests of what is done with them. */
#ifndef TIDELOCK_TESTS_VALUE_ENV_H
#define TIDELOCK_TESTS_VALUE_ENV_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/value.h"

static ValueAccount *account;

static int open_account(void **state) {
  (void)state;
  account = value_account_new(0);
  return 0;
}

static int close_account(void **state) {
  (void)state;
  value_account_close(
      account); /* a node that is left keeps it: the sanitizer sees that */
  return 0;
}

/* Returns new. */
static inline Value value_of(const char *json) {
  Error err;
  Value v = {0};
  JsonArena *arena = json_arena_new(NULL);
  const cJSON *tree = json_parse(arena, json, strlen(json), &err);
  if (!tree || value_from_json(account, arena, tree, &v, &err) != 0)
    fail_msg("%s: %s", json, err.message);
  json_arena_free(arena);
  return v;
}

static inline void assert_value(Value v, const char *json) {
  Error err;
  Buffer out = {0};
  assert_int_equal(value_to_json(v, &out, &err), 0);
  assert_string_equal(buffer_text(&out), json);
  buffer_free(&out);
}

#define value_test(f) cmocka_unit_test_setup_teardown(f, open_account, close_account)

#endif
