/* FNV-1a: for data that nobody forges. */
#ifndef TIDELOCK_CORE_HASH_H
#define TIDELOCK_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START 14695981039346656037u

/* Begins with HASH_START, or with the hash of what comes before. Ends count: "a" then
 * "b" hashes otherwise than "ab". */
static inline uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len) {
  const uint8_t *p = bytes;
  for (size_t i = 0; i < len; i++) hash = (hash ^ p[i]) * 1099511628211u;
  return (hash ^ 0xff) * 1099511628211u;
}

#endif
