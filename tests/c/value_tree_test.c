/* The trees that arrays and large objects are: entries by place, in one node or many. */
#include "value_env.h"

#include "core/value_node.h"

enum { MANY = 5000 };

static Tree *tree_of_numbers(size_t count) {
  static Value items[MANY];
  for (size_t i = 0; i < count; i++) items[i] = value_int((int64_t)i);
  return tree_build(account, NODE_ITEMS, items, count);
}

static int64_t number_at(const Tree *tree, size_t index) {
  size_t run;
  return tree_at(tree, index, &run)->integer;
}

static void built_trees_hold_all_in_order(void **state) {
  (void)state;
  const size_t counts[] = {1, 31, 32, 33, 1024, 1025, MANY};
  for (size_t c = 0; c < COUNT_OF(counts); c++) {
    Tree *tree = tree_of_numbers(counts[c]);
    assert_int_equal(tree->total, counts[c]);
    for (size_t i = 0; i < counts[c]; i++)
      assert_int_equal(number_at(tree, i), (int64_t)i);
    node_release(&tree->node);
  }
}

static void a_change_shares_what_it_does_not_touch(void **state) {
  (void)state;
  Tree *tree = tree_of_numbers(MANY), *before = node_retain(tree);
  uint64_t made = value_account_made(account);
  tree_put(account, &tree, 2500, value_int(-1));
  assert_true(value_account_made(account) - made <= 4); /* the nodes on the way */
  assert_int_equal(number_at(tree, 2500), -1);
  assert_int_equal(number_at(before, 2500), 2500);
  assert_true(tree_shared(tree, 0, before, 0) >= 32);
  assert_int_equal(tree_shared(tree, 2500, before, 2500), 0);
  node_release(&before->node);
  node_release(&tree->node);
}

static void entries_come_and_go_at_every_place(void **state) {
  (void)state;
  Tree *tree = tree_of_numbers(1);
  Value entry = value_int(-1), gone;
  for (size_t i = 0; i < 400; i++) {
    Value in = value_int((int64_t)i);
    tree_insert(account, &tree, i / 2, &in);
  }
  assert_int_equal(tree->total, 401);
  tree_insert(account, &tree, tree->total, &entry);
  assert_int_equal(number_at(tree, 401), -1);
  while (tree->total > 1) {
    int64_t expected = number_at(tree, tree->total / 2);
    tree_remove(account, &tree, tree->total / 2, &gone);
    assert_int_equal(gone.integer, expected);
  }
  node_release(&tree->node);
}

static void texts_are_ordered_by_their_bytes(void **state) {
  (void)state;
  Value v = value_text(account, "ab", 2);
  const Text *text = (const Text *)v.node;
  assert_int_equal(text_compare(text, "ab", 2), 0);
  assert_true(text_compare(text, "a", 1) > 0); /* a shorter one first */
  assert_true(text_compare(text, "abc", 3) < 0);
  assert_true(text_compare(text, "a\xff", 2) < 0); /* bytes, not signed */
  assert_true(text_compare(text, "ab\0", 3) < 0);
  value_release(v);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      value_test(built_trees_hold_all_in_order),
      value_test(a_change_shares_what_it_does_not_touch),
      value_test(entries_come_and_go_at_every_place),
      value_test(texts_are_ordered_by_their_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
