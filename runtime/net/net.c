/* curl's multi interface on libuv.
 *
 * curl says which sockets it waits for (on_socket) and when it wants to be called
 * (on_timeout); libuv calls it when that has come, by curl_multi_socket_action. What
 * holds:
 *   - the multi handle is never called from one of its own callbacks: on_timeout only
 * arms a timer, on_socket only starts and stops watches;
 *   - finished transfers are taken up after each action, and nowhere else;
 *   - a watch (uv_poll) is on the heap and outlives curl's interest in the socket until
 *     its close callback.
 * Everything belongs to the loop's thread. */
#include "net/transfer.h"

#include <errno.h>
#include <signal.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "loop/descriptors.h"
#include "net/fakes.h"

enum { RANDOM_POOL = 1024, APART_MOST = 16 };

struct Net {
  Loop *loop;
  Pace *pace;
  Wakes *wakes;
  Index shares;
  NetShared *pool, *guards, *slots; /* owned */
  CURLM *multi;                     /* NULL until the first transfer */
  uv_timer_t *timer;
  uv_prepare_t *prepare; /* active while before_waits is not empty */
  BeforeWait *before_waits;
  NetRest *rests;
  NetFake *fakes;
  char *scratch;
  Blocks blocks;
  struct Apart
      *apart; /* where the next connection is kept that is kept apart; may be NULL */
  size_t transfers;
  uint8_t random[RANDOM_POOL];
  size_t random_left;
};

/* One socket that curl waits for. */
typedef struct Watch {
  uv_poll_t poll;
  Net *net;
  curl_socket_t fd;
  int events;
} Watch;

static void free_handle(uv_handle_t *handle) {
  free(handle);
}

/* --- curl and the loop ------------------------------------------------------------ */

/* A `done` may remove any transfer, its own too; curl drops the messages of those. */
static void take_finished(Net *net) {
  CURLMsg *msg;
  int left;
  while ((msg = curl_multi_info_read(net->multi, &left))) {
    if (msg->msg != CURLMSG_DONE) continue;
    CURLcode result = msg->data.result;
    Transfer *transfer = NULL;
    curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &transfer);
    transfer->done(transfer, result);
  }
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void act_on_socket(Net *net, curl_socket_t fd, int events) {
  int running;
  curl_multi_socket_action(net->multi, fd, events, &running);
  take_finished(net);
}

/* After an error, of which libuv does not say more, and stops: there may be bytes before
 * it, an answer or an alert of TLS, that curl only reads when it is called for reading.
 */
static int look_before_error(Watch *watch) {
  if (!(watch->events & UV_READABLE)) return CURL_CSELECT_ERR;
  uv_poll_start(&watch->poll, watch->events, on_poll);
  return CURL_CSELECT_IN;
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  Watch *watch = CONTAINER_OF(poll, Watch, poll);
  int mask = status < 0 ? look_before_error(watch) : 0;
  if (events & UV_READABLE) mask |= CURL_CSELECT_IN;
  if (events & UV_WRITABLE) mask |= CURL_CSELECT_OUT;
  act_on_socket(watch->net, watch->fd, mask);
}

static void on_timer(uv_timer_t *timer) {
  act_on_socket(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout(CURLM *multi, long ms, void *ctx) {
  (void)multi;
  Net *net = ctx;
  if (ms < 0) {
    uv_timer_stop(net->timer);
    return 0;
  }
  uv_update_time(loop_uv(net->loop));
  uv_timer_start(net->timer, on_timer, (uint64_t)ms, 0);
  return 0;
}

static Watch *watch_new(Net *net, curl_socket_t fd) {
  Watch *watch = xcalloc(1, sizeof *watch);
  watch->net = net;
  watch->fd = fd;
  CHECK(uv_poll_init_socket(loop_uv(net->loop), &watch->poll, fd) == 0);
  curl_multi_assign(net->multi, fd, watch);
  return watch;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx,
                     void *socket_ctx) {
  (void)easy;
  Net *net = ctx;
  Watch *watch = socket_ctx;
  if (what == CURL_POLL_REMOVE) {
    if (!watch) return 0;
    curl_multi_assign(net->multi, fd, NULL);
    uv_poll_stop(&watch->poll);
    uv_close((uv_handle_t *)&watch->poll, free_handle);
    return 0;
  }
  if (!watch) watch = watch_new(net, fd);
  watch->events = what & CURL_POLL_IN ? UV_READABLE : 0;
  if (what & CURL_POLL_OUT) watch->events |= UV_WRITABLE;
  uv_poll_start(&watch->poll, watch->events, on_poll);
  return 0;
}

/* --- life ------------------------------------------------------------------------- */

Net *net_new(Loop *loop) {
  Net *net = xcalloc(1, sizeof *net);
  net->loop = loop;
  net->pace = pace_new(loop);
  net->wakes = wakes_new(loop);
  return net;
}

/* A write to a connection that is gone must fail and not kill the process; OpenSSL writes
 * without asking for that, so that the signal itself is switched off where nobody has
 * taken it. */
static void ignore_sigpipe(void) {
  struct sigaction now;
  if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
    signal(SIGPIPE, SIG_IGN);
}

static void start_curl(Net *net) {
  CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
  ignore_sigpipe();
  net->prepare = xcalloc(1, sizeof *net->prepare);
  uv_prepare_init(loop_uv(net->loop), net->prepare);
  net->prepare->data = net;
  net->timer = xcalloc(1, sizeof *net->timer);
  uv_timer_init(loop_uv(net->loop), net->timer);
  net->timer->data = net;
  net->multi = curl_multi_init();
  CHECK(net->multi != NULL);
  curl_multi_setopt(net->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(net->multi, CURLMOPT_SOCKETDATA, net);
  curl_multi_setopt(net->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
  curl_multi_setopt(net->multi, CURLMOPT_TIMERDATA, net);
}

void net_rest(Net *net, NetRest *rest) {
  rest->next = net->rests;
  rest->at = &net->rests;
  if (rest->next) rest->next->at = &rest->next;
  net->rests = rest;
}

void net_rest_over(NetRest *rest) {
  *rest->at = rest->next;
  if (rest->next) rest->next->at = rest->at;
}

bool net_has_rest(const Net *net) {
  return net->rests != NULL;
}

typedef struct Settling {
  Net *net;
  Timer limit;
  bool late;
} Settling;

static void on_limit(Timer *timer) {
  Settling *settling = CONTAINER_OF(timer, Settling, limit);
  settling->late = true;
  loop_stop(settling->net->loop);
}

static void on_settle_idle(void *ctx) {
  Settling *settling = ctx;
  if (!settling->net->rests) loop_stop(settling->net->loop);
}

void net_settle(Net *net, double seconds) {
  Settling settling = {.net = net, .limit = {.fire = on_limit, .real = true}};
  timer_start(net->loop, &settling.limit, seconds);
  while (net->rests && !settling.late) loop_run(net->loop, on_settle_idle, &settling);
  timer_stop(net->loop, &settling.limit);
}

void net_free(Net *net) {
  while (net->rests) {
    NetRest *rest = net->rests;
    net_rest_over(rest);
    rest->end(rest);
  }
  if (net->pool) net->pool->free(net->pool);
  if (net->guards) net->guards->free(net->guards);
  if (net->slots) net->slots->free(net->slots);
  CHECK(net->transfers == 0);
  if (net->multi) {
    curl_multi_cleanup(net->multi);
    uv_timer_stop(net->timer);
    uv_close((uv_handle_t *)net->timer, free_handle);
    uv_close((uv_handle_t *)net->prepare, free_handle);
    curl_global_cleanup();
  }
  index_free(&net->shares);
  pace_free(net->pace);
  wakes_free(net->wakes);
  free(net->scratch);
  blocks_free(&net->blocks);
  free(net);
}

Loop *net_loop(Net *net) {
  return net->loop;
}

Index *net_shares(Net *net) {
  return &net->shares;
}

NetShared **net_pool(Net *net) {
  return &net->pool;
}

NetShared **net_guards(Net *net) {
  return &net->guards;
}

NetShared **net_slots(Net *net) {
  return &net->slots;
}

Wakes *net_wakes(Net *net) {
  return net->wakes;
}

Pace *net_pace(Net *net) {
  return net->pace;
}

Blocks *net_blocks(Net *net) {
  return &net->blocks;
}

char *net_scratch(Net *net) {
  if (!net->scratch) net->scratch = xmalloc(NET_SCRATCH);
  return net->scratch;
}

/* --- before the loop waits -------------------------------------------------------- */

static void on_prepare(uv_prepare_t *prepare) {
  Net *net = prepare->data;
  while (net->before_waits) {
    BeforeWait *work = net->before_waits;
    net_before_wait_cancel(work);
    work->run(work);
  }
  uv_prepare_stop(prepare);
}

void net_before_wait(Net *net, BeforeWait *work) {
  if (work->at) return;
  if (!net->before_waits) uv_prepare_start(net->prepare, on_prepare);
  work->next = net->before_waits;
  work->at = &net->before_waits;
  if (work->next) work->next->at = &work->next;
  net->before_waits = work;
}

void net_before_wait_cancel(BeforeWait *work) {
  if (!work->at) return;
  *work->at = work->next;
  if (work->next) work->next->at = work->at;
  work->at = NULL;
}

/* --- fake servers ----------------------------------------------------------------- */

NetFake **net_fakes(Net *net) {
  return &net->fakes;
}

/* The fake server that the transfer leads to; NULL: none. */
static NetFake *find_fake(const Net *net, const Transfer *transfer) {
  const char *url = NULL;
  curl_easy_getinfo(transfer->easy, CURLINFO_EFFECTIVE_URL, &url);
  return fakes_of(net->fakes, url);
}

/* Neither needs the name of a host to be resolved. */
static void choose_way(const Net *net, Transfer *transfer) {
  NetFake *fake = find_fake(net, transfer);
  bool stopped = loop_clock(net->loop)->stopped;
  transfer->way = fake ? WAY_FAKE : stopped ? WAY_NONE : WAY_OUT;
  if (transfer->way == WAY_OUT) return;
  CURLoption place = fake ? CURLOPT_ABSTRACT_UNIX_SOCKET : CURLOPT_UNIX_SOCKET_PATH;
  curl_easy_setopt(transfer->easy, CURLOPT_PROXY, "");
  curl_easy_setopt(transfer->easy, place, fake ? fakes_name(fake) : "/");
}

bool net_is_busy(Net *net) {
  return net->before_waits || (net->timer && uv_is_active((uv_handle_t *)net->timer) &&
                               uv_timer_get_due_in(net->timer) <= 1);
}

bool net_is_quiet(Net *net) {
  if (net->pool) net->pool->free(net->pool);
  net->pool = NULL;
  return net->transfers == 0;
}

/* --- transfers -------------------------------------------------------------------- */

static curl_socket_t on_open_socket(void *ctx, curlsocktype purpose,
                                    struct curl_sockaddr *address) {
  (void)purpose;
  Transfer *transfer = ctx;
  NetFake *fake = transfer->way == WAY_OUT ? NULL : find_fake(transfer->net, transfer);
  if (transfer->way != WAY_OUT && !(fake && fakes_admit(fake))) return CURL_SOCKET_BAD;
  int type = address->socktype | SOCK_CLOEXEC;
  int fd = socket(address->family, type, address->protocol);
  transfer->no_files = fd < 0 ? errno == EMFILE || errno == ENFILE : !files_spare(fd);
  if (fd < 0 || files_spare(fd)) return fd;
  close(fd);
  return CURL_SOCKET_BAD;
}

/* The next three note how far a transfer is, for the errors to say. */
static int on_sockopt(void *ctx, curl_socket_t fd, curlsocktype purpose) {
  (void)fd, (void)purpose;
  ((Transfer *)ctx)->phase = "connect";
  return CURL_SOCKOPT_OK;
}

static CURLcode on_tls(CURL *easy, void *ssl_ctx, void *ctx) {
  (void)easy, (void)ssl_ctx;
  ((Transfer *)ctx)->phase = "tls";
  ((Transfer *)ctx)->tls = true;
  ((Transfer *)ctx)->layers++;
  return CURLE_OK;
}

static int on_request(void *ctx, char *ip, char *local_ip, int port, int local_port) {
  (void)ip, (void)local_ip, (void)port, (void)local_port;
  ((Transfer *)ctx)->phase = "response";
  return CURL_PREREQFUNC_OK;
}

long net_milliseconds(double seconds) {
  return lround(fmin(fmax(seconds * 1000, 1), 1e9));
}

CURL *net_easy(Net *net) {
  if (!net->multi) start_curl(net);
  CURL *easy = curl_easy_init();
  CHECK(easy != NULL);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_sockopt);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
  return easy;
}

/* For connections that are kept apart: they do not outlive their transfer. */
static int on_close_socket(void *ctx, curl_socket_t fd) {
  return fd == ((Transfer *)ctx)->taken ? 0 : close(fd);
}

void net_add(Net *net, Transfer *transfer) {
  transfer->phase = "dns";
  transfer->no_files = false;
  transfer->layers = 0;
  transfer->taken = CURL_SOCKET_BAD;
  curl_easy_setopt(transfer->easy, CURLOPT_OPENSOCKETDATA, transfer);
  curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
  curl_easy_setopt(transfer->easy, CURLOPT_SOCKOPTDATA, transfer);
  transfer->tls =
      curl_easy_setopt(transfer->easy, CURLOPT_SSL_CTX_DATA, transfer) != CURLE_OK;
  curl_easy_setopt(transfer->easy, CURLOPT_PREREQDATA, transfer);
  transfer->net = net;
  choose_way(net, transfer);
  net->transfers++;
  CHECK(curl_multi_add_handle(net->multi, transfer->easy) == CURLM_OK);
}

/* A connection that curl has handed out lies in its cache as if it were idle. Curl goes
 * through all that are there for each read and write of one that is encrypted; and when
 * it opens another it closes those that are older than two minutes, or that the peer has
 * hung up, under the feet of whoever watches them, unless they have been read or written
 * through it. So they are kept apart from those of requests, a few in one cache (9 KB);
 * those that are not encrypted leave it at once. */
typedef struct Apart {
  CURLSH *share;
  size_t used;
} Apart;

static Apart *apart_enter(Net *net) {
  Apart *apart = net->apart;
  if (!apart || apart->used == APART_MOST) {
    net->apart = apart = xcalloc(1, sizeof *apart);
    apart->share = curl_share_init();
    CHECK(apart->share != NULL);
    curl_share_setopt(apart->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
  }
  apart->used++;
  return apart;
}

static void apart_leave(Net *net, Apart *apart) {
  if (--apart->used > 0) return;
  CHECK(curl_share_cleanup(apart->share) == CURLSHE_OK);
  if (net->apart == apart) net->apart = NULL;
  free(apart);
}

void net_add_apart(Net *net, Transfer *transfer) {
  transfer->apart = apart_enter(net);
  curl_easy_setopt(transfer->easy, CURLOPT_SHARE, transfer->apart->share);
  curl_easy_setopt(transfer->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
  curl_easy_setopt(transfer->easy, CURLOPT_CLOSESOCKETDATA, transfer);
  net_add(net, transfer);
}

void net_remove(Net *net, Transfer *transfer) {
  CHECK(curl_multi_remove_handle(net->multi, transfer->easy) == CURLM_OK);
  curl_easy_cleanup(transfer->easy);
  transfer->easy = NULL;
  free(transfer->proxy);
  transfer->proxy = NULL;
  if (transfer->apart) apart_leave(net, transfer->apart);
  transfer->apart = NULL;
  net->transfers--;
}

curl_socket_t net_take_socket(Net *net, Transfer *transfer) {
  curl_easy_getinfo(transfer->easy, CURLINFO_ACTIVESOCKET, &transfer->taken);
  net_remove(net, transfer);
  return transfer->taken;
}

/* --- randomness ------------------------------------------------------------------- */

static void refill_random(Net *net) {
  size_t have = 0;
  while (have < RANDOM_POOL) {
    ssize_t n = getrandom(net->random + have, RANDOM_POOL - have, 0);
    CHECK(n > 0 || errno == EINTR);
    if (n > 0) have += (size_t)n;
  }
  net->random_left = RANDOM_POOL;
}

void net_random(Net *net, void *out, size_t len) {
  CHECK(len <= RANDOM_POOL);
  if (net->random_left < len) refill_random(net);
  net->random_left -= len;
  memcpy(out, net->random + net->random_left, len);
}

double net_random_share(Net *net) {
  uint64_t bits;
  net_random(net, &bits, sizeof bits);
  return (double)(bits >> 11) / 9007199254740992.0;
}
