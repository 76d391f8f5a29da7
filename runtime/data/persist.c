/* When changes are written, and who is called then: see persist.h. The rows are
 * persist_rows.c's, persist_write.c's, persist_load.c's and persist_lazy.c's.
 *
 * `changed` counts changes; `handed` is its value at the last write given to the
 * database, `saved` its value on disk. A Persist that is closed lives on until its jobs
 * and its event have come back. */
#include "data/persist.h"

#include <stdlib.h>
#include <string.h>

#include "data/db_aside.h"
#include "data/persist_gone.h"
#include "data/persist_lazy.h"
#include "data/persist_load.h"
#include "data/persist_rows.h"
#include "data/persist_write.h"

struct Persist {
  Loop *loop;
  Db *db;
  char *name, **keys, *aside; /* aside: new name of the rows, from the next write on */
  size_t key_count;
  bool all;
  double delay;
  int64_t version, stored; /* stored: -1 when nothing is */
  void (*failed)(void *ctx, const Error *err);
  void *ctx;
  Rows rows;
  Source source;
  Buffer troubles;    /* of Error: still to be reported */
  Value synced, root; /* the root that the rows hold; the root to write */
  GoneKeys gone;
  Timer timer;
  uint64_t changed, handed, saved, written;
  PersistFlush *flushes, **last_flush;
  DbWatcher watcher;
  Event answer;
  Error refused; /* the part that could not be kept, since the last answer */
  bool answering, late, closed;
  int writing; /* jobs */
};

/* --- on the loop: answers -------------------------------------------------------------
 */

static void free_unused(Persist *p) {
  if (!p->closed || p->writing || p->answering) return;
  for (size_t i = 0; i < p->key_count; i++) free(p->keys[i]);
  free(p->keys);
  free(p->name);
  free(p->aside);
  free(p);
}

static void add_flush(Persist *p, PersistFlush *flush) {
  flush->next = NULL;
  flush->at = p->last_flush;
  *p->last_flush = flush;
  p->last_flush = &flush->next;
}

/* Answers the flushes whose changes are on disk; with an error all. `gone`: the file on
 * disk is not there any more. */
static void answer_flushes(Persist *p, const Error *err, bool gone) {
  PersistFlush *all = persist_take_flushes(p);
  while (all) {
    PersistFlush *flush = all;
    all = flush->next;
    bool saved = flush->upto <= p->saved;
    if (!err && !saved) add_flush(p, flush);
    else flush->done(flush, !saved || gone ? err : p->refused.code ? &p->refused : NULL);
  }
}

/* A Persist that is closed calls nobody: it logs. */
static void report_troubles(Persist *p) {
  Buffer all = p->troubles;
  p->troubles = (Buffer){0};
  for (size_t at = 0; at < all.len; at += sizeof(Error)) {
    Error err;
    memcpy(&err, all.data + at, sizeof err);
    if (p->closed) log_write(loop_log(p->loop), LOG_ERROR, "data", "%s", err.message);
    else p->failed(p->ctx, &err);
  }
  buffer_free(&all);
}

static void on_answer(Event *event) {
  Persist *p = CONTAINER_OF(event, Persist, answer);
  Error why;
  p->answering = false;
  if (!p->closed) report_troubles(p);
  if (!p->closed && p->flushes) {
    bool gone = db_is_gone(p->db, &why), trouble = gone || db_in_trouble(p->db, &why);
    answer_flushes(p, trouble ? &why : NULL, gone);
  }
  p->refused = (Error){0};
  free_unused(p);
}

static void answer_soon(Persist *p) {
  if (p->answering) return;
  p->answering = true;
  p->answer.run = on_answer;
  inbox_push(p->loop, &p->answer);
}

static void on_trouble(DbWatcher *watcher, const Error *err) {
  Persist *p = CONTAINER_OF(watcher, Persist, watcher);
  if (err) answer_soon(p);
  p->failed(p->ctx, err);
}

/* --- on the loop: writing -------------------------------------------------------------
 */

static void write_now(Persist *p);

static void write_done(DbJob *job) {
  Write *write = CONTAINER_OF(job, Write, job);
  Persist *p = write->persist;
  Error refused = write->refused;
  p->writing--;
  if (job->code == 0) p->saved = write->upto;
  ops_free(write->ops, write->count);
  free(write->name);
  free(write->aside);
  free(write->gone);
  free(write);
  if (p->closed) {
    free_unused(p);
    return;
  }
  if (p->late) write_now(p);
  answer_soon(p);
  if (refused.code == ERR_NONE) return;
  error_set(&p->refused, refused.code, "a part of the store %.60s cannot be kept: %.220s",
            p->name, refused.message);
  refused = p->refused;
  p->failed(p->ctx, &refused);
}

static bool is_kept(const Persist *p, const char *key, size_t len) {
  if (p->all) return true;
  for (size_t i = 0; i < p->key_count; i++)
    if (strlen(p->keys[i]) == len && memcmp(p->keys[i], key, len) == 0) return true;
  return false;
}

static Value item_of(Value root, const char *key, size_t len) {
  if (root.type != VALUE_OBJECT) return (Value){0};
  return value_object_get(root, key, len);
}

/* Removes keys of an older version that are kept no more: they would come back as if they
 * were of this one. */
static void sync_old(Persist *p) {
  Value key, item;
  for (size_t i = 0; value_object_at(p->synced, i, &key, &item); i++) {
    size_t len;
    const char *name = value_bytes(key, &len);
    if (!is_kept(p, name, len)) rows_sync(&p->rows, name, len, item, (Value){0});
  }
}

typedef struct AllKeys {
  Persist *persist;
  const char *last; /* the last key that was synced; borrowed */
  size_t len;
} AllKeys;

/* A key that differs in several places is reported as often, in a row. */
static int sync_key(void *ctx, const ValueChange *change) {
  AllKeys *all = ctx;
  Persist *p = all->persist;
  const ValuePath *top = change->path;
  while (top->up) top = top->up;
  const char *key = top->step.key;
  size_t len = top->step.key_len;
  if (all->last && len == all->len && memcmp(key, all->last, len) == 0) return 0;
  all->last = key;
  all->len = len;
  rows_sync(&p->rows, key, len, item_of(p->synced, key, len), item_of(p->root, key, len));
  return 0;
}

/* Keys that are the same are skipped: there may be very many. */
static void sync_all(Persist *p) {
  AllKeys all = {.persist = p};
  if (p->root.type != VALUE_OBJECT) return;
  Value none = value_object(p->rows.account);
  value_diff(p->synced.type == VALUE_OBJECT ? p->synced : none, p->root, sync_key, &all);
  value_release(none);
}

static void sync_rows(Persist *p) {
  if (p->all) {
    sync_all(p);
    return;
  }
  if (p->stored >= 0 && p->stored < p->version) sync_old(p);
  for (size_t i = 0; i < p->key_count; i++) {
    size_t len = strlen(p->keys[i]);
    Value item = item_of(p->root, p->keys[i], len);
    Value was = item_of(p->synced, p->keys[i], len);
    if (item.type != VALUE_ABSENT || was.type != VALUE_ABSENT)
      rows_sync(&p->rows, p->keys[i], len, was, item);
  }
}

/* Gives the database the rows that differ. */
static void write_now(Persist *p) {
  timer_stop(p->loop, &p->timer);
  p->late = false;
  sync_rows(p);
  char *gone = gone_keys_sync(&p->gone, p->rows.account, p->all ? NULL : p->keys,
                              p->synced, p->root);
  value_release(p->synced);
  p->synced = value_retain(p->root);
  if (!p->rows.count && !p->aside && !gone && p->stored == p->version) {
    if (!p->writing) p->saved = p->handed = p->changed;
    if (!p->writing) return;
  }
  Write *write = xcalloc(1, sizeof *write);
  *write = (Write){.job.work = write_work, .job.done = write_done, .persist = p};
  write->name = xstrdup(p->name);
  write->aside = p->aside;
  write->gone = gone;
  p->aside = NULL;
  write->version = p->stored = p->version;
  write->upto = p->handed = p->changed;
  write->next_id = p->rows.next_id;
  write->ops = rows_take(&p->rows, &write->count);
  p->written += write->count;
  p->writing++;
  db_push(p->db, &write->job);
}

static void on_due(Timer *timer) {
  Persist *p = CONTAINER_OF(timer, Persist, timer);
  if (p->writing) p->late = true;
  else write_now(p);
  if (!p->writing) answer_soon(p);
}

void persist_changed(Persist *p, Value root) {
  CHECK(root.type == VALUE_OBJECT);
  value_retain(root);
  value_release(p->root);
  p->root = root;
  p->changed++;
  if (!timer_active(&p->timer) && !p->late) timer_start(p->loop, &p->timer, p->delay);
}

void persist_flush(Persist *p, PersistFlush *flush) {
  flush->upto = p->changed;
  add_flush(p, flush);
  if (timer_active(&p->timer)) on_due(&p->timer);
  answer_soon(p);
}

void persist_flush_cancel(Persist *p, PersistFlush *flush) {
  *flush->at = flush->next;
  if (flush->next) flush->next->at = flush->at;
  else p->last_flush = flush->at;
}

PersistFlush *persist_take_flushes(Persist *p) {
  PersistFlush *all = p->flushes;
  p->flushes = NULL;
  p->last_flush = &p->flushes;
  return all;
}

bool persist_unsaved(const Persist *p) {
  return p->saved != p->changed;
}

uint64_t persist_rows(const Persist *p) {
  return p->written;
}

void persist_retune(Persist *p, int64_t version, double delay) {
  p->version = version;
  p->delay = delay > 0 ? delay : 0.1;
}

uint64_t persist_rows_read(const Persist *p) {
  return p->source.read;
}

/* Called while code reads the value: so it is reported later. */
static void on_broken(Source *source, Branch *branch, const Error *err) {
  Persist *p = CONTAINER_OF(source, Persist, source);
  Error report;
  char *aside = aside_new_name(p->name);
  if (branch && !p->closed) {
    rows_quarantine(&p->rows, branch, aside);
    p->changed++;
    error_set(
        &report, err->code,
        "%.140s; this part of %.50s is empty now, what is stored of it was set aside "
        "as %.90s",
        err->message, p->name, aside);
    if (!timer_active(&p->timer) && !p->late) timer_start(p->loop, &p->timer, p->delay);
  } else {
    error_set(&report, err->code, "%.200s; a part of %.50s as it was reads as empty",
              err->message, p->name);
  }
  free(aside);
  buffer_put(&p->troubles, &report, sizeof report);
  answer_soon(p);
}

void persist_quarantine(Persist *p, const char *why, Error *err) {
  free(p->aside);
  p->aside = aside_new_name(p->name);
  error_set(err, ERR_DECODE, "%.140s; what is stored of %.50s is set aside as %.90s", why,
            p->name, p->aside);
  rows_forget(&p->rows);
  value_release(p->synced);
  value_release(p->root);
  gone_keys_forget(&p->gone);
  p->synced = p->root = (Value){0};
  p->stored = -1;
}

Value persist_gone(const Persist *p) {
  return p->gone.stored;
}

void persist_set_initial(Persist *p, Value initial) {
  gone_keys_begin(&p->gone, initial);
}

/* --- life -----------------------------------------------------------------------------
 */

static void ignore_failure(void *ctx, const Error *err) {
  (void)ctx;
  (void)err;
}

static Persist *new_persist(Loop *loop, Db *db, const PersistOptions *options) {
  Persist *p = xcalloc(1, sizeof *p);
  p->loop = loop;
  p->db = db;
  p->name = xstrdup(options->name);
  p->key_count = options->all ? 0 : options->key_count;
  p->all = options->all;
  p->keys = xcalloc(options->key_count + 1, sizeof *p->keys);
  for (size_t i = 0; i < p->key_count; i++) p->keys[i] = xstrdup(options->keys[i]);
  persist_retune(p, options->version, options->delay);
  p->failed = options->failed ? options->failed : ignore_failure;
  p->ctx = options->ctx;
  p->last_flush = &p->flushes;
  p->timer.fire = on_due;
  p->watcher.changed = on_trouble;
  rows_init(&p->rows);
  source_init(&p->source, db, &p->rows);
  p->source.broken = on_broken;
  return p;
}

static void drop_values(Persist *p) {
  timer_stop(p->loop, &p->timer);
  value_release(p->synced);
  value_release(p->root);
  gone_keys_free(&p->gone);
  p->synced = p->root = (Value){0};
  p->closed = true;
  source_settle(&p->source);
  rows_free(&p->rows);
  report_troubles(p);
}

static bool build_root(Persist *p, const Load *load, const PersistOptions *options,
                       ValueAccount *account, Value *loaded, Error *why) {
  Unread root = {.source = &p->source, .lazy.type = VALUE_OBJECT};
  Build build;
  if (load->next_id > p->rows.next_id) p->rows.next_id = load->next_id;
  build_begin(&build, load, &root, account);
  bool every = options->all || load->version < options->version; /* to be migrated */
  build.only = every ? NULL : options;
  build_step(&build, SIZE_MAX);
  *loaded = build_end(&build, p->rows.root);
  *why = build.err;
  return loaded->type != VALUE_ABSENT;
}

/* Rows that can be read become *loaded; others are set aside. False: it cannot be known
 * what is stored. */
static bool take_load(Persist *p, const Load *load, const PersistOptions *options,
                      ValueAccount *account, Value *loaded, Error *err) {
  Error why = {0};
  p->stored = load->version;
  if (load->version > p->version) {
    error_set(&why, ERR_DECODE, "it has version %lld, newer than %lld",
              (long long)load->version, (long long)p->version);
  } else if (build_root(p, load, options, account, loaded, &why)) {
    gone_keys_read(&p->gone, p->rows.account, load->gone.data, load->gone.len);
    return true;
  } else if (why.code == ERR_MEMORY) {
    *err = why;
    return false;
  }
  *loaded = value_object(account);
  persist_quarantine(p, why.message, err);
  return true;
}

Persist *persist_open(Loop *loop, Db *db, const PersistOptions *options,
                      ValueAccount *account, Value *loaded, int64_t *version,
                      Error *err) {
  Load load = {.job.work = load_work, .name = options->name, .version = -1};
  *err = (Error){0};
  *loaded = (Value){0};
  if (db_read(db, &load.job) != 0) {
    *err = load.job.err;
    load_free(&load);
    return NULL;
  }
  *err = load.job.err;
  Persist *p = new_persist(loop, db, options);
  bool good = take_load(p, &load, options, account, loaded, err);
  load_free(&load);
  if (!good) {
    drop_values(p);
    free_unused(p);
    return NULL;
  }
  *version = load.version > p->version ? load.version : p->stored;
  value_release(p->root);
  p->root = value_retain(*loaded);
  value_release(p->synced);
  p->synced = value_retain(*loaded);
  db_watch(db, &p->watcher);
  return p;
}

void persist_save(Persist *p) {
  if (p->handed != p->changed) write_now(p);
}

void persist_close(Persist *p) {
  Error gone;
  error_set(&gone, ERR_CANCELLED, "the store was closed");
  db_unwatch(p->db, &p->watcher);
  persist_save(p);
  answer_flushes(p, &gone, false);
  drop_values(p);
  free_unused(p);
}
