/* Finding a script by its name, and which of them is the first. */
#include "vm/owner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static Host host;
static Owner bot, bots, hook;

static int open_owners(void **state) {
  (void)state;
  host = (Host){.owners = &bot};
  bot = (Owner){.next = &bots, .host = &host, .name = "bot"};
  bots = (Owner){.next = &hook, .host = &host, .name = "bots"};
  hook = (Owner){.host = &host, .name = "hook"};
  return 0;
}

static void a_name_is_found_as_a_whole(void **state) {
  (void)state;
  assert_ptr_equal(owner_find(&host, "bot:chat", 3), &bot);
  assert_ptr_equal(owner_find(&host, "bots", 4), &bots);
  assert_ptr_equal(owner_find(&host, "hook", 4), &hook);
  assert_null(owner_find(&host, "bo", 2));
  assert_null(owner_find(&host, "hooks", 5));
  assert_null(owner_find(&host, "", 0));
}

static void the_one_added_first_is_the_first(void **state) {
  (void)state;
  assert_true(owner_is_first(&bot));
  assert_false(owner_is_first(&bots));
  assert_false(owner_is_first(&hook));
}

static void or_the_one_that_is_named(void **state) {
  (void)state;
  host.first = "hook";
  assert_false(owner_is_first(&bot));
  assert_true(owner_is_first(&hook));
  host.first = "none";
  assert_false(owner_is_first(&bot));
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define test(f) cmocka_unit_test_setup(f, open_owners)
      test(a_name_is_found_as_a_whole),
      test(the_one_added_first_is_the_first),
      test(or_the_one_that_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
