/* See fakes.h. */
#include "net/fakes.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { NAME = 6 }; /* five digits, which the system chooses */

struct NetFake {
  NetFake *next, **at; /* in the list */
  char *host;
  char name[NAME];
  const FakeEvents *events;
  void *ctx;
  int fd;
  uv_poll_t poll;
};

static NetFake *find_fake(NetFake *list, const char *host) {
  while (list && strcasecmp(list->host, host) != 0) list = list->next;
  return list;
}

NetFake *fakes_of(NetFake *list, const char *url) {
  char *host = NULL;
  NetFake *fake = NULL;
  if (!list) return NULL;
  CURLU *parts = curl_url();
  if (parts && url && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
      curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK)
    fake = find_fake(list, host);
  curl_free(host);
  curl_url_cleanup(parts);
  return fake;
}

bool fakes_admit(const NetFake *fake) {
  return fake->events->admits(fake->ctx);
}

const char *fakes_name(const NetFake *fake) {
  return fake->name;
}

/* --- opening and closing ----------------------------------------------------------- */

static void on_poll(uv_poll_t *poll, int status, int events) {
  NetFake *fake = CONTAINER_OF(poll, NetFake, poll);
  int fd;
  (void)status, (void)events;
  while ((fd = accept4(fake->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
    fake->events->accepted(fake->ctx, fd);
}

/* The listening socket; -1: the system has no such names. */
static int listen_abstract(char name[NAME]) {
  struct sockaddr_un own = {.sun_family = AF_UNIX};
  socklen_t len = sizeof own;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  bool fine = fd >= 0 && bind(fd, (struct sockaddr *)&own, sizeof own.sun_family) == 0 &&
              listen(fd, SOMAXCONN) == 0 &&
              getsockname(fd, (struct sockaddr *)&own, &len) == 0;
  if (fine) memcpy(name, own.sun_path + 1, NAME - 1);
  if (!fine && fd >= 0) close(fd);
  return fine ? fd : -1;
}

static void link_fake(NetFake **list, NetFake *fake) {
  fake->next = *list;
  fake->at = list;
  if (fake->next) fake->next->at = &fake->next;
  *list = fake;
}

NetFake *fakes_open(NetFake **list, Loop *loop, const char *host,
                    const FakeEvents *events, void *ctx, Error *err) {
  char name[NAME] = "";
  if (find_fake(*list, host)) {
    error_set(err, ERR_BUSY, "there is a fake server for %s already", host);
    return NULL;
  }
  int fd = listen_abstract(name);
  if (fd < 0) {
    error_set(err, ERR_UNSUPPORTED, "there are no abstract Unix sockets here");
    return NULL;
  }
  NetFake *fake = xcalloc(1, sizeof *fake);
  fake->host = xstrdup(host);
  memcpy(fake->name, name, NAME);
  fake->events = events;
  fake->ctx = ctx;
  fake->fd = fd;
  CHECK(uv_poll_init(loop_uv(loop), &fake->poll, fd) == 0);
  uv_poll_start(&fake->poll, UV_READABLE, on_poll);
  link_fake(list, fake);
  return fake;
}

static void free_fake(uv_handle_t *handle) {
  NetFake *fake = CONTAINER_OF((uv_poll_t *)handle, NetFake, poll);
  free(fake->host);
  free(fake);
}

void fakes_close(NetFake *fake) {
  *fake->at = fake->next;
  if (fake->next) fake->next->at = fake->at;
  uv_poll_stop(&fake->poll);
  close(fake->fd);
  uv_close((uv_handle_t *)&fake->poll, free_fake);
}
