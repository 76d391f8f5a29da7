/* Immutable values: what stores hold. A Value is null, a boolean, an integer, a double,
 * or a reference to a counted node: text, an array, an object.
 *
 *   - A node with two references never changes. "Changing" a value copies the few nodes
 * on the way and shares the rest: O(log n) small ones, wherever in 100,000 items it is. A
 * node with one reference is changed in place, so a series of changes copies each node
 * once.
 *   - Counts are touched on the loop's thread only. Another thread may READ a tree that
 * the loop holds for it; it never retains or releases.
 *   - Arrays are trees by position. Objects of up to 32 keys keep the order in which keys
 *     came, larger ones have the order of their keys' bytes. Null in an object means
 * absent.
 *   - An array or object may be lazy: its content is read when it is first used; its
 *     identity stays. That happens on the loop's thread only: a value lent to another
 * thread goes through value_force first.
 *   - Nesting goes VALUE_DEPTH deep at most, checked whenever an item is put into a
 *     container, so that code that walks a value may recurse.
 *
 * Ownership: functions that take a Value as an item TAKE it, also when they fail.
 * Look-ups return a value borrowed from the tree. value_retain returns one to own. */
#ifndef TIDELOCK_CORE_VALUE_H
#define TIDELOCK_CORE_VALUE_H

#include "core/charge.h"
#include "core/buffer.h"
#include "core/error.h"
#include "core/json.h"

/* A lazy value counts as at least VALUE_LAZY_HEIGHT high, whatever is in it. */
enum { VALUE_DEPTH = 512, VALUE_LAZY_HEIGHT = 256 };

typedef enum ValueType {
  VALUE_ABSENT, /* a zeroed Value: there is none */
  VALUE_NULL,
  VALUE_BOOL,
  VALUE_INT,
  VALUE_DOUBLE,
  VALUE_TEXT, /* these and the next own a node */
  VALUE_ARRAY,
  VALUE_OBJECT
} ValueType;

typedef struct ValueNode ValueNode;

typedef struct Value {
  ValueType type;
  union {
    bool boolean;
    int64_t integer;
    double number;
    ValueNode *node;
  };
} Value;

/* --- accounts: who pays for nodes -----------------------------------------------------
 * Each node is charged to the account it was made with until it is freed, wherever it is
 * shared to. What would pass the limit gives ERR_MEMORY and changes nothing (a step may
 * pass it by the few nodes it copies). */
typedef struct ValueAccount ValueAccount;
ValueAccount *value_account_new(size_t limit);           /* bytes; 0: none. Returns new */
void value_account_close(ValueAccount *account);         /* freed with its last node */
size_t value_account_used(const ValueAccount *account);  /* bytes */
size_t value_account_nodes(const ValueAccount *account); /* how many live */
uint64_t value_account_made(const ValueAccount *account); /* nodes ever made or copied */
void value_account_limit(ValueAccount *account, size_t limit);
/* Charges the account's bytes there too; holds a reference. Once, before any value is
 * made.
 */
void value_account_charge(ValueAccount *account, Charge *charge);
/* Adds bytes that came in by reading lazy values, which is no change; the loader calls
 * it.
 */
size_t value_account_loaded(const ValueAccount *account);
void value_account_add_loaded(ValueAccount *account, size_t bytes);

/* Says in *err what a code that a function below returned means; returns the code. */
int value_error(Error *err, int code);

/* Whether the time for what is done is over. */
typedef bool ValueLate(void);

/* --- values ----------------------------------------------------------------------- */
static inline Value value_null(void) {
  return (Value){.type = VALUE_NULL};
}
static inline Value value_bool(bool b) {
  return (Value){.type = VALUE_BOOL, .boolean = b};
}
static inline Value value_int(int64_t n) {
  return (Value){.type = VALUE_INT, .integer = n};
}
static inline Value value_double(double n) {
  return (Value){.type = VALUE_DOUBLE, .number = n};
}
static inline bool value_has_node(Value v) {
  return v.type >= VALUE_TEXT;
}
static inline bool value_is_container(Value v) {
  return v.type >= VALUE_ARRAY;
}

Value value_retain(Value v); /* the same, to own */
void value_release(Value v); /* any size and depth; does not recurse */

/* Return new, or an absent one when the account is full or the text has 4 GiB or more. */
Value value_text(ValueAccount *account, const char *bytes, size_t len);
/* Takes the items (and leaves the list, which the caller owns). Absent when the account
 * is full, or it nests too deeply. An absent item, here and below, is one for which
 * there was no memory: the result is absent, or ERR_MEMORY. */
Value value_array(ValueAccount *account, const Value *items, size_t count);
/* The same, item by item. */
typedef struct ValueArrayBuild ValueArrayBuild;
ValueArrayBuild *value_array_begin(ValueAccount *account); /* returns new */
void value_array_add(ValueArrayBuild *build, Value item);  /* takes it */
Value value_array_end(ValueArrayBuild *build);             /* takes the build */
void value_array_drop(ValueArrayBuild *build);             /* takes the build */
Value value_object(ValueAccount *account);                 /* empty */
/* Takes the items; keys are borrowed. Of a key that comes twice the last value counts; an
 * item that is null is left out. */
typedef struct ValueField {
  const char *key;
  size_t key_len;
  Value item;
} ValueField;
Value value_object_of(ValueAccount *account, const ValueField *fields, size_t count);
/* The same; absent also when is_late, which is asked every few milliseconds while it is
 * large, says true. NULL: never. */
Value value_object_within(ValueAccount *account, const ValueField *fields, size_t count,
                          ValueLate *is_late);
/* An empty table, undecided between array and object: an object until an item comes. */
Value value_undecided(ValueAccount *account);
bool value_is_undecided(Value v);

const char *value_bytes(Value text, size_t *len); /* borrows; NUL-terminated */
int value_height(Value v);   /* how deep it nests: 0 for scalars and text, 1 for {} */
size_t value_count(Value v); /* of items or keys; 0 for what is no container */

/* The same node, or the same scalar or text. NaN is NaN, 1 is 1.0. O(1) but for text. */
bool value_same(Value a, Value b);
/* The same content; stops where both share a node. Order of keys does not count. An empty
 * object is not an undecided one. */
bool value_equal(Value a, Value b);
/* Takes `after`, returns new: the same content, with the nodes of `before` for parts that
 * are equal; `before` itself when all is equal. */
Value value_settle(ValueAccount *account, Value before, Value after);
/* The same; absent when is_late, which is asked every so many steps, says true. */
Value value_settle_within(ValueAccount *account, Value before, Value after,
                          ValueLate *is_late);

/* `ours` with what `theirs` differs in from `base`, of which both were made: *merged is
 * new. Objects are merged key by key, to any depth. False where both differ from the base
 * in one place, or there is no memory. */
bool value_merge(ValueAccount *account, Value base, Value ours, Value theirs,
                 Value *merged);

/* --- arrays, from 0 -------------------------------------------------------------------
 * Return 0, ERR_MEMORY, ERR_TOO_LARGE (nested too deeply), ERR_INVALID (no such place);
 * on an error *array is as it was. */
Value value_array_at(Value array, size_t index); /* absent beyond the end */
/* The run of items in memory that `index` stands in, for loops: *count from there on. */
const Value *value_array_run(Value array, size_t index, size_t *count);
int value_array_set(ValueAccount *account, Value *array, size_t index, Value item);
int value_array_insert(ValueAccount *account, Value *array, size_t index, Value item);
int value_array_remove(ValueAccount *account, Value *array, size_t index,
                       Value *removed); /* removed: to own, or NULL */

/* --- objects ---------------------------------------------------------------------- */
Value value_object_get(Value object, const char *key, size_t len); /* absent: none */
/* By position, in the object's order: false beyond the end. */
bool value_object_at(Value object, size_t index, Value *key, Value *item);
/* Its position, for value_object_at; false: there is no such key. */
bool value_object_find(Value object, const char *key, size_t len, size_t *index);
bool value_object_is_sorted(Value object); /* by key: it is large */
/* An item that is null removes the key. */
int value_object_set(ValueAccount *account, Value *object, const char *key, size_t len,
                     Value item);
int value_object_remove(ValueAccount *account, Value *object, const char *key, size_t len,
                        Value *removed);

/* --- what is read when it is needed ---------------------------------------------------
 */
typedef struct ValueLoader ValueLoader;
struct ValueLoader {
  /* Returns new: the content, charged to that account, of the given height at most;
   * absent when it cannot be read: then the value stays empty. Called once. */
  Value (*load)(ValueLoader *loader, void *item, ValueAccount *account);
  /* The last reference is gone, and the value was not read. */
  void (*gone)(ValueLoader *loader, void *item);
};
/* An array or object; borrows the loader until one of its functions was called, or
 * value_lazy_fill. */
Value value_lazy(ValueAccount *account, ValueType type, int height, ValueLoader *loader,
                 void *item);
bool value_is_unread(Value v);
/* The loader's item of a value that is not read yet and has this loader; else NULL. */
void *value_lazy_item(Value v, const ValueLoader *loader);
ValueLoader *value_lazy_loader(Value v);         /* NULL: not lazy, or read */
ValueAccount *value_account_of(Value container); /* borrows */
/* Takes the content; it is dropped if the value was read meanwhile. */
void value_lazy_fill(Value v, Value content);
Value value_find_unread(
    Value v);              /* the first unread value in it, itself included; or absent */
void value_force(Value v); /* reads all in it */

/* --- paths ------------------------------------------------------------------------ */
typedef struct ValueStep {
  const char *key; /* NULL: index */
  size_t key_len, index;
} ValueStep;
Value value_get(Value root, const ValueStep *steps, size_t count); /* borrows */
/* Makes missing objects on the path; the index behind an array's end appends. */
int value_set(ValueAccount *account, Value *root, const ValueStep *steps, size_t count,
              Value item);

/* A path as a chain on the C stack: the last step first. */
typedef struct ValuePath ValuePath;
struct ValuePath {
  const ValuePath *up; /* NULL: the root */
  ValueStep step;
};
/* As a script would write it: messages[3].text, with the index from 1. */
void value_path_put(Buffer *out, const ValuePath *path);
/* One key of such a path, which begins at `before` in out. */
void value_path_put_key(Buffer *out, size_t before, const char *key, size_t len);

/* --- differences ----------------------------------------------------------------------
 * Reports the changes that turn `before` into `after`, top down, in the order in which
 * they can be replayed. Shared parts are skipped.
 *
 * - VALUE_SET: the item at `path` became `after` (absent before: a new key).
 *
 * - VALUE_REMOVE: the key at `path` is gone.
 *
 * - VALUE_SPLICE: `path` is an array. From `index` on, `removed` items went and
 *   `inserted` came, which stand in `after` from `index` on.
 *
 * An index counts in the array as all changes reported before leave it. A NULL path is
 * the root itself. A callback that returns other than 0 ends it, with that result. */
typedef enum ValueChangeKind { VALUE_SET, VALUE_REMOVE, VALUE_SPLICE } ValueChangeKind;
typedef struct ValueChange {
  ValueChangeKind kind;
  const ValuePath *path;
  Value before, after; /* borrowed; for SPLICE the whole arrays */
  size_t index, removed, inserted;
} ValueChange;
typedef int ValueDiffFn(void *ctx, const ValueChange *change);
int value_diff(Value before, Value after, ValueDiffFn *fn, void *ctx);

/* --- JSON -----------------------------------------------------------------------------
 * ERR_DECODE with the path in *err where text is not UTF-8 or a number not finite. `out`
 * is then as it was. */
int value_to_json(Value v, Buffer *out, Error *err);
/* For people: as JSON, about `limit` bytes of it; never fails. */
void value_show(Buffer *out, Value v, size_t limit);
/* Keys with null are left out. DECODE, MEMORY. Depth is what json_parse allows. */
int value_from_json(ValueAccount *account, const JsonArena *arena, const cJSON *item,
                    Value *out, Error *err);

#endif
