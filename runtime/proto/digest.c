/* Digests: see digest.h. curl links libcrypto anyway: it costs no start and no memory. */
#include "proto/digest.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

const char *const digest_names[] = {"sha1", "sha256", "sha384", "sha512", NULL};

struct Digest {
  EVP_MD_CTX *plain; /* one of both is set */
  EVP_MAC_CTX *keyed;
};

static const EVP_MD *find_kind(int which) {
  const EVP_MD *const kinds[] = {EVP_sha1(), EVP_sha256(), EVP_sha384(), EVP_sha512()};
  return kinds[which];
}

static Digest *keep_digest(EVP_MD_CTX *plain, EVP_MAC_CTX *keyed) {
  Digest *digest = xmalloc(sizeof *digest);
  *digest = (Digest){plain, keyed};
  return digest;
}

Digest *digest_new(int which) {
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  if (ctx && EVP_DigestInit_ex(ctx, find_kind(which), NULL))
    return keep_digest(ctx, NULL);
  EVP_MD_CTX_free(ctx);
  return NULL;
}

static bool begin_keyed(EVP_MAC_CTX *ctx, int which, const void *key, size_t len) {
  char name[16];
  strcpy(name, digest_names[which]);
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                         OSSL_PARAM_construct_end()};
  /* NULL would be no key at all. */
  return ctx && EVP_MAC_init(ctx, key ? key : "", len, params);
}

Digest *digest_new_keyed(int which, const void *key, size_t len) {
  EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
  EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
  EVP_MAC_free(mac); /* the context has a reference of its own */
  if (begin_keyed(ctx, which, key, len)) return keep_digest(NULL, ctx);
  EVP_MAC_CTX_free(ctx);
  return NULL;
}

void digest_add(Digest *digest, const void *bytes, size_t len) {
  if (digest->plain) CHECK(EVP_DigestUpdate(digest->plain, bytes, len));
  else CHECK(EVP_MAC_update(digest->keyed, bytes, len));
}

size_t digest_end(Digest *digest, uint8_t out[DIGEST_MOST]) {
  unsigned len = 0;
  size_t keyed_len = 0;
  if (digest->plain) CHECK(EVP_DigestFinal_ex(digest->plain, out, &len));
  else CHECK(EVP_MAC_final(digest->keyed, out, &keyed_len, DIGEST_MOST));
  return digest->plain ? len : keyed_len;
}

void digest_free(Digest *digest) {
  EVP_MD_CTX_free(digest->plain);
  EVP_MAC_CTX_free(digest->keyed);
  free(digest);
}

void sha1(const void *bytes, size_t len, uint8_t digest[SHA1_LEN]) {
  uint8_t out[DIGEST_MOST];
  Digest *one = digest_new(0);
  CHECK(one != NULL); /* without it nothing of OpenSSL works */
  digest_add(one, bytes, len);
  memcpy(digest, out, digest_end(one, out));
  digest_free(one);
}
