/* How changes of entries come to the disk: see outbox.h. Changes are queued as they are
 * made; at the end of the turn, or when the transaction before has come back, all that
 * are queued become one job. An outbox that is closed lives on until its job has come
 * back. */
#include "data/outbox_write.h"

#include <stdlib.h>

#include <sqlite3.h>

typedef struct OutboxJob {
  DbJob job;
  Outbox *o;
  OutboxOp *ops;
} OutboxJob;

static void free_op(OutboxOp *op) {
  free(op->id);
  free(op->name);
  free(op->lane);
  buffer_free(&op->args);
  buffer_free(&op->note);
  buffer_free(&op->request);
  free(op);
}

/* --- on the database's thread ---------------------------------------------------------
 */

typedef enum Action {
  DO_ENTER,
  DO_STATE,
  DO_NOTE,
  DO_REQUEST,
  DO_EDIT,
  DO_DROP,
  ACTIONS
} Action;

static const char *const texts[ACTIONS] = {
    [DO_ENTER] =
        "INSERT OR REPLACE INTO outbox VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,NULL,NULL)",
    [DO_STATE] = "UPDATE outbox SET state=?3 WHERE script=?1 AND seq=?2",
    [DO_NOTE] = "UPDATE outbox SET note=?3 WHERE script=?1 AND seq=?2",
    [DO_REQUEST] = "UPDATE outbox SET request=?3 WHERE script=?1 AND seq=?2",
    [DO_EDIT] = "UPDATE outbox SET args=?3, version=?4, request=NULL"
                " WHERE script=?1 AND seq=?2",
    [DO_DROP] = "DELETE FROM outbox WHERE script=?1 AND seq=?2",
};

/* Of one transaction; prepared when they are first needed. */
typedef struct Statements {
  sqlite3 *sql;
  sqlite3_stmt *all[ACTIONS];
} Statements;

static int prepare(Statements *s, Action action, sqlite3_stmt **stmt) {
  int rc = SQLITE_OK;
  if (!s->all[action])
    rc = sqlite3_prepare_v2(s->sql, texts[action], -1, &s->all[action], NULL);
  *stmt = s->all[action];
  return rc;
}

static void finalize_all(Statements *s) {
  for (int i = 0; i < ACTIONS; i++) sqlite3_finalize(s->all[i]);
}

static int run_for(sqlite3_stmt *stmt, const Outbox *o, const OutboxOp *op) {
  sqlite3_bind_text(stmt, 1, o->script, -1, SQLITE_STATIC);
  sqlite3_bind_int64(stmt, 2, op->seq);
  sqlite3_step(stmt);
  return sqlite3_reset(stmt);
}

static void bind_bytes(sqlite3_stmt *stmt, int at, const Buffer *bytes) {
  if (bytes->len) sqlite3_bind_blob64(stmt, at, bytes->data, bytes->len, SQLITE_STATIC);
  else sqlite3_bind_null(stmt, at);
}

static int do_enter(Statements *s, const Outbox *o, const OutboxOp *op) {
  sqlite3_stmt *stmt;
  int rc = prepare(s, DO_ENTER, &stmt);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_text(stmt, 3, op->id, -1, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 4, op->name, -1, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 5, op->lane, -1, SQLITE_STATIC);
  sqlite3_bind_int64(stmt, 6, op->version);
  sqlite3_bind_int(stmt, 7, op->state);
  sqlite3_bind_double(stmt, 8, op->created);
  bind_bytes(stmt, 9, &op->args);
  return run_for(stmt, o, op);
}

static int put_bytes(Statements *s, Action action, const Outbox *o, const OutboxOp *op,
                     const Buffer *bytes) {
  sqlite3_stmt *stmt;
  int rc = prepare(s, action, &stmt);
  if (rc != SQLITE_OK) return rc;
  bind_bytes(stmt, 3, bytes);
  if (action == DO_EDIT) sqlite3_bind_int64(stmt, 4, op->version);
  return run_for(stmt, o, op);
}

static int do_set(Statements *s, const Outbox *o, const OutboxOp *op) {
  sqlite3_stmt *stmt;
  int rc = prepare(s, DO_STATE, &stmt);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_int(stmt, 3, op->state);
  rc = run_for(stmt, o, op);
  if (rc == SQLITE_OK && op->has_note) rc = put_bytes(s, DO_NOTE, o, op, &op->note);
  if (rc == SQLITE_OK && op->has_request)
    rc = put_bytes(s, DO_REQUEST, o, op, &op->request);
  return rc;
}

static int do_drop(Statements *s, const Outbox *o, const OutboxOp *op) {
  sqlite3_stmt *stmt;
  int rc = prepare(s, DO_DROP, &stmt);
  return rc == SQLITE_OK ? run_for(stmt, o, op) : rc;
}

static int do_op(Statements *s, const Outbox *o, const OutboxOp *op) {
  if (op->kind == OP_REMOVE) return do_drop(s, o, op);
  if (op->kind == OP_SET) return do_set(s, o, op);
  if (op->kind == OP_EDIT) return put_bytes(s, DO_EDIT, o, op, &op->args);
  return atomic_load(&op->dropped) ? SQLITE_OK : do_enter(s, o, op);
}

static int work(DbJob *job, sqlite3 *sql) {
  const OutboxJob *j = CONTAINER_OF(job, OutboxJob, job);
  Statements s = {.sql = sql};
  int rc = SQLITE_OK;
  for (const OutboxOp *op = j->ops; rc == SQLITE_OK && op; op = op->next)
    rc = do_op(&s, j->o, op);
  finalize_all(&s);
  return rc;
}

/* --- on the loop: answers -------------------------------------------------------------
 */

static void answer(OutboxOp *op, const Error *err) {
  OutboxWrite *write = op->write;
  op->write = NULL;
  if (write) write->done(write, err);
}

static void queue_op(Outbox *o, OutboxOp *op) {
  op->next = NULL;
  *o->last_op = op;
  o->last_op = &op->next;
}

/* The entry is not durable, and will not be: nobody may think that it is there. */
static void fail_enter(Outbox *o, OutboxOp *op, const Error *err) {
  if (!o->closed) o->hooks->failed(o, op->seq);
  answer(op, err);
}

static void finish_op(Outbox *o, OutboxOp *op) {
  if (op->kind == OP_ENTER && !o->closed) o->hooks->durable(o, op->seq);
  answer(op, NULL);
  free_op(op);
}

/* What has to be written in the end is queued again, before what came since. */
static void fail_ops(Outbox *o, OutboxOp *ops, const Error *err) {
  OutboxOp *later = o->ops;
  o->ops = NULL;
  o->last_op = &o->ops;
  for (OutboxOp *op = ops, *next; op; op = next) {
    next = op->next;
    if (op->kind == OP_ENTER) {
      fail_enter(o, op, err);
      free_op(op);
    } else {
      answer(op, err);
      queue_op(o, op);
    }
  }
  *o->last_op = later;
  while (*o->last_op) o->last_op = &(*o->last_op)->next;
}

static void finish_ops(Outbox *o, OutboxOp *ops) {
  for (OutboxOp *op = ops, *next; op; op = next) {
    next = op->next;
    finish_op(o, op);
  }
}

/* Of an outbox that is closed: nobody tries again. */
static void lose_ops(OutboxOp *ops, const Error *err) {
  for (OutboxOp *op = ops, *next; op; op = next) {
    next = op->next;
    answer(op, err);
    free_op(op);
  }
}

static void start_patience(Outbox *o);

static void on_done(DbJob *job) {
  OutboxJob *j = CONTAINER_OF(job, OutboxJob, job);
  Outbox *o = j->o;
  OutboxOp *ops = j->ops;
  int code = job->code;
  Error err = job->err;
  if (o->job == j) o->job = NULL;
  o->jobs--;
  free(j);
  if (code == 0) finish_ops(o, ops);
  else if (o->closed) lose_ops(ops, &err);
  else fail_ops(o, ops, &err);
  if (code != 0 && !o->closed && o->ops) timer_start(o->loop, &o->retry, 1);
  else outbox_flush(o);
  start_patience(o);
  outbox_free_unused(o);
}

/* --- on the loop: queueing ------------------------------------------------------------
 */

static void finish_in_memory(Outbox *o) {
  while (o->ops) {
    OutboxOp *op = o->ops;
    o->ops = op->next;
    if (!o->ops) o->last_op = &o->ops;
    finish_op(o, op);
  }
}

/* All that is queued becomes one job, behind those that were pushed. */
static OutboxJob *push_ops(Outbox *o) {
  OutboxJob *j = xcalloc(1, sizeof *j);
  *j = (OutboxJob){.job = {.work = work, .done = on_done, .once = true, .full = true},
                   .o = o,
                   .ops = o->ops};
  o->ops = NULL;
  o->last_op = &o->ops;
  o->jobs++;
  db_push_first(o->db, &j->job);
  return j;
}

void outbox_flush(Outbox *o) {
  if (!o->ops || o->job) return;
  if (!o->db) {
    finish_in_memory(o);
    return;
  }
  timer_stop(o->loop, &o->retry);
  o->job = push_ops(o);
}

void outbox_flush_last(Outbox *o) {
  if (o->ops && o->job) push_ops(o);
  else outbox_flush(o);
}

static void on_flush(Event *event) {
  Outbox *o = CONTAINER_OF(event, Outbox, flush);
  o->flushes = false;
  if (!timer_active(&o->retry)) outbox_flush(o);
  outbox_free_unused(o);
}

static void on_retry(Timer *timer) {
  outbox_flush(CONTAINER_OF(timer, Outbox, retry));
}

/* Behind what this turn does: all of it is one transaction. */
void outbox_push(Outbox *o, OutboxOp *op) {
  op->due = loop_now(o->loop) + o->options.patience;
  queue_op(o, op);
  if (op->kind == OP_ENTER) {
    timer_stop(o->loop, &o->retry); /* it cannot wait for that */
    if (!timer_active(&o->patience)) start_patience(o);
  }
  if (o->flushes) return;
  o->flushes = true;
  o->flush.run = on_flush;
  inbox_push(o->loop, &o->flush);
}

/* --- on the loop: patience ------------------------------------------------------------
 */

static OutboxOp *first_enter(OutboxOp *op) {
  while (op && (op->kind != OP_ENTER || atomic_load(&op->dropped))) op = op->next;
  return op;
}

static void start_patience(Outbox *o) {
  OutboxOp *op = o->job ? first_enter(o->job->ops) : NULL;
  if (!op) op = first_enter(o->ops);
  if (op && o->db && !o->closed) timer_start_at(o->loop, &o->patience, op->due);
  else timer_stop(o->loop, &o->patience);
}

/* The disk's thread may be at it just now: then a removal follows. */
static void give_up(Outbox *o, OutboxOp *op, const Error *err) {
  atomic_store(&op->dropped, true);
  OutboxOp *undo = xcalloc(1, sizeof *undo);
  undo->kind = OP_REMOVE;
  undo->seq = op->seq;
  outbox_push(o, undo);
  fail_enter(o, op, err);
}

static void give_up_late(Outbox *o, OutboxOp *ops, const Error *err) {
  for (OutboxOp *op = first_enter(ops); op; op = first_enter(op->next))
    if (op->due <= loop_now(o->loop)) give_up(o, op, err);
}

static void on_patience(Timer *timer) {
  Outbox *o = CONTAINER_OF(timer, Outbox, patience);
  Error err;
  error_set(&err, ERR_IO,
            "the disk has not answered within %.3g s: the entry is taken out",
            o->options.patience);
  if (o->job) give_up_late(o, o->job->ops, &err);
  give_up_late(o, o->ops, &err);
  start_patience(o);
}

static void cancel_in(OutboxOp *op) {
  Error err;
  error_set(&err, ERR_CANCELLED, "the outbox was closed");
  for (; op; op = op->next) answer(op, &err);
}

void outbox_cancel_writes(Outbox *o) {
  if (o->job) cancel_in(o->job->ops);
  cancel_in(o->ops);
  timer_stop(o->loop, &o->patience);
  timer_stop(o->loop, &o->retry);
}

void outbox_write_init(Outbox *o) {
  o->last_op = &o->ops;
  o->retry.fire = on_retry;
  o->patience.fire = on_patience;
  if (o->options.patience <= 0) o->options.patience = 5;
}

void outbox_free_unused(Outbox *o) {
  if (!o->closed || o->jobs || o->flushes || o->tells) return;
  while (o->ops) { /* given up when the database was closed */
    OutboxOp *op = o->ops;
    o->ops = op->next;
    free_op(op);
  }
  while (o->names) {
    OutboxName *name = o->names;
    o->names = name->next;
    free(name);
  }
  free(o->script);
  free(o);
}

/* --- reading --------------------------------------------------------------------------
 */

typedef struct OutboxRead {
  DbJob job;
  Outbox *o;
} OutboxRead;

static void take_row(Outbox *o, sqlite3_stmt *get) {
  OutboxEntry *e = o->hooks->found(o, sqlite3_column_int64(get, 0),
                                   (const char *)sqlite3_column_text(get, 1),
                                   (const char *)sqlite3_column_text(get, 2),
                                   (const char *)sqlite3_column_text(get, 3));
  int state = sqlite3_column_int(get, 5), len = sqlite3_column_bytes(get, 7);
  e->version = sqlite3_column_int64(get, 4);
  e->state = (char)(state == OUTBOX_SENDING ? OUTBOX_UNKNOWN : state);
  e->created = sqlite3_column_double(get, 6);
  if (len > 0) buffer_put(&e->note, sqlite3_column_blob(get, 7), (size_t)len);
  e->requested = sqlite3_column_int(get, 8) != 0;
}

/* On the database's thread, while the loop waits for it: nothing else uses the outbox. */
static int read_work(DbJob *job, sqlite3 *sql) {
  Outbox *o = CONTAINER_OF(job, OutboxRead, job)->o;
  sqlite3_stmt *get = NULL;
  int rc = sqlite3_table_column_metadata(sql, NULL, "outbox", NULL, NULL, NULL, NULL,
                                         NULL, NULL);
  if (rc == SQLITE_ERROR) return SQLITE_OK; /* nothing was ever entered */
  if (rc == SQLITE_OK)
    rc = sqlite3_prepare_v2(
        sql,
        "SELECT seq, id, name, lane, version, state, created, note,"
        " request IS NOT NULL FROM outbox WHERE script=?1 ORDER BY seq",
        -1, &get, NULL);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_text(get, 1, o->script, -1, SQLITE_STATIC);
  while (sqlite3_step(get) == SQLITE_ROW) take_row(o, get);
  return sqlite3_finalize(get);
}

int outbox_load(Outbox *o, Error *err) {
  OutboxRead r = {.job.work = read_work, .o = o};
  int code = db_read(o->db, &r.job);
  *err = r.job.err;
  return code;
}

int outbox_read_column(Outbox *o, int64_t seq, bool request, Buffer *out, Error *err) {
  sqlite3 *sql = db_reader(o->db, err);
  sqlite3_stmt *get = NULL;
  if (!sql) return (int)err->code;
  db_reading(o->db, true);
  int rc =
      sqlite3_prepare_v2(sql,
                         request ? "SELECT request FROM outbox WHERE script=?1 AND seq=?2"
                                 : "SELECT args FROM outbox WHERE script=?1 AND seq=?2",
                         -1, &get, NULL);
  sqlite3_bind_text(get, 1, o->script, -1, SQLITE_STATIC);
  sqlite3_bind_int64(get, 2, seq);
  bool found = rc == SQLITE_OK && sqlite3_step(get) == SQLITE_ROW;
  if (found)
    buffer_put(out, sqlite3_column_blob(get, 0), (size_t)sqlite3_column_bytes(get, 0));
  rc = sqlite3_finalize(get);
  db_reading(o->db, false);
  if (found && rc == SQLITE_OK) return 0;
  return error_set(err, ERR_IO, "an entry of the outbox cannot be read: %.80s",
                   rc == SQLITE_OK ? "its row is gone" : sqlite3_errstr(rc));
}
