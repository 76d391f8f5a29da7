/* The keys of flat objects. Objects of the same keys in the same order, as the messages
 * of a list are, share one node of them: an account remembers those seen last. */
#include <string.h>

#include "core/value_node.h"

enum { MIX = 0x9E3779B1u };

static uint32_t mix_word(uint32_t hash, uint32_t word) {
  hash = (hash ^ word) * MIX;
  return hash ^ hash >> 15;
}

uint32_t keys_hash(const char *key, size_t len) {
  uint32_t hash = (uint32_t)len, word;
  for (; len >= 4; key += 4, len -= 4) {
    memcpy(&word, key, 4);
    hash = mix_word(hash, word);
  }
  word = 0;
  memcpy(&word, key, len);
  return mix_word(hash, word);
}

int keys_find(const Keys *keys, const char *key, size_t len) {
  uint32_t hash = keys_hash(key, len);
  for (uint32_t i = 0; i < keys->count; i++)
    if (keys->heads[i].hash == hash && keys->heads[i].len == len &&
        memcmp(keys_names(keys)[i]->bytes, key, len) == 0)
      return (int)i;
  return -1;
}

/* A list of keys to look for: existing texts, or bytes. */
typedef struct Wanted {
  const char *key;
  uint32_t len, hash;
  Text *text; /* NULL: to be made */
} Wanted;

static bool is_shape(const Keys *keys, const Wanted *wanted, size_t count,
                     uint32_t hash) {
  if (keys->hash != hash || keys->count != count) return false;
  for (size_t i = 0; i < count; i++) {
    const Text *name = keys_names(keys)[i];
    if (name == wanted[i].text) continue;
    if (keys->heads[i].hash != wanted[i].hash || keys->heads[i].len != wanted[i].len ||
        memcmp(name->bytes, wanted[i].key, wanted[i].len) != 0)
      return false;
  }
  return true;
}

static Text *wanted_text(ValueAccount *account, const Wanted *wanted) {
  if (wanted->text) return node_retain(wanted->text);
  Text *text = node_new(account, NODE_TEXT, sizeof(Text) + wanted->len + 1);
  text->len = wanted->len;
  memcpy(text->bytes, wanted->key, wanted->len);
  text->bytes[wanted->len] = '\0';
  return text;
}

static Keys *make_keys(ValueAccount *account, const Wanted *wanted, size_t count,
                       uint32_t hash) {
  Keys *keys =
      node_new(account, NODE_KEYS,
               offsetof(Keys, heads) + count * (sizeof keys->heads[0] + sizeof(Text *)));
  keys->count = (uint32_t)count;
  keys->hash = hash;
  for (size_t i = 0; i < count; i++) {
    keys->heads[i].hash = wanted[i].hash;
    keys->heads[i].len = wanted[i].len;
    keys_names(keys)[i] = wanted_text(account, &wanted[i]);
  }
  return keys;
}

static Keys *find_or_make(ValueAccount *account, const Wanted *wanted, size_t count) {
  uint32_t hash = (uint32_t)count;
  for (size_t i = 0; i < count; i++) hash = mix_word(hash, wanted[i].hash);
  Keys **seen = &account->shapes[hash % COUNT_OF(account->shapes)];
  if (*seen && is_shape(*seen, wanted, count, hash)) return node_retain(*seen);
  Keys *keys = make_keys(account, wanted, count, hash);
  if (account->closed) return keys;
  Keys *old = *seen;
  *seen = node_retain(keys);
  if (old) node_release(&old->node);
  return keys;
}

Keys *keys_of(ValueAccount *account, const ValueField *fields, size_t count) {
  Wanted wanted[FLAT_MAX];
  for (size_t i = 0; i < count; i++)
    wanted[i] = (Wanted){.key = fields[i].key,
                         .len = (uint32_t)fields[i].key_len,
                         .hash = keys_hash(fields[i].key, fields[i].key_len)};
  return find_or_make(account, wanted, count);
}

static void want_key(Wanted *wanted, const Keys *keys, size_t i) {
  Text *text = keys_names(keys)[i];
  *wanted = (Wanted){text->bytes, text->len, keys->heads[i].hash, text};
}

Keys *keys_with(ValueAccount *account, const Keys *keys, const char *key, size_t len) {
  Wanted wanted[FLAT_MAX];
  for (size_t i = 0; i < keys->count; i++) want_key(&wanted[i], keys, i);
  wanted[keys->count] = (Wanted){key, (uint32_t)len, keys_hash(key, len), NULL};
  return find_or_make(account, wanted, keys->count + 1);
}

Keys *keys_without(ValueAccount *account, const Keys *keys, size_t index) {
  Wanted wanted[FLAT_MAX];
  size_t count = 0;
  for (size_t i = 0; i < keys->count; i++)
    if (i != index) want_key(&wanted[count++], keys, i);
  return find_or_make(account, wanted, count);
}
