/* See cache_disk.h. Changes wait in `waiting`, by key; one write is under way at a time.
 * An entry that the disk has nothing of, and that goes before it is written, leaves no
 * trace: so what waits is never more than the entries and the rows there are. */
#include "data/cache_disk.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "core/clock.h"
#include "data/cache_rows.h"

struct Writing;

static const double DELAY = 0.1, DOUBT = 60;

typedef struct OpList {
  Index index;
  CacheOp *first, *last;
} OpList;

struct CacheDisk {
  CacheKeeper keeper;
  Loop *loop;
  Db *db;
  Cache *cache; /* NULL: closed */
  char *name;
  HashSeed seed;
  uint64_t session; /* of the machine's run; 0: not known */
  OpList waiting;
  int writes;           /* under way */
  struct Writing *last; /* of these; NULL: none */
  Timer timer;
  bool told; /* that a row could not be read */
};

/* --- operations ------------------------------------------------------------------- */

static uint64_t hash_key(const CacheDisk *d, CacheKey key) {
  return hash_seeded(&d->seed, key.bytes, key.len);
}

static CacheOp *find_op(const CacheDisk *d, const OpList *list, CacheKey key) {
  IndexNode *node = index_first(&list->index, hash_key(d, key));
  for (; node; node = index_next(node)) {
    CacheOp *op = CONTAINER_OF(node, CacheOp, node);
    if (op->len == key.len && memcmp(op->key, key.bytes, key.len) == 0) return op;
  }
  return NULL;
}

static void free_op(CacheOp *op) {
  value_release(op->value);
  value_release(op->tags);
  free(op);
}

static void remove_op(OpList *list, CacheOp *op) {
  index_remove(&list->index, &op->node);
  if (op->prev) op->prev->next = op->next;
  else list->first = op->next;
  if (op->next) op->next->prev = op->prev;
  else list->last = op->prev;
  free_op(op);
}

static void free_ops(OpList *list) {
  while (list->first) remove_op(list, list->first);
  index_free(&list->index);
}

static CacheOp *new_op(CacheDisk *d, CacheKey key) {
  CacheOp *op = xmalloc(sizeof *op + key.len);
  *op = (CacheOp){.len = key.len, .prev = d->waiting.last};
  memcpy(op->key, key.bytes, key.len);
  if (op->prev) op->prev->next = op;
  else d->waiting.first = op;
  d->waiting.last = op;
  index_add(&d->waiting.index, &op->node, hash_key(d, key));
  if (!timer_active(&d->timer) && !d->writes) timer_start(d->loop, &d->timer, DELAY);
  return op;
}

/* --- writing ---------------------------------------------------------------------- */

static void free_disk(CacheDisk *d) {
  free_ops(&d->waiting);
  free(d->name);
  free(d);
}

typedef struct Writing {
  CacheWrite write;
  CacheDisk *disk;
  OpList ops;
} Writing;

static void report_refused(const CacheDisk *d, const Error *why) {
  if (why->code == ERR_NONE) return;
  log_write(loop_log(d->loop), LOG_ERROR, "cache",
            "an entry of %.100s cannot be kept on the disk: %.250s", d->name,
            why->message);
}

static void on_written(DbJob *job);

/* Another thread reads the values: no part of them may be unread. */
static void force_values(const OpList *list) {
  for (CacheOp *op = list->first; op; op = op->next)
    if (op->kind == CACHE_PUT) value_force(op->value);
}

static void write_now(CacheDisk *d, bool forget) {
  timer_stop(d->loop, &d->timer);
  force_values(&d->waiting);
  Writing *writing = d->last = xcalloc(1, sizeof *writing);
  writing->disk = d;
  writing->ops = d->waiting;
  writing->write = (CacheWrite){.job.work = cache_write_work,
                                .job.done = on_written,
                                .name = xstrdup(d->name),
                                .ops = d->waiting.first,
                                .session = d->session,
                                .forget = forget};
  d->waiting = (OpList){0};
  d->writes++;
  db_push(d->db, &writing->write.job);
}

static void on_written(DbJob *job) {
  Writing *writing = CONTAINER_OF(CONTAINER_OF(job, CacheWrite, job), Writing, write);
  CacheDisk *d = writing->disk;
  report_refused(d, &writing->write.refused);
  if (d->last == writing) d->last = NULL;
  free_ops(&writing->ops);
  free(writing->write.name);
  free(writing);
  if (--d->writes) return;
  if (!d->cache) free_disk(d);
  else if (d->waiting.first) write_now(d, false);
}

static void on_due(Timer *timer) {
  CacheDisk *d = CONTAINER_OF(timer, CacheDisk, timer);
  if (!d->writes && d->waiting.first) write_now(d, false);
}

/* --- the keeper ------------------------------------------------------------------- */

static Value tags_value(ValueAccount *account, const TagList *tags) {
  size_t count = cache_tags_count(tags);
  if (!count) return (Value){0};
  ValueArrayBuild *build = value_array_begin(account);
  for (size_t i = 0; i < count; i++) {
    TagName name = cache_tags_at(tags, i);
    value_array_add(build, value_text(account, name.bytes, name.len));
  }
  return value_array_end(build);
}

/* No write that is under way concerns the key. */
static bool is_unwritten(const CacheDisk *d, CacheKey key) {
  if (!d->writes) return true;
  return d->writes == 1 && d->last && !find_op(d, &d->last->ops, key);
}

static void put_entry(CacheDisk *d, const CacheLook *look, Value value, bool anew,
                      double age) {
  CacheOp *op = find_op(d, &d->waiting, look->key);
  if (!op) {
    op = new_op(d, look->key);
    op->anew = anew && is_unwritten(d, look->key);
  }
  value_release(op->value);
  value_release(op->tags);
  op->kind = CACHE_PUT;
  op->value = value_retain(value);
  op->tags = tags_value(cache_account(d->cache), look->tags);
  op->made = clock_wall() - age;
  op->boot = look->made;
  op->span = look->fresh_until - look->made;
  op->ttl = look->ttl;
  op->bytes = look->bytes;
}

static void on_put(CacheKeeper *keeper, const CacheLook *look, Value value, bool anew) {
  put_entry(CONTAINER_OF(keeper, CacheDisk, keeper), look, value, anew, 0);
}

static void on_aged(CacheKeeper *keeper, const CacheLook *look) {
  CacheDisk *d = CONTAINER_OF(keeper, CacheDisk, keeper);
  CacheOp *op = find_op(d, &d->waiting, look->key);
  if (!op) {
    op = new_op(d, look->key);
    op->kind = CACHE_AGE;
  }
  op->span = look->fresh_until - look->made;
}

static void on_dropped(CacheKeeper *keeper, CacheKey key) {
  CacheDisk *d = CONTAINER_OF(keeper, CacheDisk, keeper);
  CacheOp *op = find_op(d, &d->waiting, key);
  if (op && op->anew) {
    remove_op(&d->waiting, op);
    return;
  }
  if (!op) op = new_op(d, key);
  value_release(op->value);
  value_release(op->tags);
  op->value = op->tags = (Value){0};
  op->kind = CACHE_DROP;
}

static int decode_value(ValueAccount *account, const Buffer *json, Value *out,
                        Error *err) {
  JsonArena *arena = json_arena_new(NULL);
  const cJSON *item = json_parse_exact(arena, json->data, json->len, err);
  int code = item ? value_from_json(account, arena, item, out, err) : (int)err->code;
  json_arena_free(arena);
  return code;
}

static int read_value(CacheDisk *d, CacheKey key, ValueAccount *account, Value *out,
                      Error *err) {
  Buffer json = {0};
  sqlite3 *sql = db_reader(d->db, err);
  int rc = sql ? cache_read_value(sql, d->name, key.bytes, key.len, &json) : SQLITE_ERROR;
  int code = sql ? 0 : (int)err->code;
  if (sql && rc != SQLITE_OK)
    code = error_set(err, ERR_IO, "%.200s",
                     rc == SQLITE_DONE ? "it is not there" : sqlite3_errmsg(sql));
  if (code == 0) code = decode_value(account, &json, out, err);
  buffer_free(&json);
  return code;
}

static void report_broken(CacheDisk *d, const Error *why) {
  if (d->told) return;
  d->told = true;
  log_write(
      loop_log(d->loop), LOG_WARN, "cache",
      "what is stored of an entry of %.100s cannot be read, and is dropped (further "
      "ones silently): %.200s",
      d->name, why->message);
}

static Value on_load(CacheKeeper *keeper, CacheKey key, ValueAccount *account) {
  CacheDisk *d = CONTAINER_OF(keeper, CacheDisk, keeper);
  Value v = {0};
  Error err;
  db_reading(d->db, true);
  if (read_value(d, key, account, &v, &err) != 0) {
    report_broken(d, &err);
    v = (Value){0};
  }
  db_reading(d->db, false);
  return v;
}

/* --- opening ---------------------------------------------------------------------- */

/* A number for this run of the machine; 0: it has none. */
static uint64_t boot_session(void) {
  char id[64];
  int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t len = read(fd, id, sizeof id);
  close(fd);
  return len > 0 ? hash_bytes(HASH_START, id, (size_t)len) >> 1 : 0;
}

/* Seconds since it was made; NAN: the clocks contradict each other. */
static double age_of(const CacheDisk *d, const CacheRow *row, double now) {
  double age = clock_wall() - row->made;
  bool same = d->session && row->session == d->session;
  if (!(age >= 0) || (same && !(fabs(age - (now - row->boot)) <= DOUBT))) return NAN;
  return age;
}

static size_t read_tags(Value list, TagName **names) {
  size_t count = list.type == VALUE_ARRAY ? value_count(list) : 0;
  *names = xcalloc(count + 1, sizeof **names);
  for (size_t i = 0; i < count; i++) {
    Value tag = value_array_at(list, i);
    if (tag.type == VALUE_TEXT) (*names)[i].bytes = value_bytes(tag, &(*names)[i].len);
    else (*names)[i].bytes = "";
  }
  return count;
}

static void adopt_row(CacheDisk *d, const CacheLoad *load, const CacheRow *row,
                      double now) {
  Buffer text = {load->bytes.data + row->tags, row->tags_len, 0};
  Value tags = {0};
  TagName *names;
  Error err;
  double age = age_of(d, row, now);
  CacheLook look = {.key = {load->bytes.data + row->key, row->key_len},
                    .made = isnan(age) ? now : now - age,
                    .ttl = row->ttl,
                    .bytes = row->size > 0 ? (size_t)row->size : 0};
  look.fresh_until = isnan(age) ? now : look.made + row->span;
  if (row->tags_len && decode_value(cache_account(d->cache), &text, &tags, &err) != 0) {
    report_broken(d, &err);
    on_dropped(&d->keeper, look.key);
    return;
  }
  size_t count = read_tags(tags, &names);
  cache_adopt(d->cache, &look, names, count);
  free(names);
  value_release(tags);
}

/* Those that are over go by the next purge, which removes their rows. */
static void adopt_all(CacheDisk *d, const CacheLoad *load, double now) {
  const CacheRow *rows = (const CacheRow *)(void *)load->rows.data;
  for (size_t i = 0; i < load->rows.len / sizeof *rows; i++)
    if (rows[i].key_len) adopt_row(d, load, &rows[i], now);
}

typedef struct PutAll {
  CacheDisk *disk;
  double now;
} PutAll;

static void put_look(void *ctx, const CacheLook *look, Value value) {
  const PutAll *all = ctx;
  put_entry(all->disk, look, value, false, all->now - look->made);
}

CacheDisk *cache_disk_open(Loop *loop, Db *db, const char *name, Cache *cache, double now,
                           Error *err) {
  CacheLoad load = {.job.work = cache_load_work, .name = name};
  CacheDisk *d = NULL;
  if (db_read(db, &load.job) == 0) {
    d = xcalloc(1, sizeof *d);
    *d = (CacheDisk){.keeper = {on_put, on_aged, on_dropped, on_load},
                     .loop = loop,
                     .db = db,
                     .cache = cache,
                     .name = xstrdup(name),
                     .session = boot_session(),
                     .timer.fire = on_due};
    d->seed = cache_seed(cache);
    cache_each(cache, now, put_look, &(PutAll){d, now});
    cache_keep(cache, &d->keeper);
    adopt_all(d, &load, now);
    cache_trim(cache, now);
  } else {
    *err = load.job.err;
  }
  buffer_free(&load.rows);
  buffer_free(&load.bytes);
  return d;
}

void cache_disk_save(CacheDisk *d) {
  if (d->waiting.first) write_now(d, false);
}

void cache_disk_close(CacheDisk *d, bool forget) {
  cache_keep(d->cache, NULL);
  d->cache = NULL;
  timer_stop(d->loop, &d->timer);
  if (forget) free_ops(&d->waiting);
  if (d->waiting.first || forget) write_now(d, forget);
  else if (!d->writes) free_disk(d);
}
