/* Set-Cookie lines from any server: what is kept is within the bounds, goes out on one
 * line, and only where it belongs; what is written of a jar is read again as it was, and
 * any text may be read as a jar. The first byte chooses who answers. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/cookie_file.h"

static const char *const places[] = {"http://a.example/x/y", "https://www.a.example/x",
                                     "http://127.0.0.1:81/", "unix:/run/x.sock:/x"};

/* Nothing in front or behind, no control characters, no more than a jar sends to one. */
static void check_header(const Buffer *out) {
  CHECK(out->len > strlen("Cookie: ") && memcmp(out->data, "Cookie: ", 8) == 0);
  CHECK(out->len <= 8 + COOKIES_MAX * (COOKIE_MAX_LEN + 2));
  for (size_t i = 0; i < out->len; i++)
    CHECK((unsigned char)out->data[i] >= ' ' && out->data[i] != 127);
}

static bool put(Cookies *jar, const char *to, double now) {
  NetUrl url;
  Error err;
  Buffer out = {0};
  CHECK(net_url_parse(&url, to, false, &err) == 0);
  bool any = cookies_put(jar, &url, NULL, &out, now);
  if (any) check_header(&out);
  buffer_free(&out);
  net_url_free(&url);
  return any;
}

static void write_and_read(Cookies *jar) {
  Buffer first = {0}, second = {0};
  Cookies *copy = cookies_new();
  cookie_file_write(jar, &first, 1e9);
  CHECK(cookie_file_read(copy, first.data, first.len, 1e9) == 0);
  cookie_file_write(copy, &second, 1e9);
  CHECK(first.len == second.len &&
        (!first.len || memcmp(first.data, second.data, first.len) == 0));
  cookies_free(copy);
  buffer_free(&first);
  buffer_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  Cookies *jar = cookies_new();
  NetUrl from;
  Error err;
  const char *place = places[data[0] % COUNT_OF(places)];
  CHECK(net_url_parse(&from, place, false, &err) == 0);
  cookies_take(jar, &from, (const char *)data + 1, size - 1, 1e9);
  CHECK(cookies_count(jar) <= COOKIES_MAX && cookies_bytes(jar) <= COOKIES_MAX_BYTES);
  for (size_t i = 0; i < COUNT_OF(places); i++) put(jar, places[i], 1e9);
  CHECK(!put(jar, "http://other.test/x/y", 1e9)); /* a stranger gets none */
  write_and_read(jar);
  cookie_file_read(jar, (const char *)data + 1, size - 1, 1e9);
  for (size_t i = 0; i < COUNT_OF(places); i++) put(jar, places[i], 1e9);
  cookies_free(jar);
  net_url_free(&from);
  return 0;
}
