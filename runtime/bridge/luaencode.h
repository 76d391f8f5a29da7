/* Lua values to JSON text. */
#ifndef TIDELOCK_BRIDGE_LUAENCODE_H
#define TIDELOCK_BRIDGE_LUAENCODE_H

#include <lua.h>

#include "core/buffer.h"
#include "core/error.h"
#include "proto/socketio.h"

/* The most bytes of one text: a table that is in another twice is written twice, so few
 * of them can make a text without end. */
enum { LUAJSON_MOST = 128 << 20 };

/* Appends the value as JSON; a view or draft as the value that it shows. Never raises,
 * reads tables raw. On an error `out` is as it was, and *err says what is wrong and
 * where: `payload.items[3].name`. */
int luajson_encode(lua_State *L, int index, Buffer *out, Error *err);

/* The same with binary data (bridge/binary.h) anywhere within: a placeholder takes its
 * place in the text, its bytes go into the list, which borrows them from the value.
 * Several values of one packet share a list; then sio_check_placeholders is to check the
 * text of them all. On an error the list, too, is as it was. */
typedef struct LuaBinaries {
  int count;
  SioBytes items[SIO_MOST_SENT];
} LuaBinaries;
int luajson_encode_binaries(lua_State *L, int index, Buffer *out, LuaBinaries *binaries,
                            Error *err);
/* Appends the values from `first` to `last` as the array of an event or an ack; nil is
 * null. On an error *wrong is the index of the value, or 0: they cannot go together. */
int luajson_encode_list(lua_State *L, int first, int last, Buffer *out,
                        LuaBinaries *binaries, int *wrong, Error *err);

#endif
