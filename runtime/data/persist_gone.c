#include "data/persist_gone.h"

#include <string.h>

#include "core/buffer.h"
#include "data/defaults.h"

static void replace_value(Value *at, Value value) {
  value_release(*at);
  *at = value;
}

void gone_keys_begin(GoneKeys *g, Value initial) {
  replace_value(&g->initial, value_retain(initial));
  replace_value(&g->all, (Value){0});
}

void gone_keys_read(GoneKeys *g, ValueAccount *account, const char *json, size_t len) {
  Error err;
  JsonArena *arena = json_arena_new(NULL);
  const cJSON *item = len ? json_parse_exact(arena, json, len, &err) : NULL;
  if (item && value_from_json(account, arena, item, &g->stored, &err) != 0)
    g->stored = (Value){0};
  json_arena_free(arena);
}

/* Returns new: the gone keys among those that are kept. */
static Value kept_of(ValueAccount *account, Value all, char *const *keys) {
  if (!keys) return value_retain(all);
  Value kept = value_object(account);
  for (; *keys; keys++) {
    Value item = value_object_get(all, *keys, strlen(*keys));
    if (item.type != VALUE_ABSENT)
      value_object_set(account, &kept, *keys, strlen(*keys), value_retain(item));
  }
  return kept;
}

static void find_all(GoneKeys *g, ValueAccount *account, Value before, Value root) {
  bool known = g->all.type == VALUE_OBJECT && before.type == VALUE_OBJECT;
  replace_value(&g->all,
                known ? defaults_gone_now(account, g->initial, before, root, g->all)
                      : defaults_gone(account, g->initial, root));
}

char *gone_keys_sync(GoneKeys *g, ValueAccount *account, char *const *keys, Value before,
                     Value root) {
  Error err;
  Buffer text = {0};
  if (g->initial.type != VALUE_OBJECT) return NULL;
  find_all(g, account, before, root);
  Value now = kept_of(account, g->all, keys);
  bool same = g->stored.type ? value_equal(now, g->stored) : value_count(now) == 0;
  if (same || value_to_json(now, &text, &err) != 0) {
    value_release(now);
    buffer_free(&text);
    return NULL;
  }
  replace_value(&g->stored, now);
  return buffer_take(&text, NULL);
}

void gone_keys_forget(GoneKeys *g) {
  replace_value(&g->stored, (Value){0});
  replace_value(&g->all, (Value){0});
}

void gone_keys_free(GoneKeys *g) {
  gone_keys_forget(g);
  replace_value(&g->initial, (Value){0});
}
