/* SHA-1 over a text that lies whole in memory. */
#include "proto/sha1.h"

#include <string.h>

static uint32_t rotate_left(uint32_t x, int bits) {
  return x << bits | x >> (32 - bits);
}

static uint32_t mix_round(int round, uint32_t b, uint32_t c, uint32_t d) {
  switch (round / 20) {
  case 0:
    return ((b & c) | (~b & d)) + 0x5A827999;
  case 1:
    return (b ^ c ^ d) + 0x6ED9EBA1;
  case 2:
    return ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC;
  default:
    return (b ^ c ^ d) + 0xCA62C1D6;
  }
}

static void take_block(uint32_t h[5], const uint8_t block[64]) {
  uint32_t w[80], s[5];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
           (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
  for (int i = 16; i < 80; i++)
    w[i] = rotate_left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  memcpy(s, h, sizeof s);
  for (int i = 0; i < 80; i++) {
    uint32_t next = rotate_left(s[0], 5) + mix_round(i, s[1], s[2], s[3]) + s[4] + w[i];
    s[4] = s[3];
    s[3] = s[2];
    s[2] = rotate_left(s[1], 30);
    s[1] = s[0];
    s[0] = next;
  }
  for (int i = 0; i < 5; i++) h[i] += s[i];
}

/* The end of the text, a single 1 bit, zeroes, and the length in bits. */
static void take_end(uint32_t h[5], const uint8_t *rest, size_t rest_len, uint64_t len) {
  uint8_t block[128] = {0};
  if (rest_len) memcpy(block, rest, rest_len);
  block[rest_len] = 0x80;
  size_t size = rest_len < 56 ? 64 : 128;
  for (size_t i = 0; i < 8; i++) block[size - 1 - i] = (uint8_t)(len * 8 >> 8 * i);
  for (size_t at = 0; at < size; at += 64) take_block(h, block + at);
}

void sha1(const void *bytes, size_t len, uint8_t digest[SHA1_LEN]) {
  uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  const uint8_t *at = bytes;
  size_t left = len;
  for (; left >= 64; left -= 64, at += 64) take_block(h, at);
  take_end(h, at, left, len);
  for (size_t i = 0; i < SHA1_LEN; i++)
    digest[i] = (uint8_t)(h[i / 4] >> (24 - i % 4 * 8));
}
