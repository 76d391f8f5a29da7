/* tidelock.date.core: the calendar, and time zones. stdlib/date.lua makes the rest of
 * them. */
#include <lauxlib.h>
#include <stdlib.h>

#include "bridge/box.h"
#include "bridge/luaerror.h"
#include "bridge/luatext.h"
#include "core/days.h"
#include "data/zone_file.h"
#include "lua/modules.h"
#include "vm/vm.h"

/* --- zones ------------------------------------------------------------------------ */

typedef struct HeldZone {
  Zone *zone; /* owned */
  Charge *charge;
  size_t size;
} HeldZone;

static void release_zone(Box *box) {
  HeldZone *held = box->object;
  zone_free(held->zone);
  charge_let_go(held->charge, held->size);
  free(held);
}

static const BoxKind zone_kind = {"time zone", release_zone};

/* zone(name) → zone | nil, err */
static int f_zone(lua_State *L) {
  char shown[LUATEXT_SHOWN];
  Error err;
  luaL_checktype(L, 1, LUA_TSTRING);
  need_memory(L, sizeof(HeldZone));
  Box *box = box_new(L, &zone_kind);
  Zone *zone = zone_file_read(luatext_show(L, 1, shown), &err);
  if (!zone) return luaerror_return(L, &err);
  HeldZone *held = xcalloc(1, sizeof *held);
  held->zone = zone;
  held->size = sizeof *held + zone_size(zone);
  held->charge = vm_hold(L, held->size);
  box->object = held;
  return 1;
}

static const Zone *check_zone(lua_State *L) {
  HeldZone *held = box_check(L, 1, &zone_kind);
  return held->zone;
}

/* zone:at(seconds) → offset, dst, name */
static int f_at(lua_State *L) {
  ZoneSpan span = zone_span(check_zone(L), luaL_checkinteger(L, 2));
  lua_pushinteger(L, span.offset);
  lua_pushboolean(L, span.dst);
  lua_pushstring(L, span.name);
  return 3;
}

/* zone:instants(local) → first, last, skipped?: the begin of the gap that it lies in */
static int f_instants(lua_State *L) {
  ZoneInstants found = zone_instants(check_zone(L), luaL_checkinteger(L, 2));
  lua_pushinteger(L, found.first);
  lua_pushinteger(L, found.last);
  if (!found.gap) return 2;
  lua_pushinteger(L, found.skipped);
  return 3;
}

/* --- the calendar ----------------------------------------------------------------- */

static int check_small(lua_State *L, int arg) {
  enum { MOST = 1000000 };
  lua_Integer value = luaL_checkinteger(L, arg);
  return (int)(value < -MOST ? -MOST : value > MOST ? MOST : value);
}

/* days(year, month, day) → days since 1970 began. Any numbers: not checked, but those
 * that are too large for a calendar are cut. */
static int f_days(lua_State *L) {
  int month = check_small(L, 2), day = check_small(L, 3);
  lua_pushinteger(L, days_from_date(luaL_checkinteger(L, 1), month, day));
  return 1;
}

/* civil(days) → year, month, day */
static int f_civil(lua_State *L) {
  Date date = days_to_date(luaL_checkinteger(L, 1));
  lua_pushinteger(L, date.year);
  lua_pushinteger(L, date.month);
  lua_pushinteger(L, date.day);
  return 3;
}

int luaopen_tidelock_date_core(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"at", f_at}, {"instants", f_instants}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"zone", f_zone}, {"days", f_days}, {"civil", f_civil}, {NULL, NULL}};
  box_class(L, &zone_kind, methods, NULL);
  luaL_newlib(L, functions);
  return 1;
}
