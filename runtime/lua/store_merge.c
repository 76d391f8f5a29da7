/* Few keys are set one by one. Many are sorted together with those that are there, which
 * costs a third of it: see store_merge.h. */
#include "lua/store_merge.h"

#include "bridge/luavalue.h"
#include "vm/watchdog.h"

enum {
  MANY = 256,  /* keys */
  STRIDE = 256 /* keys between two looks at the limit */
};

static int refuse_late(Error *err) {
  return error_set(err, ERR_TIMEOUT, "the limit of the turn is reached");
}

static ValueField *fields_of(const Buffer *fields) {
  return (ValueField *)(void *)fields->data;
}

static size_t count_of(const Buffer *fields) {
  return fields->len / sizeof(ValueField);
}

/* The key is borrowed from the table, whose strings stay where they are. */
static int read_field(lua_State *L, ValueAccount *account, Buffer *fields, Error *err) {
  if (lua_type(L, -2) != LUA_TSTRING)
    return error_set(err, ERR_INVALID, "the keys of a store are strings");
  ValueField field;
  field.key = lua_tolstring(L, -2, &field.key_len);
  if (luavalue_read(L, -1, account, &field.item, err) != 0) {
    Error inner = *err;
    return error_set(err, inner.code, "%.60s: %.240s", field.key, inner.message);
  }
  buffer_put(fields, &field, sizeof field);
  return 0;
}

static int read_fields(lua_State *L, int table, ValueAccount *account, Buffer *fields,
                       Error *err) {
  int code = 0, top = lua_gettop(L);
  for (lua_pushnil(L); !code && lua_next(L, table); lua_pop(L, code ? 0 : 1)) {
    code = read_field(L, account, fields, err);
    if (!code && count_of(fields) % STRIDE == 0 && watchdog_is_late())
      code = refuse_late(err);
  }
  lua_settop(L, top);
  return code;
}

/* Takes the items. */
static int set_each(ValueAccount *account, Buffer *fields, Value *root, Error *err) {
  int code = 0;
  for (size_t i = 0; i < count_of(fields); i++) {
    const ValueField *f = &fields_of(fields)[i];
    if (!code && i % STRIDE == STRIDE - 1 && watchdog_is_late()) code = refuse_late(err);
    bool same = value_same(f->item, value_object_get(*root, f->key, f->key_len));
    if (code || same) {
      value_release(f->item);
      continue;
    }
    code = value_object_set(account, root, f->key, f->key_len, f->item);
    if (code) value_error(err, code);
  }
  return code;
}

/* The root's fields first: of a key that comes twice the last value counts. */
static int set_together(ValueAccount *account, const Buffer *fields, Value *root,
                        Error *err) {
  Buffer all = {0};
  Value key, item;
  for (size_t i = 0; value_object_at(*root, i, &key, &item); i++) {
    ValueField field = {.item = value_retain(item)};
    field.key = value_bytes(key, &field.key_len);
    buffer_put(&all, &field, sizeof field);
  }
  buffer_put(&all, fields->data, fields->len);
  Value merged =
      value_object_within(account, fields_of(&all), count_of(&all), watchdog_is_late);
  buffer_free(&all);
  if (merged.type == VALUE_ABSENT)
    return watchdog_is_late() ? refuse_late(err) : value_error(err, ERR_MEMORY);
  value_release(*root);
  *root = merged;
  return 0;
}

static void drop_fields(const Buffer *fields) {
  for (size_t i = 0; i < count_of(fields); i++) value_release(fields_of(fields)[i].item);
}

int store_merge(lua_State *L, int index, ValueAccount *account, Value *root, Error *err) {
  Buffer fields = {0};
  int code = read_fields(L, index, account, &fields, err);
  size_t count = count_of(&fields);
  if (code) drop_fields(&fields);
  else if (count > MANY && count >= value_count(*root) / 8)
    code = set_together(account, &fields, root, err);
  else code = set_each(account, &fields, root, err);
  buffer_free(&fields);
  return code;
}
