/* tidelock.outbox.core: entries and lanes for stdlib/outbox.lua, which checks all
 * arguments. `box` is what declare returned; entries are named by their numbers. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/luaerror.h"
#include "bridge/pack.h"
#include "core/clock.h"
#include "core/hex.h"
#include "lua/modules.h"
#include "resource/declare.h"
#include "resource/outbox.h"
#include "vm/task_wait.h"

static const BoxKind outbox_box = {"outbox", NULL};

/* declare(run, ended, begin) → box */
static int f_declare(lua_State *L) {
  int functions[OUTBOX_FUNCTIONS];
  Error err;
  for (int i = 0; i < OUTBOX_FUNCTIONS; i++) luaL_checktype(L, 1 + i, LUA_TFUNCTION);
  need_declaring(L, "outbox.define");
  Box *box = box_new(L, &outbox_box);
  for (int i = 0; i < OUTBOX_FUNCTIONS; i++) {
    lua_pushvalue(L, 1 + i);
    functions[i] = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  Declaration *decl =
      declare_with(L, &outbox_kind, OUTBOX_NAME, NULL, functions, OUTBOX_FUNCTIONS, &err);
  if (!decl) return luaL_error(L, "%s", err.message);
  box_refer(box, decl, &decl->boxes);
  return 1;
}

static Outbox *check_outbox(lua_State *L) {
  Outbox *o = outbox_of(box_check(L, 1, &outbox_box));
  if (!o) luaL_error(L, "the outbox of this script is not open");
  return o;
}

/* The entry of the number at 2; NULL: it is gone. */
static OutboxEntry *find_entry(lua_State *L, Outbox **o) {
  *o = check_outbox(L);
  return outbox_find(*o, luaL_checkinteger(L, 2));
}

static OutboxEntry *need_entry(lua_State *L, Outbox **o) {
  OutboxEntry *e = find_entry(L, o);
  if (!e) luaL_error(L, "the entry is gone");
  return e;
}

/* --- waiting for the disk -------------------------------------------------------------
 */

/* Freed when its box is released and it was answered. */
typedef struct Pending {
  OutboxWrite write;
  Wait wait;
  Task *waiter;
  Error err;
  bool answered, released;
} Pending;

static int push_pending(lua_State *L, void *ctx) {
  const Pending *p = ctx;
  if (p->err.code != ERR_NONE) return luaerror_return(L, &p->err);
  lua_pushboolean(L, true);
  return 1;
}

static void on_written(OutboxWrite *write, const Error *err) {
  Pending *p = CONTAINER_OF(write, Pending, write);
  Task *waiter = p->waiter;
  p->answered = true;
  if (err) p->err = *err;
  p->waiter = NULL;
  if (p->released) free(p);
  else if (waiter) task_wake_later(waiter, push_pending, p);
}

static void release_pending(Box *box) {
  Pending *p = box->object;
  p->released = true;
  if (p->answered) free(p);
}

static const BoxKind pending_box = {"pending write", release_pending};

static Pending *push_new_pending(lua_State *L) {
  need_memory(L, sizeof(Pending));
  Box *box = box_new(L, &pending_box);
  Pending *p = box->object = xcalloc(1, sizeof *p);
  p->write.done = on_written;
  p->answered = true; /* until it is handed over */
  return p;
}

static void cancel_pending(Wait *wait) {
  CONTAINER_OF(wait, Pending, wait)->waiter = NULL;
}

/* pending:wait() → true | nil, err */
static int f_wait(lua_State *L) {
  Pending *p = box_check(L, 1, &pending_box);
  if (p->answered) return push_pending(L, p);
  Task *task = task_waiter(L, "the outbox");
  if (p->waiter) return luaL_error(L, "one task waits for this entry already");
  p->waiter = task;
  p->wait.cancel = cancel_pending;
  return task_wait(L, task, &p->wait);
}

static void pack_at(lua_State *L, int index, Buffer *out) {
  Error err;
  if (pack_value(L, index, out, &err) == 0) return;
  buffer_free(out);
  luaL_error(L, "%s", err.message);
}

/* --- changes --------------------------------------------------------------------------
 */

/* enter(box, id, name, lane, version, created, args) → seq, pending | nil, err */
static int f_enter(lua_State *L) {
  Outbox *o = check_outbox(L);
  Error err;
  OutboxNew fresh = {.id = luaL_checkstring(L, 2),
                     .name = luaL_checkstring(L, 3),
                     .lane = luaL_checkstring(L, 4),
                     .version = luaL_checkinteger(L, 5),
                     .created = luaL_checknumber(L, 6)};
  need_loaded(L, "a mutation");
  Pending *p = push_new_pending(L);
  if (pack_bounded(L, 7, &fresh.args, OUTBOX_ARGS, &err) != 0) {
    buffer_free(&fresh.args);
    return luaerror_return(L, &err);
  }
  p->answered = false;
  OutboxEntry *e = outbox_enter(o, &fresh, &p->write, &err);
  if (!e) {
    p->answered = true;
    return luaerror_return(L, &err);
  }
  lua_pushinteger(L, e->seq);
  lua_insert(L, -2);
  return 2;
}

/* set(box, seq, state, note | nil, request | nil) → pending. nil leaves what is there. */
static int f_set(lua_State *L) {
  Outbox *o;
  OutboxEntry *e = need_entry(L, &o);
  lua_Integer state = luaL_checkinteger(L, 3);
  Buffer note = {0}, request = {0};
  luaL_argcheck(L, state >= OUTBOX_WAITING && state <= OUTBOX_DEAD, 3, "a state");
  lua_settop(L, 5);
  Pending *p = push_new_pending(L);
  bool noted = !lua_isnil(L, 4), requested = !lua_isnil(L, 5);
  if (noted) pack_at(L, 4, &note);
  Error err;
  if (requested && pack_value(L, 5, &request, &err) != 0) {
    buffer_free(&note);
    buffer_free(&request);
    return luaL_error(L, "%s", err.message);
  }
  p->answered = false;
  outbox_set(o, e, (OutboxState)state, noted ? &note : NULL, requested ? &request : NULL,
             &p->write);
  return 1;
}

/* edit(box, seq, args, version) → pending | nil, err */
static int f_edit(lua_State *L) {
  Outbox *o;
  OutboxEntry *e = need_entry(L, &o);
  Buffer args = {0};
  Error err;
  int64_t version = luaL_checkinteger(L, 4);
  Pending *p = push_new_pending(L);
  if (pack_bounded(L, 3, &args, OUTBOX_ARGS, &err) != 0) {
    buffer_free(&args);
    return luaerror_return(L, &err);
  }
  p->answered = false;
  outbox_edit(o, e, &args, version, &p->write);
  return 1;
}

/* finish(box, seq): it is done, and its lane goes on. */
static int f_finish(lua_State *L) {
  Outbox *o;
  OutboxEntry *e = need_entry(L, &o);
  OutboxLane *lane = e->lane;
  outbox_remove(o, e);
  outbox_offer(o, lane);
  return 0;
}

/* drop(box, seq): it is taken out. */
static int f_drop(lua_State *L) {
  Outbox *o;
  OutboxEntry *e = find_entry(L, &o);
  if (e) outbox_remove(o, e);
  return 0;
}

/* go_on(box, seq, seconds | nil): its lane is offered again, then or now. */
static int f_go_on(lua_State *L) {
  Outbox *o;
  OutboxEntry *e = need_entry(L, &o);
  if (lua_isnoneornil(L, 3)) outbox_offer(o, e->lane);
  else outbox_delay(o, e->lane, luaL_checknumber(L, 3));
  return 0;
}

/* stop(box, seq): its lane waits until it is offered. */
static int f_stop(lua_State *L) {
  Outbox *o;
  OutboxEntry *e = need_entry(L, &o);
  outbox_stop(o, e->lane);
  return 0;
}

/* --- looking --------------------------------------------------------------------------
 */

static void set_text(lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

static void set_integer(lua_State *L, const char *name, lua_Integer number) {
  lua_pushinteger(L, number);
  lua_setfield(L, -2, name);
}

static void set_flag(lua_State *L, const char *name, bool flag) {
  lua_pushboolean(L, flag);
  lua_setfield(L, -2, name);
}

/* entry(box, seq) → a table, without the args; or nil */
static int f_entry(lua_State *L) {
  Outbox *o;
  OutboxEntry *e = find_entry(L, &o);
  if (!e) return 0;
  lua_createtable(L, 0, 12);
  set_integer(L, "seq", e->seq);
  set_text(L, "id", e->id);
  set_text(L, "name", e->name);
  set_text(L, "lane", outbox_lane(e));
  set_integer(L, "version", e->version);
  set_integer(L, "state", e->state);
  lua_pushnumber(L, e->created);
  lua_setfield(L, -2, "time");
  set_flag(L, "durable", e->durable);
  set_flag(L, "first", e->prev == NULL);
  set_flag(L, "requested", e->requested);
  set_flag(L, "busy", outbox_runs(box_check(L, 1, &outbox_box), e));
  const char *at = e->note.data;
  if (e->note.len) unpack_value(L, &at);
  else lua_newtable(L);
  lua_setfield(L, -2, "note");
  return 1;
}

/* Pushes the packed value, and frees the bytes; or nil, err. */
static int push_packed(lua_State *L, Buffer *bytes) {
  Error err;
  lua_pushlstring(L, bytes->data ? bytes->data : "", bytes->len);
  bool whole = pack_check(bytes->data, bytes->len);
  buffer_free(bytes);
  if (!whole) {
    error_set(&err, ERR_DECODE, "an entry of the outbox cannot be read");
    return luaerror_return(L, &err);
  }
  const char *at = lua_tostring(L, -1);
  unpack_value(L, &at);
  return 1;
}

/* args(box, seq) → the arguments | nil, err */
static int f_args(lua_State *L) {
  Outbox *o;
  OutboxEntry *e = need_entry(L, &o);
  Buffer bytes = {0};
  Error err;
  if (outbox_args(o, e, &bytes, &err) != 0) return luaerror_return(L, &err);
  return push_packed(L, &bytes);
}

/* request(box, seq) → what was stored | nil, err */
static int f_request(lua_State *L) {
  Outbox *o;
  OutboxEntry *e = need_entry(L, &o);
  Buffer bytes = {0};
  Error err;
  if (outbox_request(o, e, &bytes, &err) != 0) return luaerror_return(L, &err);
  return push_packed(L, &bytes);
}

/* find(box, id) → seq | nil */
static int f_find(lua_State *L) {
  OutboxEntry *e = outbox_find_id(check_outbox(L), luaL_checkstring(L, 2));
  if (!e) return 0;
  lua_pushinteger(L, e->seq);
  return 1;
}

/* after(box, seq) → the next number | nil */
static int f_after(lua_State *L) {
  OutboxEntry *e = outbox_after(check_outbox(L), luaL_checkinteger(L, 2));
  if (!e) return 0;
  lua_pushinteger(L, e->seq);
  return 1;
}

static int f_count(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)outbox_count(check_outbox(L)));
  return 1;
}

/* current(box) → the number of the entry that this task sends | nil */
static int f_current(lua_State *L) {
  const Host *host = vm_of(L)->host;
  OutboxEntry *e = outbox_sent_by(box_to(L, 1, &outbox_box)->object, host->current);
  if (!e) return 0;
  lua_pushinteger(L, e->seq);
  return 1;
}

/* --- ids and clocks -------------------------------------------------------------------
 */

/* new_id() → a UUID that begins with the time (RFC 9562, version 7), that time */
static int f_new_id(lua_State *L) {
  uint8_t bytes[16];
  char hex[33] = {0};
  double now = clock_wall();
  uint64_t ms = now > 0 ? (uint64_t)(now * 1000) : 0;
  net_random(vm_of(L)->host->resources->net, bytes, sizeof bytes);
  for (int i = 0; i < 6; i++) bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
  bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x70);
  bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
  hex_write(bytes, sizeof bytes, hex);
  char id[OUTBOX_ID];
  snprintf(id, sizeof id, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
           hex + 20);
  lua_pushstring(L, id);
  lua_pushnumber(L, now);
  return 2;
}

/* clocks() → wall-clock seconds, seconds that count sleep */
static int f_clocks(lua_State *L) {
  lua_pushnumber(L, clock_wall());
  lua_pushnumber(L, wakes_now(net_wakes(vm_of(L)->host->resources->net)));
  return 2;
}

/* process() → of which start of the machine, which process: two texts */
static int f_process(lua_State *L) {
  char boot[64] = "";
  FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
  if (file) {
    size_t len = fread(boot, 1, sizeof boot - 1, file);
    boot[len] = 0;
    fclose(file);
  }
  lua_pushstring(L, boot);
  lua_pushfstring(L, "%s%d", boot, (int)getpid());
  return 2;
}

int luaopen_tidelock_outbox_core(lua_State *L) {
  static const luaL_Reg none[] = {{NULL, NULL}};
  static const luaL_Reg of_pending[] = {{"wait", f_wait}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"declare", f_declare},
                                       {"enter", f_enter},
                                       {"set", f_set},
                                       {"finish", f_finish},
                                       {"drop", f_drop},
                                       {"go_on", f_go_on},
                                       {"stop", f_stop},
                                       {"entry", f_entry},
                                       {"args", f_args},
                                       {"request", f_request},
                                       {"find", f_find},
                                       {"after", f_after},
                                       {"count", f_count},
                                       {"current", f_current},
                                       {"new_id", f_new_id},
                                       {"clocks", f_clocks},
                                       {"process", f_process},
                                       {"edit", f_edit},
                                       {NULL, NULL}};
  box_class(L, &outbox_box, none, NULL);
  box_class(L, &pending_box, of_pending, NULL);
  luaL_newlib(L, functions);
  return 1;
}
