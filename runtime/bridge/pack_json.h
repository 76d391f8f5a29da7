/* Packed values (bridge/pack.h) as JSON, for people: other keys become strings, a table
 * whose keys are 1, 2, ... becomes an array, a value that JSON cannot express null. */
#ifndef TIDELOCK_BRIDGE_PACK_JSON_H
#define TIDELOCK_BRIDGE_PACK_JSON_H

#include "core/buffer.h"

/* Appends; false when the bytes are no packed value. */
bool pack_to_json(const char *bytes, size_t len, Buffer *out);

#endif
