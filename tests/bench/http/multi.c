/* N GETs, WIDTH in flight, by a bare loop over libcurl's multi interface: run by
 * tests/bench/http/run. What any client on curl's own HTTP costs at least. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

static size_t on_body(char *data, size_t size, size_t count, void *ctx) {
  (void)data;
  *(size_t *)ctx += size * count;
  return size * count;
}

static CURL *start(CURLM *multi, CURL *easy, const char *url, size_t *body) {
  if (!easy) easy = curl_easy_init();
  *body = 0;
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, body);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, body);
  curl_multi_add_handle(multi, easy);
  return easy;
}

int main(void) {
  const char *url = getenv("URL");
  long left = atol(getenv("N")), width = atol(getenv("WIDTH")), running = 0;
  size_t *bodies = calloc((size_t)width, sizeof *bodies);
  CURLM *multi = curl_multi_init();
  for (; running < width && left > 0; left--) start(multi, NULL, url, &bodies[running++]);
  while (running > 0) {
    int active, queued;
    curl_multi_perform(multi, &active);
    for (CURLMsg *msg; (msg = curl_multi_info_read(multi, &queued));) {
      size_t *body;
      CURL *easy = msg->easy_handle;
      if (msg->data.result != CURLE_OK) return 1;
      curl_easy_getinfo(easy, CURLINFO_PRIVATE, &body);
      if (*body != 134) return 1;
      curl_multi_remove_handle(multi, easy);
      running--;
      if (left-- <= 0) continue;
      start(multi, easy, url, body);
      running++;
    }
    if (running > 0) curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
  return 0;
}
