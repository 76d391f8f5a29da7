/* The heartbeat of a plain WebSocket: pings of our own, since the server need not send
 * any.
 *
 * A ping goes out every ping_interval. Whatever comes, and whatever the peer takes of
 * what was stuck, is a sign of its life; without one for ping_timeout after a ping the
 * connection is lost. One timer is due for the next ping or for the verdict, whichever is
 * first. Before the verdict the loop gets one more turn: if this process stood still for
 * a while, what came meanwhile lies there unread.
 *
 * A machine that wakes finds out at once: it asks by a ping, unless it slept for so long
 * that the server must have given this connection up. A process that was stopped
 * for so long takes it for lost as well, whatever lies there unread; one whose handlers
 * worked for so long does not. */
#include "core/clock.h"
#include "socket/engine_parts.h"

static const double one_more_turn = 0.05;
static const double busy_machine = 0.3; /* so much no standstill is made of */

static void lose(Engine *e, const char *what, double seconds) {
  Error err;
  error_set(&err, ERR_TIMEOUT, "%s for %.3g seconds", what, seconds);
  err.phase = "heartbeat";
  engine_end(e, "ping timeout", &err);
}

/* Altogether: the loop's clock stands still meanwhile. */
static double slept(const Engine *e) {
  return wakes_now(net_wakes(e->net)) - loop_now(net_loop(e->net));
}

double engine_beat_deadline(const Engine *e) {
  const EngineOptions *o = e->options;
  return o->ping_interval > 0 ? o->ping_interval + o->ping_timeout + busy_machine : 0;
}

bool engine_beat_stood_still(const Engine *e) {
  double idle =
      wakes_now(net_wakes(e->net)) - e->beat.looked - (clock_cpu() - e->beat.cpu);
  return idle > engine_beat_deadline(e);
}

static void note_look(Engine *e) {
  e->beat.looked = wakes_now(net_wakes(e->net));
  e->beat.cpu = clock_cpu();
}

void engine_beat_spare(Engine *e) {
  engine_heard(e);
  e->beat.since = 0;
  e->beat.again = false;
  e->beat.slept = slept(e);
}

/* A connection that is ending tells its end itself. */
static void ping(Engine *e) {
  double now = loop_now(net_loop(e->net));
  bool ends = ws_ping(e->ws, NULL, 0) == ERR_NOT_CONNECTED;
  if (e->beat.since == 0 && !ends) e->beat.since = now;
  e->beat.next = now + e->options->ping_interval;
}

static void arm(Engine *e) {
  double due = e->beat.next, verdict = e->beat.since + e->options->ping_timeout;
  if (e->beat.since > 0 && verdict < due) due = verdict;
  timer_start_at(net_loop(e->net), &e->heartbeat, due);
}

static void on_beat(Timer *timer) {
  Engine *e = CONTAINER_OF(timer, Engine, heartbeat);
  double now = loop_now(net_loop(e->net)), timeout = e->options->ping_timeout;
  if (engine_lose_overdue(e)) return;
  note_look(e);
  if (ws_heard(e->ws) || e->paused) engine_beat_spare(e);
  bool late = e->beat.since > 0 && now >= e->beat.since + timeout;
  if (late && e->beat.again) {
    lose(e, "a ping was not answered", now - e->beat.since);
    return;
  }
  e->beat.again = late;
  if (now >= e->beat.next) ping(e);
  if (late) timer_start(net_loop(e->net), timer, one_more_turn);
  else arm(e);
}

static void on_woke(WakeListener *listener) {
  Engine *e = CONTAINER_OF(listener, Engine, wake);
  double lately = slept(e) - e->beat.slept;
  if (lately > e->options->ping_interval + e->options->ping_timeout) {
    lose(e, "the machine slept", lately);
    return;
  }
  ping(e);
  arm(e);
}

void engine_beat_start(Engine *e) {
  double interval = e->options->ping_interval;
  if (!(interval > 0)) return;
  e->heartbeat.fire = on_beat;
  e->wake.woke = on_woke;
  note_look(e);
  engine_beat_spare(e);
  e->beat.next = loop_now(net_loop(e->net)) + interval;
  wakes_listen(net_wakes(e->net), &e->wake);
  arm(e);
}

void engine_retune(Engine *e) {
  if (!e->options->plain || !e->hello || e->lost) return;
  timer_stop(net_loop(e->net), &e->heartbeat);
  wakes_leave(&e->wake);
  engine_beat_start(e);
}
