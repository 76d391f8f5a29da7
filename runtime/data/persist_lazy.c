/* Branches that are read when code first uses them, or when a script waits for them
 * (persist_fetch). Loop thread.
 *
 *   - An Unread belongs to its lazy value; it is freed with that, or when it is read.
 * Until then it is in its source's ring, and a Branch points to it while its rows are
 * those of the store. Queued writes never concern the rows of an unread branch: it is
 * read before one of them is changed or dropped.
 *   - One that cannot be read is empty from then on. Its rows move to a store of another
 *     name, before anything is written into the branch.
 *   - When the source closes, all unread values are read: none points to it afterwards.
 */
#include "data/persist_lazy.h"

#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "data/persist_load.h"

static void free_unread(Unread *u) {
  u->prev->next = u->next;
  u->next->prev = u->prev;
  if (u->branch) u->branch->unread = NULL;
  free(u);
}

static void lazy_gone(ValueLoader *loader, void *item) {
  (void)loader;
  free_unread(item);
}

static int read_rows(Db *db, Load *load, Error *err) {
  sqlite3 *sql = db_reader(db, err);
  if (!sql) return err->code;
  int rc = load_work(&load->job, sql);
  if (rc == SQLITE_OK) return 0;
  return error_set(err, ERR_IO, "cannot read what is stored: %.200s",
                   sqlite3_errmsg(sql));
}

static Value lazy_load(ValueLoader *loader, void *item, ValueAccount *account) {
  Source *source = CONTAINER_OF(loader, Source, loader);
  Unread *u = item;
  Load load = {.store = u->store, .parent = u->id};
  Build b;
  Error err = {0};
  Branch *branch = u->branch;
  Value whole = {0};
  db_reading(source->db, true);
  if (read_rows(source->db, &load, &err) == 0) {
    build_begin(&b, &load, u, account);
    build_step(&b, SIZE_MAX);
    whole = build_end(&b, branch);
    err = b.err;
  }
  load_free(&load);
  db_reading(source->db, false);
  if (branch) branch->unread = NULL;
  if (whole.type == VALUE_ABSENT) source->broken(source, branch, &err);
  free_unread(u);
  return whole;
}

void source_init(Source *source, Db *db, Rows *rows) {
  *source = (Source){.loader = {lazy_load, lazy_gone}, .db = db, .rows = rows};
  source->all.prev = source->all.next = &source->all;
}

void source_settle(Source *source) {
  while (source->all.next != &source->all) value_count(source->all.next->lazy);
}

/* --- waiting for one ------------------------------------------------------------------
 */

enum { SLICE_ROWS = 64 };
static const double SLICE_SECONDS = 0.002;

/* Freed once its job has come back and nobody waits any more. */
struct Fetching {
  Loop *loop;
  PersistFetch *owner; /* NULL: cancelled */
  Value lazy;          /* held */
  Load load;
  Build build;
  bool asked, building;
  Timer timer;
};

static void end_fetch(Fetching *f) {
  timer_stop(f->loop, &f->timer);
  if (f->building) build_drop(&f->build);
  value_release(f->lazy);
  load_free(&f->load);
  free(f);
}

static void end_with(Fetching *f, const Error *why) {
  PersistFetch *owner = f->owner;
  Error err;
  if (why) err = *why;
  end_fetch(f);
  owner->fetching = NULL;
  owner->done(owner, why ? &err : NULL);
}

static Unread *unread_of(Value v) {
  ValueLoader *loader = value_lazy_loader(v);
  bool ours = loader && loader->load == lazy_load;
  return ours ? value_lazy_item(v, loader) : NULL;
}

/* The content is built: the lazy value gets it. */
static void take_in(Fetching *f, Unread *u) {
  Branch *branch = u->branch;
  Value whole = build_end(&f->build, branch);
  f->building = false;
  if (whole.type == VALUE_ABSENT) {
    end_with(f, &f->build.err);
    return;
  }
  free_unread(u);
  value_lazy_fill(f->lazy, whole);
  end_with(f, NULL);
}

/* The value may have been read meanwhile by other code: then it is done. */
static void on_slice(Timer *timer) {
  Fetching *f = CONTAINER_OF(timer, Fetching, timer);
  Unread *u = unread_of(f->lazy);
  if (!u) {
    end_with(f, NULL);
    return;
  }
  if (!f->building) build_begin(&f->build, &f->load, u, value_account_of(f->lazy));
  f->building = true;
  bool over = false;
  for (double end = loop_real_now() + SLICE_SECONDS; !over && loop_real_now() < end;)
    over = build_step(&f->build, SLICE_ROWS);
  if (over) take_in(f, u);
  else timer_start(f->loop, &f->timer, 0);
}

static void on_rows(DbJob *job) {
  Fetching *f = CONTAINER_OF(CONTAINER_OF(job, Load, job), Fetching, load);
  f->asked = false;
  if (!f->owner) end_fetch(f);
  else if (job->code != 0) end_with(f, &job->err);
  else on_slice(&f->timer);
}

bool persist_fetch(Loop *loop, PersistFetch *fetch, Value lazy) {
  Unread *u = unread_of(lazy);
  if (!u) return false;
  Fetching *f = xcalloc(1, sizeof *f);
  *f = (Fetching){.loop = loop,
                  .owner = fetch,
                  .timer = {.fire = on_slice, .real = true},
                  .asked = true};
  f->lazy = value_retain(lazy);
  f->load = (Load){.store = u->store, .parent = u->id};
  f->load.job.work = load_work;
  f->load.job.done = on_rows;
  fetch->fetching = f;
  db_ask(u->source->db, &f->load.job);
  return true;
}

void persist_fetch_cancel(PersistFetch *fetch) {
  Fetching *f = fetch->fetching;
  if (!f) return;
  fetch->fetching = NULL;
  f->owner = NULL;
  if (!f->asked) end_fetch(f);
}
