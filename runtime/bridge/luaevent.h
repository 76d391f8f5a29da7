/* Server-sent events as scripts see them: {type =, data =, id =}; id only where there is
 * one; gap = true in the first after a reconnection that had nothing to resume from. */
#ifndef TIDELOCK_BRIDGE_LUAEVENT_H
#define TIDELOCK_BRIDGE_LUAEVENT_H

#include <lua.h>

#include "proto/eventstream.h"

void luaevent_push(lua_State *L, const StreamEvent *event, bool gap); /* may raise */

#endif
