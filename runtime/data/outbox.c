/* Entries and lanes: see outbox.h. Writing is outbox_write.c's. */
#include "data/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "data/outbox_write.h"

enum { HELD_ARGS = 4 << 20 }; /* bytes of args that stay in memory */

/* --- lanes ----------------------------------------------------------------------------
 */

static OutboxLane *find_lane(const Outbox *o, const char *name) {
  uint64_t hash = hash_bytes(HASH_START, name, strlen(name));
  for (IndexNode *n = index_first(&o->lanes, hash); n; n = index_next(n)) {
    OutboxLane *lane = CONTAINER_OF(n, OutboxLane, node);
    if (strcmp(lane->name, name) == 0) return lane;
  }
  return NULL;
}

static void on_tell(Event *event) {
  Outbox *o = CONTAINER_OF(event, Outbox, tell);
  o->tells = false;
  if (!o->closed) o->options.ready(o->options.ctx);
  outbox_free_unused(o);
}

void outbox_wake(Outbox *o) {
  if (o->tells || o->closed) return;
  o->tells = true;
  o->tell.run = on_tell;
  inbox_push(o->loop, &o->tell);
}

static void on_delay(Timer *timer) {
  OutboxLane *lane = CONTAINER_OF(timer, OutboxLane, timer);
  outbox_offer(lane->outbox, lane);
}

static OutboxLane *make_lane(Outbox *o, const char *name) {
  size_t len = strlen(name);
  OutboxLane *lane = xcalloc(1, sizeof *lane + len + 1);
  lane->outbox = o;
  lane->timer.fire = on_delay;
  memcpy(lane->name, name, len);
  index_add(&o->lanes, &lane->node, hash_bytes(HASH_START, name, len));
  return lane;
}

static void unlink_ready(Outbox *o, OutboxLane *lane) {
  OutboxLane **at = &o->ready;
  while (*at != lane) at = &(*at)->next_ready;
  *at = lane->next_ready;
  if (o->last_ready == &lane->next_ready) o->last_ready = at;
}

static void leave_state(Outbox *o, OutboxLane *lane) {
  if (lane->state == LANE_BUSY) o->busy--;
  if (lane->state == LANE_DELAYED) {
    o->delayed--;
    timer_stop(o->loop, &lane->timer);
  }
  if (lane->state == LANE_READY) unlink_ready(o, lane);
  lane->state = LANE_STOPPED;
}

static void free_lane(Outbox *o, OutboxLane *lane) {
  leave_state(o, lane);
  index_remove(&o->lanes, &lane->node);
  free(lane);
}

/* An entry that is not durable is not offered: it will be. */
void outbox_offer(Outbox *o, OutboxLane *lane) {
  leave_state(o, lane);
  if (!lane->first) {
    free_lane(o, lane);
    return;
  }
  if (!lane->first->durable) return;
  lane->state = LANE_READY;
  lane->next_ready = NULL;
  *o->last_ready = lane;
  o->last_ready = &lane->next_ready;
  outbox_wake(o);
}

void outbox_delay(Outbox *o, OutboxLane *lane, double seconds) {
  leave_state(o, lane);
  lane->state = LANE_DELAYED;
  o->delayed++;
  timer_start(o->loop, &lane->timer, seconds);
}

void outbox_stop(Outbox *o, OutboxLane *lane) {
  leave_state(o, lane);
  if (!lane->first) free_lane(o, lane);
}

void outbox_offer_all(Outbox *o) {
  for (size_t i = 0; i < o->count; i++) {
    OutboxLane *lane = o->entries[i]->lane;
    bool waits = lane->state == LANE_STOPPED || lane->state == LANE_DELAYED;
    if (lane->first == o->entries[i] && waits) outbox_offer(o, lane);
  }
}

OutboxEntry *outbox_next(Outbox *o) {
  OutboxLane *lane = o->ready;
  if (!lane) return NULL;
  leave_state(o, lane);
  lane->state = LANE_BUSY;
  o->busy++;
  return lane->first;
}

bool outbox_active(const Outbox *o) {
  return o->busy || o->ready || o->delayed || o->ops || o->job;
}

/* --- entries --------------------------------------------------------------------------
 */

static const char *intern(Outbox *o, const char *text) {
  for (OutboxName *n = o->names; n; n = n->next)
    if (strcmp(n->text, text) == 0) return n->text;
  size_t len = strlen(text) + 1;
  OutboxName *n = xmalloc(sizeof *n + len);
  memcpy(n->text, text, len);
  n->next = o->names;
  o->names = n;
  return n->text;
}

static size_t place_of(const Outbox *o, int64_t seq) {
  size_t low = 0, high = o->count;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    if (o->entries[mid]->seq < seq) low = mid + 1;
    else high = mid;
  }
  return low;
}

OutboxEntry *outbox_find(const Outbox *o, int64_t seq) {
  size_t at = place_of(o, seq);
  return at < o->count && o->entries[at]->seq == seq ? o->entries[at] : NULL;
}

OutboxEntry *outbox_after(const Outbox *o, int64_t seq) {
  size_t at = place_of(o, seq + 1);
  return at < o->count ? o->entries[at] : NULL;
}

OutboxEntry *outbox_find_id(const Outbox *o, const char *id) {
  for (size_t i = 0; i < o->count; i++)
    if (strcmp(o->entries[i]->id, id) == 0) return o->entries[i];
  return NULL;
}

size_t outbox_count(const Outbox *o) {
  return o->count;
}

const char *outbox_lane(const OutboxEntry *entry) {
  return entry->lane->name;
}

static void charge_entry(Outbox *o, OutboxEntry *e) {
  size_t bytes = sizeof *e + sizeof e + e->args.cap + e->note.cap + e->request.cap;
  if (o->options.charge) charge_set(o->options.charge, &e->charged, bytes);
}

/* At the end of the list; in front there may be room, of entries that are gone. */
static void make_room(Outbox *o) {
  size_t front = (size_t)(o->entries - o->base);
  if (front + o->count < o->room) return;
  if (front > o->count) {
    memmove(o->base, o->entries, o->count * sizeof *o->base);
    o->entries = o->base;
    return;
  }
  o->room = o->room ? 2 * o->room : 16;
  o->base = xrealloc(o->base, o->room * sizeof *o->base);
  o->entries = o->base + front;
}

/* The shorter side of it moves. */
static void remove_at(Outbox *o, size_t at) {
  OutboxEntry **all = o->entries;
  o->count--;
  if (at < o->count / 2) {
    memmove(all + 1, all, at * sizeof *all);
    o->entries++;
  } else {
    memmove(all + at, all + at + 1, (o->count - at) * sizeof *all);
  }
}

/* Seqs only rise, so that it is the last of all and of its lane. */
static OutboxEntry *add_entry(Outbox *o, int64_t seq, const char *id, const char *name,
                              const char *lane_name) {
  OutboxEntry *e = xcalloc(1, sizeof *e);
  OutboxLane *lane = find_lane(o, lane_name);
  if (!lane) lane = make_lane(o, lane_name);
  e->seq = o->last_seq = seq;
  e->name = intern(o, name);
  e->lane = lane;
  memcpy(e->id, id, strnlen(id, OUTBOX_ID - 1));
  e->prev = lane->last;
  *(lane->last ? &lane->last->next : &lane->first) = e;
  lane->last = e;
  make_room(o);
  o->entries[o->count++] = e;
  return e;
}

static void free_entry(Outbox *o, OutboxEntry *e) {
  o->held -= e->args.len;
  if (o->options.charge) charge_set(o->options.charge, &e->charged, 0);
  buffer_free(&e->args);
  buffer_free(&e->note);
  buffer_free(&e->request);
  free(e);
}

static void take_out(Outbox *o, OutboxEntry *e) {
  OutboxLane *lane = e->lane;
  bool led = lane->first == e;
  size_t at = place_of(o, e->seq);
  *(e->prev ? &e->prev->next : &lane->first) = e->next;
  *(e->next ? &e->next->prev : &lane->last) = e->prev;
  remove_at(o, at);
  free_entry(o, e);
  if (led && lane->state != LANE_BUSY) outbox_offer(o, lane);
}

static void on_durable(Outbox *o, int64_t seq) {
  OutboxEntry *e = outbox_find(o, seq);
  if (!e) return;
  e->durable = true;
  if (o->db && o->held > HELD_ARGS) {
    o->held -= e->args.len;
    buffer_free(&e->args);
    charge_entry(o, e);
  }
  if (e->lane->first == e && e->lane->state == LANE_STOPPED) outbox_offer(o, e->lane);
}

static void on_failed(Outbox *o, int64_t seq) {
  OutboxEntry *e = outbox_find(o, seq);
  if (e) take_out(o, e);
}

static OutboxEntry *on_found(Outbox *o, int64_t seq, const char *id, const char *name,
                             const char *lane) {
  OutboxEntry *e = add_entry(o, seq, id, name, lane);
  e->durable = true;
  return e;
}

static const OutboxHooks hooks = {on_durable, on_failed, on_found};

static int check_new(const Outbox *o, const OutboxNew *fresh, Error *err) {
  if (fresh->args.len > OUTBOX_ARGS)
    return error_set(err, ERR_TOO_LARGE,
                     "the arguments are %zu bytes, and at most %d are kept",
                     fresh->args.len, OUTBOX_ARGS);
  if (o->count >= OUTBOX_MOST || charge_is_full(o->options.charge, fresh->args.len + 512))
    return error_set(err, ERR_BUFFER_FULL,
                     "%zu entries wait already: there is no room for more", o->count);
  return 0;
}

static OutboxOp *new_op(OpKind kind, const OutboxEntry *e, OutboxWrite *write) {
  OutboxOp *op = xcalloc(1, sizeof *op);
  op->kind = kind;
  op->seq = e->seq;
  op->state = e->state;
  op->write = write;
  return op;
}

OutboxEntry *outbox_enter(Outbox *o, OutboxNew *fresh, OutboxWrite *write, Error *err) {
  if (check_new(o, fresh, err) != 0) {
    buffer_free(&fresh->args);
    return NULL;
  }
  OutboxEntry *e = add_entry(o, o->last_seq + 1, fresh->id, fresh->name, fresh->lane);
  e->version = fresh->version;
  e->created = fresh->created;
  e->args = fresh->args;
  fresh->args = (Buffer){0};
  o->held += e->args.len;
  charge_entry(o, e);
  OutboxOp *op = new_op(OP_ENTER, e, write);
  op->version = e->version;
  op->created = e->created;
  op->id = xstrdup(e->id);
  op->name = xstrdup(e->name);
  op->lane = xstrdup(e->lane->name);
  buffer_put(&op->args, e->args.data, e->args.len);
  outbox_push(o, op);
  return e;
}

/* Without a database that is the only copy. */
static void keep_request(Outbox *o, OutboxEntry *e, const Buffer *request) {
  buffer_free(&e->request);
  buffer_put(&e->request, request->data, request->len);
  charge_entry(o, e);
}

void outbox_set(Outbox *o, OutboxEntry *e, OutboxState state, Buffer *note,
                Buffer *request, OutboxWrite *write) {
  e->state = (char)state;
  OutboxOp *op = new_op(OP_SET, e, write);
  op->has_note = note != NULL;
  op->has_request = request != NULL;
  if (note) {
    buffer_free(&e->note);
    e->note = *note;
    *note = (Buffer){0};
    buffer_put(&op->note, e->note.data, e->note.len);
    charge_entry(o, e);
  }
  if (request) {
    op->request = *request;
    *request = (Buffer){0};
    e->requested = op->request.len > 0;
    if (!o->db) keep_request(o, e, &op->request);
  }
  outbox_push(o, op);
}

void outbox_edit(Outbox *o, OutboxEntry *e, Buffer *args, int64_t version,
                 OutboxWrite *write) {
  OutboxOp *op = new_op(OP_EDIT, e, write);
  o->held += args->len - e->args.len;
  buffer_free(&e->args);
  e->args = *args;
  e->version = op->version = version;
  *args = (Buffer){0};
  buffer_free(&e->request);
  e->requested = false;
  charge_entry(o, e);
  buffer_put(&op->args, e->args.data, e->args.len);
  outbox_push(o, op);
}

void outbox_remove(Outbox *o, OutboxEntry *e) {
  outbox_push(o, new_op(OP_REMOVE, e, NULL));
  take_out(o, e);
}

int outbox_args(Outbox *o, const OutboxEntry *e, Buffer *out, Error *err) {
  if (!e->args.len && o->db) return outbox_read_column(o, e->seq, false, out, err);
  buffer_put(out, e->args.data, e->args.len);
  return 0;
}

int outbox_request(Outbox *o, const OutboxEntry *e, Buffer *out, Error *err) {
  if (o->db) return outbox_read_column(o, e->seq, true, out, err);
  buffer_put(out, e->request.data, e->request.len);
  return 0;
}

/* --- life -----------------------------------------------------------------------------
 */

Outbox *outbox_open(Loop *loop, Db *db, const OutboxOptions *options, Error *err) {
  Outbox *o = xcalloc(1, sizeof *o);
  o->loop = loop;
  o->db = db;
  o->script = xstrdup(options->script);
  o->options = *options;
  o->last_ready = &o->ready;
  o->hooks = &hooks;
  outbox_write_init(o);
  if (db && outbox_load(o, err) != 0) {
    outbox_close(o);
    return NULL;
  }
  outbox_offer_all(o);
  return o;
}

static void drop_entries(Outbox *o) {
  for (size_t i = 0; i < o->count; i++) {
    OutboxEntry *e = o->entries[i];
    OutboxLane *lane = e->lane;
    bool last = !e->next;
    free_entry(o, e);
    if (last) free_lane(o, lane);
  }
  o->count = 0;
  free(o->base);
  o->base = o->entries = NULL;
  index_free(&o->lanes);
}

void outbox_close(Outbox *o) {
  outbox_cancel_writes(o);
  drop_entries(o);
  outbox_flush_last(o);
  o->closed = true;
  outbox_free_unused(o);
}
