/* The outbox of a script on the disk: durable in order, found again, taken out where it
 * cannot be written. */
#include "data/outbox.h"

#include "persist_env.h"

typedef struct Answer {
  OutboxWrite write;
  bool done;
  ErrorCode code;
} Answer;

static void on_answer(OutboxWrite *write, const Error *err) {
  Answer *a = CONTAINER_OF(write, Answer, write);
  assert_false(a->done);
  a->done = true;
  a->code = err ? err->code : ERR_NONE;
}

static void on_ready(void *ctx) {
  if (ctx) *(int *)ctx += 1;
}

static Outbox *open_outbox(Env *e, double patience) {
  Error err;
  Outbox *o = outbox_open(
      e->loop, e->db,
      &(OutboxOptions){.script = "bot", .ready = on_ready, .patience = patience}, &err);
  if (!o) fail_msg("%s", err.message);
  return o;
}

static OutboxEntry *enter(Outbox *o, const char *id, const char *lane, Answer *a) {
  Error err;
  OutboxNew fresh = {.id = id, .name = "say", .lane = lane, .version = 1, .created = 5};
  buffer_puts(&fresh.args, id);
  *a = (Answer){.write.done = on_answer};
  OutboxEntry *entry = outbox_enter(o, &fresh, &a->write, &err);
  if (!entry) fail_msg("%s", err.message);
  return entry;
}

static Outbox *reopen(Env *e, Outbox *o) {
  outbox_close(o);
  env_reopen(e);
  return open_outbox(e, 0);
}

static void assert_args(Outbox *o, const OutboxEntry *entry, const char *text) {
  Buffer out = {0};
  Error err;
  assert_int_equal(outbox_args(o, entry, &out, &err), 0);
  assert_string_equal(buffer_text(&out), text);
  buffer_free(&out);
}

static void what_is_durable_is_found_again(void **state) {
  Env *e = *state;
  Outbox *o = open_outbox(e, 0);
  Answer a, b;
  enter(o, "one", "x", &a);
  OutboxEntry *two = enter(o, "two", "x", &b);
  assert_false(two->durable);
  assert_null(outbox_next(o)); /* nothing is sent before it is on the disk */
  env_until(e, &b.done);
  assert_true(a.done && a.code == ERR_NONE && b.code == ERR_NONE && two->durable);
  assert_int_equal(env_number(e, "SELECT count(*) FROM outbox WHERE state=0"), 2);
  o = reopen(e, o);
  assert_int_equal(outbox_count(o), 2);
  OutboxEntry *one = outbox_next(o);
  assert_string_equal(one->id, "one");
  assert_string_equal(one->name, "say");
  assert_args(o, one, "one");
  assert_null(outbox_next(o)); /* its lane is busy */
  outbox_remove(o, one);
  o = reopen(e, o);
  assert_int_equal(outbox_count(o), 1);
  assert_string_equal(outbox_next(o)->id, "two");
  outbox_close(o);
}

static void what_was_being_sent_is_unknown(void **state) {
  Env *e = *state;
  Outbox *o = open_outbox(e, 0);
  Answer a, b = {.write.done = on_answer};
  Buffer note = {0}, request = {0}, out = {0};
  Error err;
  OutboxEntry *one = enter(o, "one", "x", &a);
  buffer_puts(&note, "note");
  buffer_puts(&request, "bytes");
  outbox_set(o, one, OUTBOX_SENDING, &note, &request, &b.write);
  env_until(e, &b.done);
  o = reopen(e, o);
  one = outbox_next(o);
  assert_int_equal(one->state, OUTBOX_UNKNOWN);
  assert_string_equal(buffer_text(&one->note), "note");
  assert_true(one->requested);
  assert_int_equal(outbox_request(o, one, &out, &err), 0);
  assert_string_equal(buffer_text(&out), "bytes");
  buffer_free(&out);
  outbox_close(o);
}

static void all_of_a_turn_is_one_transaction(void **state) {
  Env *e = *state;
  Outbox *o = open_outbox(e, 0);
  Answer all[200];
  char id[8];
  for (int i = 0; i < 200; i++) {
    snprintf(id, sizeof id, "n%d", i);
    enter(o, id, "x", &all[i]);
  }
  env_until(e, &all[0].done);
  for (int i = 0; i < 200; i++) assert_true(all[i].done); /* with the first */
  outbox_close(o);
}

static void a_full_disk_takes_the_entry_out(void **state) {
  Env *e = *state;
  Outbox *o = open_outbox(e, 0);
  Answer a, b;
  enter(o, "one", "x", &a);
  env_until(e, &a.done);
  db_limit_pages(e->db, 1);
  Error err;
  OutboxNew big = {.id = "big", .name = "say", .lane = "x", .version = 1};
  for (int i = 0; i < 100000; i++) buffer_puts(&big.args, "0123456789");
  b = (Answer){.write.done = on_answer};
  assert_non_null(outbox_enter(o, &big, &b.write, &err));
  env_until(e, &b.done);
  assert_int_equal(b.code, ERR_IO);
  assert_int_equal(outbox_count(o), 1);
  db_limit_pages(e->db, 0);
  enter(o, "two", "x", &b);
  env_until(e, &b.done);
  assert_int_equal(b.code, ERR_NONE);
  o = reopen(e, o);
  assert_int_equal(outbox_count(o), 2);
  outbox_close(o);
}

/* Another process holds the file: the disk does not answer in time. */
static void a_disk_that_hangs_takes_the_entry_out(void **state) {
  Env *e = *state;
  Outbox *o = open_outbox(e, 0.5);
  Answer a;
  char path[100];
  sqlite3 *other;
  enter(o, "one", "x", &a);
  env_until(e, &a.done);
  snprintf(path, sizeof path, "%s/state.db", e->folder);
  assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
  sqlite3_busy_timeout(other, 10000);
  assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
  enter(o, "two", "x", &a);
  env_until(e, &a.done);
  assert_int_equal(a.code, ERR_IO);
  assert_int_equal(outbox_count(o), 1);
  assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(other);
  o = reopen(e, o);
  assert_int_equal(outbox_count(o), 1);
  outbox_close(o);
}

static void lanes_go_on_by_themselves(void **state) {
  Env *e = *state;
  Outbox *o = open_outbox(e, 0);
  Answer a, b, c;
  enter(o, "x1", "x", &a);
  enter(o, "y1", "y", &b);
  enter(o, "x2", "x", &c);
  env_until(e, &c.done);
  OutboxEntry *x1 = outbox_next(o), *y1 = outbox_next(o);
  assert_string_equal(x1->id, "x1");
  assert_string_equal(y1->id, "y1");
  outbox_stop(o, x1->lane);
  outbox_offer_all(o); /* y is busy */
  assert_ptr_equal(outbox_next(o), x1);
  OutboxLane *lane = x1->lane;
  outbox_remove(o, x1);
  assert_null(outbox_next(o));
  outbox_offer(o, lane);
  assert_string_equal(outbox_next(o)->id, "x2");
  outbox_close(o);
}

static void bounds_hold(void **state) {
  Env *e = *state;
  Outbox *o = open_outbox(e, 0);
  Error err;
  OutboxNew fresh = {.id = "a", .name = "say", .lane = "x", .version = 1};
  buffer_reserve(&fresh.args, OUTBOX_ARGS + 1);
  fresh.args.len = OUTBOX_ARGS + 1;
  assert_null(outbox_enter(o, &fresh, NULL, &err));
  assert_int_equal(err.code, ERR_TOO_LARGE);
  assert_null(fresh.args.data);
  outbox_close(o);
}

/* Whichever of many go, the others are found, in order. */
static void entries_go_from_anywhere(void **state) {
  Env *e = *state;
  Outbox *o = open_outbox(e, 0);
  static Answer all[300];
  int64_t last = 0;
  char id[8];
  for (int i = 0; i < 300; i++) {
    snprintf(id, sizeof id, "n%d", i);
    enter(o, id, "x", &all[i]);
  }
  for (int i = 1; i <= 300; i++)
    if (i % 3) outbox_remove(o, outbox_find(o, i));
  for (OutboxEntry *at = outbox_after(o, 0); at; at = outbox_after(o, at->seq)) {
    assert_true(at->seq > last);
    assert_ptr_equal(outbox_find(o, at->seq), at);
    last = at->seq;
  }
  assert_int_equal(outbox_count(o), 100);
  env_until(e, &all[299].done);
  outbox_close(o);
}

/* Entries go before what stores write; what is joined is done together or not at all. */
typedef struct Step {
  DbJob job;
  const char *sql;
  bool done;
  int order, *counter;
} Step;

static int work(DbJob *job, sqlite3 *sql) {
  return sqlite3_exec(sql, CONTAINER_OF(job, Step, job)->sql, NULL, NULL, NULL);
}

static void done(DbJob *job) {
  Step *s = CONTAINER_OF(job, Step, job);
  s->done = true;
  s->order = ++*s->counter;
}

static Step step(const char *sql, int *counter) {
  return (Step){
      .job = {.work = work, .done = done, .once = true}, .sql = sql, .counter = counter};
}

static void joined_writes_are_one_transaction(void **state) {
  Env *e = *state;
  int n = 0;
  Step a = step("INSERT INTO store(name, version) VALUES('a', 1)", &n);
  Step b = step("INSERT INTO none VALUES(1)", &n);
  Step c = step("INSERT INTO store(name, version) VALUES('c', 1)", &n);
  Step d = step("INSERT INTO store(name, version) VALUES('d', 1)", &n);
  db_join(&a.job, &b.job);
  db_join(&c.job, &d.job);
  db_push(e->db, &a.job);
  db_push(e->db, &c.job);
  env_until(e, &d.done);
  assert_int_equal(a.job.code, ERR_IO);
  assert_int_equal(b.job.code, ERR_IO);
  assert_int_equal(c.job.code, 0);
  assert_int_equal(d.order, 4);
  assert_int_equal(env_number(e, "SELECT count(*) FROM store"), 2);
}

static void a_first_write_overtakes(void **state) {
  Env *e = *state;
  int n = 0;
  Step slow = step("WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM t"
                   " WHERE i<3000000) SELECT count(*) FROM t",
                   &n);
  Step later = step("SELECT 1", &n), first = step("SELECT 1", &n);
  db_push(e->db, &slow.job);
  db_push(e->db, &later.job);
  db_push_first(e->db, &first.job);
  env_until(e, &later.done);
  assert_true(first.order < later.order);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, env_setup, env_teardown)
      T(what_is_durable_is_found_again),
      T(what_was_being_sent_is_unknown),
      T(all_of_a_turn_is_one_transaction),
      T(a_full_disk_takes_the_entry_out),
      T(a_disk_that_hangs_takes_the_entry_out),
      T(lanes_go_on_by_themselves),
      T(bounds_hold),
      T(entries_go_from_anywhere),
      T(joined_writes_are_one_transaction),
      T(a_first_write_overtakes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
