/* FNV-1a, for data that nobody forges; and a hash with a secret seed, for keys that a
 * server may choose. */
#ifndef TIDELOCK_CORE_HASH_H
#define TIDELOCK_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HASH_START 14695981039346656037u

/* Begins with HASH_START, or with the hash of what comes before. Ends count: "a" then
 * "b" hashes otherwise than "ab". */
static inline uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len) {
  const uint8_t *p = bytes;
  for (size_t i = 0; i < len; i++) hash = (hash ^ p[i]) * 1099511628211u;
  return (hash ^ 0xff) * 1099511628211u;
}

/* Random, and kept from others. */
typedef struct HashSeed {
  uint64_t first, second;
} HashSeed;

static inline uint64_t hash_fold(uint64_t a, uint64_t b) {
  __extension__ typedef unsigned __int128 Wide;
  Wide product = (Wide)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_seeded(const HashSeed *seed, const void *bytes, size_t len) {
  const char *p = bytes;
  uint64_t hash = seed->first ^ len, word;
  for (size_t left = len; left >= 8; p += 8, left -= 8) {
    memcpy(&word, p, 8);
    hash = hash_fold(hash ^ word, seed->second | 1);
  }
  word = 0;
  if (len % 8) memcpy(&word, p, len % 8);
  hash = hash_fold(hash ^ word, seed->second | 1);
  return hash_fold(hash, 0x9E3779B97F4A7C15u ^ seed->first);
}

#endif
