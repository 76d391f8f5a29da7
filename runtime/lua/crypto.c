/* tidelock.crypto: base64, hexadecimal digits, digests, keyed digests and a comparison
 * that takes the same time wherever texts differ. Long texts are worked through in
 * pieces, between which the limit of the turn is looked at. Random bytes:
 * tidelock.random. */
#include <lauxlib.h>
#include <openssl/crypto.h>
#include <string.h>

#include "bridge/luaerror.h"
#include "bridge/luatext.h"
#include "core/base64.h"
#include "core/hex.h"
#include "lua/modules.h"
#include "lua/options.h"
#include "proto/digest.h"
#include "vm/watchdog.h"

enum { PIECE = 3 * 4 * 16384 }; /* of bytes or of characters */

/* A string, as it is: a number is a mistake, as its digits are not its bytes. */
static const char *check_text(lua_State *L, int index, size_t *len) {
  luaL_checktype(L, index, LUA_TSTRING);
  return lua_tolstring(L, index, len);
}

/* The place of the word at `index` in the list; raises when it is not there. */
static int check_among(lua_State *L, int index, const char *const *words,
                       const char *what) {
  luaL_checktype(L, index, LUA_TSTRING);
  int found = luatext_among(L, index, words);
  char shown[LUATEXT_SHOWN];
  if (words[found]) return found;
  return luaL_argerror(
      L, index, lua_pushfstring(L, "no %s: \"%s\"", what, luatext_show(L, index, shown)));
}

/* --- base64 ----------------------------------------------------------------------- */

/* {url = bool, padding = bool}? Without a word about it the form for URLs has no padding,
 * the other one has. */
static Base64Form read_form(lua_State *L, const char *what) {
  static const char *const known[] = {"url", "padding", NULL};
  Base64Form form = {0};
  if (!options_given(L, 2, what, known)) return form;
  lua_getfield(L, 2, "url");
  form.url = form.bare = lua_toboolean(L, -1);
  if (lua_getfield(L, 2, "padding") != LUA_TNIL) form.bare = !lua_toboolean(L, -1);
  return form;
}

/* base64_encode(bytes, options?) → text */
static int f_base64_encode(lua_State *L) {
  size_t len, done = 0;
  const char *bytes = check_text(L, 1, &len);
  Base64Form form = read_form(L, "crypto.base64_encode");
  luaL_Buffer b;
  char *out = luaL_buffinitsize(L, &b, BASE64_LEN(len));
  for (size_t piece; len; bytes += piece, len -= piece) {
    piece = len < PIECE ? len : PIECE;
    done += base64_write(form, bytes, piece, out + done);
    watchdog_poll(L);
  }
  luaL_pushresultsize(&b, done);
  return 1;
}

static bool is_digit64(Base64Form form, char c) {
  if (c >= '0' && c <= '9') return true;
  if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) return true;
  return form.url ? c == '-' || c == '_' : c == '+' || c == '/';
}

static int explain_base64(Base64Form form, const char *text, size_t len, Error *err) {
  size_t at = 0;
  while (at < len && is_digit64(form, text[at])) at++;
  bool odd = at < len && (text[at] != '=' || form.bare || at + 2 < len);
  const char *kind = form.url ? "base64 for URLs" : "base64";
  if (odd)
    return error_set(err, ERR_DECODE, "no %s: byte %zu cannot stand there", kind, at + 1);
  return error_set(err, ERR_DECODE,
                   "no %s: the end does not fit (%s padding is expected)", kind,
                   form.bare ? "no" : "a");
}

/* Whether all of it was read, into `out`. */
static bool read_base64(lua_State *L, Base64Form form, const char *text, size_t len,
                        char *out, size_t *done) {
  const Base64Form inner = {form.url, true};
  for (size_t piece; len; text += piece, len -= piece) {
    piece = len < PIECE ? len : PIECE;
    long bytes = base64_read(piece < len ? inner : form, text, piece, out + *done);
    if (bytes < 0) return false;
    *done += (size_t)bytes;
    watchdog_poll(L);
  }
  return true;
}

/* base64_decode(text, options?) → bytes | nil, err */
static int f_base64_decode(lua_State *L) {
  size_t len, done = 0;
  const char *text = check_text(L, 1, &len);
  Base64Form form = read_form(L, "crypto.base64_decode");
  luaL_Buffer b;
  char *out = luaL_buffinitsize(L, &b, len / 4 * 3 + 3);
  if (read_base64(L, form, text, len, out, &done)) {
    luaL_pushresultsize(&b, done);
    return 1;
  }
  Error err;
  explain_base64(form, text, len, &err);
  return luaerror_return(L, &err);
}

/* --- hexadecimal digits ----------------------------------------------------------- */

/* hex_encode(bytes) → digits */
static int f_hex_encode(lua_State *L) {
  size_t len;
  const char *bytes = check_text(L, 1, &len);
  options_none(L, 2, "crypto.hex_encode");
  luaL_Buffer b;
  char *out = luaL_buffinitsize(L, &b, 2 * len), *at = out;
  for (size_t piece; len; bytes += piece, len -= piece, at += 2 * piece) {
    piece = len < PIECE ? len : PIECE;
    hex_write(bytes, piece, at);
    watchdog_poll(L);
  }
  luaL_pushresultsize(&b, (size_t)(at - out));
  return 1;
}

static int explain_hex(const char *text, size_t len, Error *err) {
  char out[2];
  if (len % 2)
    return error_set(err, ERR_DECODE, "no hexadecimal bytes: one digit stands alone");
  size_t at = 0;
  while (hex_read(text + at, 2, out) == 1) at += 2;
  at += hex_read((char[]){text[at], '0'}, 2, out) == 1;
  return error_set(err, ERR_DECODE, "no hexadecimal bytes: byte %zu is no digit", at + 1);
}

/* hex_decode(digits) → bytes | nil, err */
static int f_hex_decode(lua_State *L) {
  size_t len, left;
  const char *text = check_text(L, 1, &len), *from = text;
  options_none(L, 2, "crypto.hex_decode");
  luaL_Buffer b;
  char *out = luaL_buffinitsize(L, &b, len / 2 + 1), *at = out;
  long read = len % 2 ? -1 : 0;
  for (left = len; left && read >= 0; at += read) {
    size_t piece = left < PIECE ? left : PIECE;
    if ((read = hex_read(from, piece, at)) < 0) break;
    from += piece;
    left -= piece;
    watchdog_poll(L);
  }
  if (read >= 0) {
    luaL_pushresultsize(&b, (size_t)(at - out));
    return 1;
  }
  Error err;
  explain_hex(text, len, &err);
  return luaerror_return(L, &err);
}

/* --- digests ---------------------------------------------------------------------- */

static const char *const formats[] = {"hex", "bytes", "base64", "base64url", NULL};

static int read_format(lua_State *L, int index) {
  return lua_isnoneornil(L, index) ? 0 : check_among(L, index, formats, "format");
}

static int push_digest(lua_State *L, const uint8_t *bytes, size_t len, int format) {
  char text[2 * DIGEST_MOST];
  Base64Form form = {.url = format == 3, .bare = format == 3};
  if (format == 1) {
    lua_pushlstring(L, (const char *)bytes, len);
  } else if (format == 0) {
    hex_write(bytes, len, text);
    lua_pushlstring(L, text, 2 * len);
  } else {
    lua_pushlstring(L, text, base64_write(form, bytes, len, text));
  }
  return 1;
}

/* Takes the digest. It is released before anything raises: a late turn stays late. */
static int finish_digest(lua_State *L, Digest *digest, const char *text, size_t len,
                         int format) {
  uint8_t out[DIGEST_MOST];
  if (!digest) return luaL_error(L, "the system's OpenSSL does not make this digest");
  for (size_t piece; len && !watchdog_is_late(); text += piece, len -= piece) {
    piece = len < PIECE ? len : PIECE;
    digest_add(digest, text, piece);
  }
  size_t size = digest_end(digest, out);
  digest_free(digest);
  watchdog_poll(L);
  return push_digest(L, out, size, format);
}

/* digest(name, text, format?) → text */
static int f_digest(lua_State *L) {
  size_t len;
  int which = check_among(L, 1, digest_names, "digest");
  const char *text = check_text(L, 2, &len);
  int format = read_format(L, 3);
  return finish_digest(L, digest_new(which), text, len, format);
}

/* sha256(text, format?) → text */
static int f_sha256(lua_State *L) {
  lua_settop(L, 2);
  lua_pushliteral(L, "sha256");
  lua_insert(L, 1);
  return f_digest(L);
}

/* hmac(name, key, text, format?) → text */
static int f_hmac(lua_State *L) {
  size_t key_len, len;
  int which = check_among(L, 1, digest_names, "digest");
  const char *key = check_text(L, 2, &key_len), *text = check_text(L, 3, &len);
  int format = read_format(L, 4);
  return finish_digest(L, digest_new_keyed(which, key, key_len), text, len, format);
}

/* --- comparison ------------------------------------------------------------------- */

/* equal(a, b) → bool */
static int f_equal(lua_State *L) {
  size_t len, other;
  const char *a = check_text(L, 1, &len), *b = check_text(L, 2, &other);
  options_none(L, 3, "crypto.equal");
  int differs = len != other;
  for (size_t piece; len && len == other; a += piece, b += piece, len = other -= piece) {
    piece = len < PIECE ? len : PIECE;
    differs |= CRYPTO_memcmp(a, b, piece);
    watchdog_poll(L);
  }
  lua_pushboolean(L, !differs);
  return 1;
}

int luaopen_tidelock_crypto(lua_State *L) {
  static const luaL_Reg functions[] = {{"base64_encode", f_base64_encode},
                                       {"base64_decode", f_base64_decode},
                                       {"hex_encode", f_hex_encode},
                                       {"hex_decode", f_hex_decode},
                                       {"digest", f_digest},
                                       {"sha256", f_sha256},
                                       {"hmac", f_hmac},
                                       {"equal", f_equal},
                                       {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
