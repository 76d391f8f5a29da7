/* Immutable values, against a model that is made of plain lists: random changes, old
 * roots that must stay as they were, what is shared, what is charged. SEED= in the
 * environment plays one game again, SEEDS= says how many from there on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/value.h"

/* --- the model -------------------------------------------------------------------- */

typedef struct Model Model;
struct Model {
  ValueType type;
  int64_t integer; /* scalars; for text, that number in words */
  size_t count;
  struct {
    char key[12];
    Model *item;
  } * parts;
};

static Model *model(ValueType type, int64_t integer) {
  Model *m = xcalloc(1, sizeof *m);
  m->type = type, m->integer = integer;
  return m;
}

static void model_free(Model *m) {
  if (!m) return;
  for (size_t i = 0; i < m->count; i++) model_free(m->parts[i].item);
  free(m->parts);
  free(m);
}

static void model_insert(Model *m, size_t at, const char *key, Model *item) {
  m->parts = xrealloc(m->parts, (m->count + 1) * sizeof *m->parts);
  memmove(&m->parts[at + 1], &m->parts[at], (m->count++ - at) * sizeof *m->parts);
  snprintf(m->parts[at].key, sizeof m->parts[at].key, "%s", key);
  m->parts[at].item = item;
}

static void model_cut(Model *m, size_t at) {
  model_free(m->parts[at].item);
  memmove(&m->parts[at], &m->parts[at + 1], (--m->count - at) * sizeof *m->parts);
}

static size_t model_find(const Model *m, const char *key) {
  size_t i = 0;
  while (i < m->count && strcmp(m->parts[i].key, key) != 0) i++;
  return i;
}

static Model *model_copy(const Model *m) {
  Model *copy = model(m->type, m->integer);
  for (size_t i = 0; i < m->count; i++)
    model_insert(copy, i, m->parts[i].key, model_copy(m->parts[i].item));
  return copy;
}

static int model_height(const Model *m) {
  int height = 0;
  for (size_t i = 0; i < m->count; i++) {
    int below = model_height(m->parts[i].item);
    if (below > height) height = below;
  }
  return m->type >= VALUE_ARRAY ? height + 1 : 0;
}

static void words(char *text, size_t size, int64_t n) {
  snprintf(text, size, "text %lld %.*s", (long long)n, (int)(n % 40),
           "and some more, so that they differ in length");
}

static void assert_is(Value v, const Model *m) {
  assert_int_equal(v.type, m->type);
  assert_int_equal(value_height(v), model_height(m));
  if (v.type == VALUE_INT) assert_int_equal(v.integer, m->integer);
  if (v.type == VALUE_TEXT) {
    char want[80];
    size_t len;
    words(want, sizeof want, m->integer);
    assert_string_equal(value_bytes(v, &len), want);
    assert_int_equal(len, strlen(want));
  }
  if (!value_is_container(v)) return;
  assert_int_equal(value_count(v), m->count);
  for (size_t i = 0; i < m->count; i++) {
    const char *key = m->parts[i].key;
    assert_is(v.type == VALUE_ARRAY ? value_array_at(v, i)
                                    : value_object_get(v, key, strlen(key)),
              m->parts[i].item);
  }
}

/* --- random changes of both ------------------------------------------------------- */

typedef struct Game {
  uint64_t seed;
  ValueAccount *account;
  Value root;
  Model *model;
} Game;

static size_t roll(Game *g, size_t below) {
  g->seed = g->seed * 6364136223846793005u + 1442695040888963407u;
  return (size_t)(g->seed >> 33) % below;
}

static Value new_item(Game *g, Model **m) {
  int64_t n = (int64_t)roll(g, 1000);
  char text[80];
  switch (roll(g, 6)) {
  case 0:
    *m = model(VALUE_ARRAY, 0);
    return value_array(g->account, NULL, 0);
  case 1:
    *m = model(VALUE_OBJECT, 0);
    return value_object(g->account);
  case 2:
    *m = model(VALUE_TEXT, n);
    words(text, sizeof text, n);
    return value_text(g->account, text, strlen(text));
  default:
    *m = model(VALUE_INT, n);
    return value_int(n);
  }
}

enum { DEEPEST = 6 };

typedef struct Place {
  Model *model;
  Value value; /* borrowed */
  ValueStep steps[DEEPEST + 1];
  size_t depth;
} Place;

/* A random container below the root. */
static Place wander(Game *g) {
  Place p = {.model = g->model, .value = g->root};
  while (p.depth < DEEPEST && p.model->count && roll(g, 5)) {
    size_t i = roll(g, p.model->count);
    Model *below = p.model->parts[i].item;
    if (below->type < VALUE_ARRAY) break;
    ValueStep *step = &p.steps[p.depth++];
    *step = (ValueStep){.index = i};
    if (p.model->type == VALUE_OBJECT)
      step->key = p.model->parts[i].key, step->key_len = strlen(step->key);
    p.model = below;
    p.value = value_get(p.value, step, 1);
  }
  return p;
}

/* Sometimes the item is a part of the tree itself. */
static Value pick_item(Game *g, Model **m) {
  if (roll(g, 12)) return new_item(g, m);
  Place p = wander(g);
  if (p.depth == 0 || model_height(p.model) > 3 || p.model->count > 50)
    return new_item(g, m);
  *m = model_copy(p.model);
  return value_retain(p.value);
}

static void change_array(Game *g, Value *v, Model *m) {
  size_t what = roll(g, 8), at = m->count ? roll(g, m->count) : 0;
  if (m->count && what < 2) {
    assert_int_equal(value_array_remove(g->account, v, at, NULL), 0);
    model_cut(m, at);
    return;
  }
  Model *copy;
  Value item = pick_item(g, &copy);
  if (m->count && what < 3) {
    assert_int_equal(value_array_set(g->account, v, at, item), 0);
    model_cut(m, at);
  } else {
    at = what < 5 ? m->count : roll(g, m->count + 1);
    assert_int_equal(value_array_insert(g->account, v, at, item), 0);
  }
  model_insert(m, at, "", copy);
}

static void change_object(Game *g, Value *v, Model *m) {
  char key[12];
  snprintf(key, sizeof key, "%s%zu", roll(g, 2) ? "k" : "", roll(g, 60));
  size_t at = model_find(m, key);
  if (roll(g, 4) == 0) {
    assert_int_equal(value_object_remove(g->account, v, key, strlen(key), NULL), 0);
    if (at < m->count) model_cut(m, at);
    return;
  }
  Model *copy;
  Value item = pick_item(g, &copy);
  assert_int_equal(value_object_set(g->account, v, key, strlen(key), item), 0);
  at = model_find(m, key);
  if (at < m->count) model_cut(m, at);
  model_insert(m, at, key, copy);
}

static void change(Game *g) {
  Place p = wander(g);
  Value v = value_retain(p.value);
  ValueStep steps[DEEPEST + 1];
  char keys[DEEPEST + 1][12];
  memcpy(steps, p.steps, sizeof steps);
  for (size_t i = 0; i < p.depth; i++)
    if (steps[i].key) steps[i].key = strcpy(keys[i], steps[i].key);
  if (p.depth == 0) value_release(g->root); /* so that it may change in place */
  if (p.model->type == VALUE_ARRAY) change_array(g, &v, p.model);
  else change_object(g, &v, p.model);
  if (p.depth == 0) g->root = v;
  else assert_int_equal(value_set(g->account, &g->root, steps, p.depth, v), 0);
}

static unsigned long setting(const char *name, unsigned long otherwise) {
  const char *text = getenv(name);
  return text ? strtoul(text, NULL, 10) : otherwise;
}

/* --- what is told is enough to make the new from the old -------------------------- */

typedef struct Replay {
  ValueAccount *account;
  Value root;
} Replay;

static size_t steps_of(const ValuePath *path, ValueStep *steps) {
  if (!path) return 0;
  size_t count = steps_of(path->up, steps);
  steps[count] = path->step;
  return count + 1;
}

static int replay(void *ctx, const ValueChange *change) {
  Replay *r = ctx;
  ValueStep steps[VALUE_DEPTH];
  size_t depth = steps_of(change->path, steps);
  if (change->kind == VALUE_SET)
    return value_set(r->account, &r->root, steps, depth, value_retain(change->after));
  if (change->kind == VALUE_REMOVE)
    return value_set(r->account, &r->root, steps, depth, value_null());
  Value list = value_retain(value_get(r->root, steps, depth));
  for (size_t i = 0; i < change->removed; i++)
    assert_int_equal(value_array_remove(r->account, &list, change->index, NULL), 0);
  for (size_t i = 0; i < change->inserted; i++) {
    Value item = value_retain(value_array_at(change->after, change->index + i));
    assert_int_equal(value_array_insert(r->account, &list, change->index + i, item), 0);
  }
  return value_set(r->account, &r->root, steps, depth, list);
}

static void assert_replays(Game *g, Value from, Value to) {
  Replay r = {g->account, value_retain(from)};
  assert_int_equal(value_diff(from, to, replay, &r), 0);
  assert_true(value_equal(r.root, to));
  value_release(r.root);
}

enum { OLD = 8 };

static void play(Game *g, int changes) {
  Value old[OLD] = {{0}};
  Model *old_models[OLD] = {0};
  for (int i = 0; i < changes; i++) {
    change(g);
    if (i % 16) continue;
    size_t at = roll(g, OLD);
    assert_is(g->root, g->model);
    if (old_models[at]) {
      assert_is(old[at], old_models[at]);
      assert_replays(g, old[at], g->root);
      assert_replays(g, g->root, old[at]);
    }
    value_release(old[at]);
    model_free(old_models[at]);
    old[at] = value_retain(g->root);
    old_models[at] = model_copy(g->model);
  }
  for (int i = 0; i < OLD; i++) value_release(old[i]), model_free(old_models[i]);
}

static void changes_as_the_model_does(void **state) {
  unsigned long *played = *state;
  unsigned long seed = setting("SEED", 1);
  unsigned long end = seed + setting("SEEDS", getenv("SEED") ? 1 : 150);
  for (; seed < end; seed++) {
    Game g = {.seed = seed, .account = value_account_new(0)};
    *played = seed;
    bool list = seed % 2;
    g.root = list ? value_array(g.account, NULL, 0) : value_object(g.account);
    g.model = model(list ? VALUE_ARRAY : VALUE_OBJECT, 0);
    play(&g, seed % 10 ? 200 : 2000);
    value_release(g.root);
    model_free(g.model);
    value_account_limit(g.account,
                        1); /* the shapes and texts seen are all that is left */
    assert_true(value_account_nodes(g.account) <= 256 * (1 + 32) + 256);
    value_account_close(g.account);
  }
  *played = 0;
}

/* The seed that is played, until all have been. */
static int note_seed(void **state) {
  return *state = xcalloc(1, sizeof(unsigned long)), 0;
}

static int tell_seed(void **state) {
  unsigned long *played = *state;
  if (*played) print_error("failed with SEED=%lu\n", *played);
  free(played);
  return 0;
}

/* --- long lists ------------------------------------------------------------------- */

static Value message(ValueAccount *a, int64_t id) {
  ValueField fields[] = {{"id", 2, value_int(id)},
                         {"text", 4, value_text(a, "hello", 5)},
                         {"read", 4, value_bool(false)}};
  return value_object_of(a, fields, COUNT_OF(fields));
}

static Value messages(ValueAccount *a, size_t count) {
  Value *items = xcalloc(count, sizeof *items);
  for (size_t i = 0; i < count; i++) items[i] = message(a, (int64_t)i);
  Value list = value_array(a, items, count);
  free(items);
  return list;
}

static int64_t id_at(Value list, size_t index) {
  return value_object_get(value_array_at(list, index), "id", 2).integer;
}

typedef struct Told {
  int count;
  ValueChange last;
  char path[80];
} Told;

static int tell(void *ctx, const ValueChange *change) {
  Told *told = ctx;
  Buffer text = {0};
  value_path_put(&text, change->path);
  snprintf(told->path, sizeof told->path, "%s", buffer_text(&text));
  buffer_free(&text);
  told->count++;
  told->last = *change;
  return 0;
}

static Told told_of(Value from, Value to) {
  Told told = {0};
  assert_int_equal(value_diff(from, to, tell, &told), 0);
  return told;
}

static void a_change_copies_a_few_nodes(void **state) {
  (void)state;
  ValueAccount *a = value_account_new(0);
  Value list = messages(a, 100000);
  for (size_t at = 0; at <= 100000; at += 12500) {
    Value changed = value_retain(list), item = message(a, -1);
    uint64_t made = value_account_made(a);
    assert_int_equal(value_array_insert(a, &changed, at, item), 0);
    assert_true(value_account_made(a) - made < 20);
    assert_int_equal(value_count(changed), 100001);
    assert_int_equal(id_at(changed, at), -1);
    if (at < 100000) assert_int_equal(id_at(changed, at + 1), (int64_t)at);
    Told told = told_of(list, changed);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.last.kind, VALUE_SPLICE);
    assert_int_equal(told.last.index, at);
    assert_int_equal(told.last.inserted, 1);
    made = value_account_made(a);
    assert_int_equal(value_array_remove(a, &changed, at, NULL), 0);
    assert_true(value_account_made(a) - made < 20);
    assert_true(value_equal(list, changed));
    value_release(changed);
  }
  assert_int_equal(value_count(list), 100000);
  value_release(list);
  value_account_close(a);
}

static void tells_where_it_changed(void **state) {
  (void)state;
  ValueAccount *a = value_account_new(0);
  Value root = value_object(a);
  assert_int_equal(value_object_set(a, &root, "messages", 8, messages(a, 5000)), 0);
  Value old = value_retain(root);
  ValueStep steps[] = {
      {.key = "messages", .key_len = 8}, {.index = 4321}, {.key = "a b", .key_len = 3}};
  assert_int_equal(value_set(a, &root, steps, 3, value_bool(true)), 0);
  Told told = told_of(old, root);
  assert_int_equal(told.count, 1);
  assert_string_equal(told.path, "messages[4322][\"a b\"]");
  assert_int_equal(told.last.kind, VALUE_SET);
  assert_int_equal(told.last.before.type, VALUE_ABSENT);
  assert_int_equal(told_of(root, old).last.kind, VALUE_REMOVE);
  assert_int_equal(told_of(root, root).count, 0);
  value_release(old), value_release(root);
  value_account_close(a);
}

static void in_place_when_nobody_else_holds_it(void **state) {
  (void)state;
  ValueAccount *a = value_account_new(0);
  Value list = value_array(a, NULL, 0);
  uint64_t made = value_account_made(a);
  for (int i = 0; i < 100000; i++)
    assert_int_equal(value_array_insert(a, &list, (size_t)i, value_int(i)), 0);
  assert_true(value_account_made(a) - made < 100000 / 32 + 200);
  made = value_account_made(a);
  for (size_t i = 0; i < 100000; i++)
    assert_int_equal(value_array_set(a, &list, i, value_int(-1)), 0);
  assert_int_equal(value_account_made(a), made);
  value_release(list);
  value_account_close(a);
}

static void messages_share_their_keys(void **state) {
  (void)state;
  ValueAccount *a = value_account_new(0);
  Value list = messages(a, 1000);
  assert_true(value_account_nodes(a) < 1100); /* an object each: the text is the same */
  value_release(list);
  value_account_close(a);
}

static void short_texts_are_shared(void **state) {
  (void)state;
  ValueAccount *a = value_account_new(0);
  Value first = value_text(a, "sent", 4), second = value_text(a, "sent", 4);
  assert_ptr_equal(first.node, second.node);
  value_release(first), value_release(second);
  char name[16];
  for (int i = 0; i < 10000; i++)
    value_release(value_text(a, name, (size_t)snprintf(name, sizeof name, "%d", i)));
  assert_true(value_account_nodes(a) <= 256); /* no more of them are held */
  Value last = value_text(a, "9999", 4);
  value_account_close(a); /* it may outlive the store */
  size_t len;
  assert_string_equal(value_bytes(last, &len), "9999");
  value_release(last);
}

/* --- limits ----------------------------------------------------------------------- */

static void depth_is_bounded(void **state) {
  (void)state;
  ValueAccount *a = value_account_new(0);
  Value v = value_array(a, NULL, 0);
  for (int i = 1; i < VALUE_DEPTH; i++) {
    v = value_array(a, &v, 1);
    assert_int_equal(v.type, VALUE_ARRAY);
  }
  assert_int_equal(value_height(v), VALUE_DEPTH);
  Value object = value_object(a);
  int code = value_object_set(a, &object, "x", 1, value_retain(v));
  assert_int_equal(code, ERR_TOO_LARGE);
  assert_int_equal(value_count(object), 0);
  assert_int_equal(value_array(a, &v, 1).type, VALUE_ABSENT); /* takes it */
  value_release(object);
  value_account_close(a);
}

/* A list of two that is made anew around the last one each time must not seem deep. */
static void depth_is_what_is_left(void **state) {
  (void)state;
  ValueAccount *a = value_account_new(0);
  Value v = value_object(a);
  for (int i = 0; i < 2000; i++) {
    assert_int_equal(value_object_remove(a, &v, "before", 6, NULL), 0);
    Value next = value_object(a);
    assert_int_equal(value_object_set(a, &next, "before", 6, v), 0);
    v = next;
  }
  assert_int_equal(value_height(v), 2);
  value_release(v);
  value_account_close(a);
}

static void account_has_a_limit(void **state) {
  (void)state;
  ValueAccount *a = value_account_new(100000);
  Value list = value_array(a, NULL, 0);
  int code = 0, count = 0;
  for (; !code && count < 100000; count++)
    code = value_array_insert(a, &list, value_count(list), message(a, count));
  assert_int_equal(code, ERR_MEMORY);
  assert_true(count > 100 && value_account_used(a) < 110000);
  char long_text[1000] = "";
  assert_int_equal(value_text(a, long_text, sizeof long_text).type, VALUE_ABSENT);
  while (value_count(list))
    assert_int_equal(value_array_remove(a, &list, value_count(list) - 1, NULL), 0);
  assert_int_equal(value_array_insert(a, &list, 0, value_int(1)), 0);
  value_release(list);
  value_account_close(a);
}

static void account_outlives_its_store(void **state) {
  (void)state;
  ValueAccount *a = value_account_new(0), *b = value_account_new(0);
  Value list = messages(a, 100);
  value_account_close(a);
  assert_int_equal(value_array_insert(b, &list, 50, value_int(1)), 0);
  value_release(list);
  assert_int_equal(value_account_used(b), 0);
  assert_int_equal(value_account_nodes(b), 0);
  value_account_close(b);
}

/* --- scalars, JSON ---------------------------------------------------------------- */

static void compares(void **state) {
  (void)state;
  double nan = __builtin_nan("");
  assert_true(value_same(value_double(nan), value_double(nan)));
  assert_true(value_same(value_int(1), value_double(1)));
  assert_false(value_same(value_int((1ll << 53) + 1), value_double(9007199254740992.0)));
  assert_false(value_same(value_int(INT64_MAX), value_double(9223372036854775808.0)));
  assert_true(value_same(value_double(0.0), value_double(-0.0)));
  assert_false(value_same(value_null(), value_bool(false)));
  assert_false(value_same(value_null(), (Value){0}));
}

static Value from_json(ValueAccount *a, const char *text) {
  JsonArena *arena = json_arena_new(NULL);
  Error err;
  Value v;
  const cJSON *root = json_parse(arena, text, strlen(text), &err);
  assert_non_null(root);
  assert_int_equal(value_from_json(a, arena, root, &v, &err), 0);
  json_arena_free(arena);
  return v;
}

static void assert_json(Value v, const char *want) {
  Buffer out = {0};
  Error err;
  assert_int_equal(value_to_json(v, &out, &err), 0);
  assert_string_equal(buffer_text(&out), want);
  buffer_free(&out);
}

static void json_both_ways(void **state) {
  (void)state;
  static const char *const texts[] = {
      "{}",     "[]",   "{\"b\":1,\"a\":[null,true,0.5,\"x\\u0000\",{}]}",
      "[[[]]]", "\"\"", "-9007199254740992"};
  ValueAccount *a = value_account_new(0);
  for (size_t i = 0; i < COUNT_OF(texts); i++) {
    Value v = from_json(a, texts[i]), w = from_json(a, texts[i]);
    assert_json(v, texts[i]);
    assert_true(value_equal(v, w));
    value_release(v), value_release(w);
  }
  Value v = from_json(a, "{\"a\":1,\"n\":null,\"a\":2}");
  assert_json(v, "{\"a\":2}");
  value_release(v);
  value_account_close(a);
}

static void json_says_where(void **state) {
  (void)state;
  ValueAccount *a = value_account_new(0);
  Value v = from_json(a, "{\"a\":[1,{}]}");
  ValueStep steps[] = {
      {.key = "a", .key_len = 1}, {.index = 1}, {.key = "b", .key_len = 1}};
  Buffer out = {0};
  Error err;
  assert_int_equal(value_set(a, &v, steps, 3, value_double(__builtin_inf())), 0);
  assert_int_equal(value_to_json(v, &out, &err), ERR_DECODE);
  assert_string_equal(err.message, "a[2].b: NaN and infinity are no JSON numbers");
  assert_int_equal(out.len, 0);
  buffer_free(&out);
  value_release(v);
  value_account_close(a);
}

static void large_objects_are_ordered(void **state) {
  (void)state;
  ValueAccount *a = value_account_new(0);
  Value v = value_object(a);
  char name[16];
  for (int i = 0; i < 5000; i++) {
    int n = snprintf(name, sizeof name, "%d", i * 7919 % 5000);
    assert_int_equal(value_object_set(a, &v, name, (size_t)n, value_int(i)), 0);
  }
  Value key, item;
  char last[16] = "";
  size_t len, i = 0;
  for (; value_object_at(v, i, &key, &item); i++) {
    assert_true(strcmp(last, value_bytes(key, &len)) < 0);
    strcpy(last, value_bytes(key, &len));
    assert_true(value_same(value_object_get(v, last, len), item));
  }
  assert_int_equal(i, 5000);
  while (value_object_at(v, 0, &key, &item)) {
    strcpy(last, value_bytes(key, &len));
    assert_int_equal(value_object_remove(a, &v, last, len, NULL), 0);
  }
  assert_json(v, "{}");
  value_release(v);
  value_account_close(a);
}

static Value number_or_list(ValueAccount *a, size_t i) {
  Value one = value_int((int64_t)i);
  return i % 7 ? one : value_array(a, &one, 1);
}

static void arrays_item_by_item(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, 31, 32, 33, 1023, 1024, 1025, 40000};
  ValueAccount *a = value_account_new(0);
  size_t nodes = value_account_nodes(a);
  for (size_t s = 0; s < COUNT_OF(sizes); s++) {
    size_t n = sizes[s];
    Value *items = xcalloc(n + 1, sizeof *items);
    ValueArrayBuild *one = value_array_begin(a), *dropped = value_array_begin(a);
    for (size_t i = 0; i < n; i++) {
      items[i] = number_or_list(a, i);
      value_array_add(one, value_retain(items[i]));
      value_array_add(dropped, value_retain(items[i]));
    }
    value_array_drop(dropped);
    Value whole = value_array(a, items, n), same = value_array_end(one);
    assert_true(value_equal(whole, same));
    assert_int_equal(value_height(same), value_height(whole));
    assert_int_equal(value_array_insert(a, &same, n / 2, value_int(1)), 0);
    assert_int_equal(value_count(same), n + 1);
    value_release(whole);
    value_release(same);
    free(items);
    assert_int_equal(value_account_nodes(a), nodes);
  }
  value_account_close(a);
}

static void items_that_do_not_fit_are_refused(void **state) {
  (void)state;
  ValueAccount *a = value_account_new(20000);
  size_t nodes = value_account_nodes(a);
  ValueArrayBuild *b = value_array_begin(a);
  for (size_t i = 0; i < 5000; i++) value_array_add(b, value_int(1));
  assert_int_equal(value_array_end(b).type, VALUE_ABSENT);
  b = value_array_begin(a);
  value_array_add(b, value_array(a, NULL, 0));
  value_array_add(b, (Value){0});
  assert_int_equal(value_array_end(b).type, VALUE_ABSENT);
  assert_int_equal(value_account_nodes(a), nodes);
  value_account_close(a);
}

/* Many fields at once: as if put in one by one, the last of a key counting. */
static void many_fields_at_once(void **state) {
  (void)state;
  ValueAccount *a = value_account_new(0);
  static char names[3000][24];
  ValueField fields[3000];
  for (unsigned seed = 1; seed <= 60; seed++) {
    size_t count = 20 + seed * 49;
    unsigned roll = seed;
    Value one = value_object(a);
    for (size_t i = 0; i < count; i++) {
      roll = roll * 1664525 + 1013904223;
      unsigned n = (roll >> 8) % (seed % 3 ? 5000 : 30);
      int len =
          snprintf(names[i], sizeof names[i], seed % 2 ? "%u" : "common prefix %u", n);
      if (n % 50 == 7) names[i][len - 1] = '\0'; /* zeros count as any byte */
      Value item = (roll >> 24) % 9 == 0 ? value_null() : value_int((int64_t)i);
      fields[i] = (ValueField){names[i], (size_t)len, item};
      assert_int_equal(value_object_set(a, &one, names[i], (size_t)len, item), 0);
    }
    Value all = value_object_of(a, fields, count);
    assert_true(value_equal(all, one) && value_equal(one, all));
    assert_int_equal(value_count(all), value_count(one));
    value_release(all);
    value_release(one);
  }
  value_account_close(a);
}

static void many_fields_that_do_not_fit(void **state) {
  (void)state;
  ValueAccount *a = value_account_new(20000);
  static char names[2000][8];
  ValueField fields[2000];
  size_t nodes = value_account_nodes(a);
  for (size_t i = 0; i < COUNT_OF(fields); i++) {
    snprintf(names[i], sizeof names[i], "%zu", i);
    fields[i] = (ValueField){names[i], strlen(names[i]), value_array(a, NULL, 0)};
  }
  assert_int_equal(value_object_of(a, fields, COUNT_OF(fields)).type, VALUE_ABSENT);
  assert_int_equal(value_account_nodes(a), nodes);
  value_account_close(a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(changes_as_the_model_does, note_seed, tell_seed),
      cmocka_unit_test(a_change_copies_a_few_nodes),
      cmocka_unit_test(tells_where_it_changed),
      cmocka_unit_test(in_place_when_nobody_else_holds_it),
      cmocka_unit_test(messages_share_their_keys),
      cmocka_unit_test(short_texts_are_shared),
      cmocka_unit_test(depth_is_bounded),
      cmocka_unit_test(depth_is_what_is_left),
      cmocka_unit_test(account_has_a_limit),
      cmocka_unit_test(account_outlives_its_store),
      cmocka_unit_test(compares),
      cmocka_unit_test(json_both_ways),
      cmocka_unit_test(json_says_where),
      cmocka_unit_test(large_objects_are_ordered),
      cmocka_unit_test(arrays_item_by_item),
      cmocka_unit_test(items_that_do_not_fit_are_refused),
      cmocka_unit_test(many_fields_at_once),
      cmocka_unit_test(many_fields_that_do_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
