/* The tree of drafts of a change: children follow their items when items before them come
 * and go, and a flush puts what children hold into the values above them. */
#include "value_env.h"

#include "bridge/draft_node.h"

static Change change;

static DraftNode *begin(const char *json) {
  Value root = value_of(json);
  change = (Change){.account = account};
  change.root = draftnode_new(&change, root);
  value_release(root);
  return change.root;
}

/* Makes the container at `index` a child, as reading it does. */
static DraftNode *read_child(DraftNode *node, size_t index) {
  Value key = {0}, item;
  if (node->value.type == VALUE_ARRAY) item = value_array_at(node->value, index);
  else assert_true(value_object_at(node->value, index, &key, &item));
  DraftNode *child = draftnode_new(&change, item);
  draftnode_attach(node, index, key, child);
  return child;
}

static void end(const char *json) {
  assert_int_equal(draftnode_flush(change.root), 0);
  assert_value(change.root->value, json);
  change_free(&change);
}

static void a_child_follows_its_item(void **state) {
  (void)state;
  DraftNode *root = begin("[[1],[2],[3]]"), *last = read_child(root, 2);
  assert_int_equal(draftnode_insert(root, 0, value_int(0)), 0);
  assert_ptr_equal(draftnode_child(root, 3), last);
  assert_null(draftnode_child(root, 2));
  assert_int_equal(draftnode_remove(root, 1), 0);
  assert_ptr_equal(draftnode_child(root, 2), last);
  assert_int_equal(draftnode_insert(last, 1, value_int(9)), 0);
  end("[0,[2],[3,9]]");
}

static void loops_may_go_either_way(void **state) {
  (void)state;
  DraftNode *root = begin("[[0],[1],[2],[3],[4],[5],[6],[7],[8],[9]]");
  DraftNode *children[10];
  for (size_t i = 10; i-- > 5;) children[i] = read_child(root, i);
  for (size_t i = 0; i < 5; i++) children[i] = read_child(root, i);
  for (size_t i = 0; i < 10; i++) assert_ptr_equal(draftnode_child(root, i), children[i]);
  assert_null(draftnode_child(root, 10));
  end("[[0],[1],[2],[3],[4],[5],[6],[7],[8],[9]]");
}

static void a_flush_goes_through_all_levels(void **state) {
  (void)state;
  DraftNode *root = begin("{\"a\":{\"b\":{\"n\":1}},\"c\":[]}");
  DraftNode *a = read_child(root, 0), *b = read_child(a, 0);
  assert_int_equal(draftnode_depth(b), 3);
  assert_int_equal(draftnode_put_key(b, "n", 1, value_int(2)), 0);
  assert_value(root->value, "{\"a\":{\"b\":{\"n\":1}},\"c\":[]}");
  end("{\"a\":{\"b\":{\"n\":2}},\"c\":[]}");
}

static void nothing_written_is_the_same_root(void **state) {
  (void)state;
  DraftNode *root = begin("{\"a\":{\"n\":1}}");
  Value before = root->value;
  assert_int_equal(draftnode_put_key(read_child(root, 0), "n", 1, value_int(1)), 0);
  assert_int_equal(draftnode_flush(root), 0);
  assert_true(value_same(root->value, before));
  end("{\"a\":{\"n\":1}}");
}

static void what_was_written_over_is_on_its_own(void **state) {
  (void)state;
  DraftNode *root = begin("[[1],[2]]"), *first = read_child(root, 0);
  assert_int_equal(draftnode_put(root, 0, value_int(7)), 0);
  assert_null(first->parent);
  assert_int_equal(draftnode_insert(first, 1, value_int(5)), 0);
  assert_value(first->value, "[1,5]");
  end("[7,[2]]");
}

static void a_new_order_moves_the_children(void **state) {
  (void)state;
  static const size_t order[] = {2, 0, 1};
  DraftNode *root = begin("[[3],[1],[2]]"), *three = read_child(root, 0);
  draftnode_reorder(root, order, value_of("[[1],[2],[3]]"));
  assert_ptr_equal(draftnode_child(root, 2), three);
  assert_int_equal(draftnode_insert(three, 0, value_int(0)), 0);
  end("[[1],[2],[0,3]]");
}

static void an_undecided_one_that_is_empty_again_stays_so(void **state) {
  (void)state;
  Value list = value_undecided(account), root = value_of("{}");
  assert_int_equal(value_object_set(account, &root, "l", 1, list), 0);
  change = (Change){.account = account};
  change.root = draftnode_new(&change, root);
  value_release(root);
  DraftNode *l = read_child(change.root, 0);
  draftnode_become_array(l, value_of("[]"));
  assert_int_equal(draftnode_insert(l, 0, value_int(1)), 0);
  assert_int_equal(draftnode_remove(l, 0), 0);
  assert_int_equal(draftnode_flush(change.root), 0);
  assert_true(value_is_undecided(value_object_get(change.root->value, "l", 1)));
  change_free(&change);
}

static void too_deep_is_refused(void **state) {
  (void)state;
  DraftNode *node = begin("[[]]");
  Value deep = value_of("[]");
  for (int i = 1; i < VALUE_DEPTH; i++) deep = value_array(account, &deep, 1);
  assert_int_equal(draftnode_insert(node, 0, deep), ERR_TOO_LARGE);
  assert_int_equal(draftnode_put(node, 0, value_of("[[]]")), 0);
  end("[[[]]]");
}

static void the_end_revokes_all_handles(void **state) {
  (void)state;
  DraftNode *handles[2] = {begin("[[1]]"), NULL};
  handles[1] = read_child(handles[0], 0);
  handles[0]->handle = &handles[0];
  handles[1]->handle = &handles[1];
  change_free(&change);
  assert_null(handles[0]);
  assert_null(handles[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      value_test(a_child_follows_its_item),
      value_test(loops_may_go_either_way),
      value_test(a_flush_goes_through_all_levels),
      value_test(nothing_written_is_the_same_root),
      value_test(what_was_written_over_is_on_its_own),
      value_test(a_new_order_moves_the_children),
      value_test(an_undecided_one_that_is_empty_again_stays_so),
      value_test(too_deep_is_refused),
      value_test(the_end_revokes_all_handles),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
