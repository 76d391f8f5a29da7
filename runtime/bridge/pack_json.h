/* Packed values (bridge/pack.h) as JSON, for people: keys that are no strings become
 * some, a table whose keys are 1, 2, ... an array, what JSON has no word for null. */
#ifndef TIDELOCK_BRIDGE_PACK_JSON_H
#define TIDELOCK_BRIDGE_PACK_JSON_H

#include "core/buffer.h"

/* Appends; false when the bytes are no packed value. */
bool pack_to_json(const char *bytes, size_t len, Buffer *out);

#endif
