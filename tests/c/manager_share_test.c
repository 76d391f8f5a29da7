/* Connections that lead to the same place are found, the newest first, and no others. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "net_env.h"
#include "socket/manager_share.h"

static const int group = 0, other_group = 0;

typedef struct Place {
  SocketOptions options;
  Sharer sharer;
} Place;

static Place *place(Place *p, const char *address, const char *query) {
  *p = (Place){.options = {.group = &group, .url = "http://h"}};
  p->sharer = (Sharer){.options = &p->options, .address = address, .query = query};
  return p;
}

static void the_newest_is_found_first(void **state) {
  (void)state;
  Env env;
  env_open(&env);
  Place a, b, c, like;
  place(&like, "http://h:80", "x=1");
  assert_null(share_find(env.net, &like.sharer));
  share_add(env.net, &place(&a, "http://h:80", "x=1")->sharer);
  share_add(env.net, &place(&b, "http://h:80", "x=1")->sharer);
  share_add(env.net, &place(&c, "http://i:80", "x=1")->sharer);
  Sharer *found = share_find(env.net, &like.sharer);
  assert_ptr_equal(found, &b.sharer);
  assert_ptr_equal(found->older, &a.sharer);
  assert_null(found->older->older);
  share_remove(env.net, &b.sharer);
  assert_ptr_equal(share_find(env.net, &like.sharer), &a.sharer);
  share_remove(env.net, &b.sharer); /* harmless */
  share_remove(env.net, &a.sharer);
  assert_null(share_find(env.net, &like.sharer));
  share_remove(env.net, &c.sharer);
  env_close(&env);
}

static void what_differs_is_not_shared(void **state) {
  (void)state;
  Env env;
  env_open(&env);
  Place a, like;
  share_add(env.net, &place(&a, "http://h:80", NULL)->sharer);
  assert_ptr_equal(share_find(env.net, &place(&like, "http://h:80", NULL)->sharer),
                   &a.sharer);
  assert_null(share_find(env.net, &place(&like, "http://h:81", NULL)->sharer));
  assert_null(share_find(env.net, &place(&like, "http://h:80", "x=1")->sharer));
  place(&like, "http://h:80", NULL)->options.group = &other_group;
  assert_null(share_find(env.net, &like.sharer));
  place(&like, "http://h:80", NULL)->options.route.insecure = true;
  assert_null(share_find(env.net, &like.sharer));
  place(&like, "http://h:80", NULL)->options.msgpack = true;
  assert_null(share_find(env.net, &like.sharer));
  place(&like, "http://h:80", NULL)->options.nsp = "/n"; /* what is shared for */
  assert_ptr_equal(share_find(env.net, &like.sharer), &a.sharer);
  share_remove(env.net, &a.sharer);
  env_close(&env);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_newest_is_found_first),
                                     cmocka_unit_test(what_differs_is_not_shared)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
