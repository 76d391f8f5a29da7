/* A Socket in dispatch: entering and leaving it, and what is put off until then. See
 * socket.c. */
#include "socket/socket_dispatch.h"

#include <stdlib.h>

#include "socket/socket_call.h"
#include "socket/socket_recovery.h"

enum { MOST_CHANGES = 1000 };

/* --- delivering what was put off -------------------------------------------------- */

void deliver_failed_calls(Socket *s) {
  while (s->failed.first && !s->freed) {
    SocketCall *call = s->failed.first;
    call_finish_failed(call);
  }
}

static void deliver_change(Socket *s) {
  StateChange *change = s->changes;
  SocketInfo info = {.reason = change->reason, .code = change->code};
  SocketState state = change->state;
  s->changes = change->next;
  if (!s->changes) s->last_change = &s->changes;
  s->change_count--;
  free(change);
  s->callbacks.state(s->ctx, state, &info);
}

/* Those that there are now: what a callback adds waits for the next time, so that one
 * that connects and disconnects at each state holds nobody up. */
static void deliver_all(Socket *s) {
  if (s->busy > 1) return;
  deliver_failed_calls(s);
  for (int count = s->change_count; count > 0 && s->changes && !s->freed; count--) {
    deliver_change(s);
    deliver_failed_calls(s);
  }
}

void socket_enter(Socket *s) {
  s->busy++;
  deliver_all(s);
}

void socket_leave(Socket *s) {
  deliver_all(s);
  s->busy--;
  if (s->changes && !s->freed) socket_wake(s);
  socket_release(s);
}

static void on_wake(Event *event) {
  Socket *s = CONTAINER_OF(event, Socket, wake_event);
  s->wake_queued = false;
  socket_enter(s);
  socket_leave(s);
}

void socket_wake(Socket *s) {
  if (s->busy || s->wake_queued) return;
  s->wake_queued = true;
  s->wake_event.run = on_wake;
  inbox_push(net_loop(s->net), &s->wake_event);
}

/* Of more than MOST_CHANGES that wait the last one counts. */
void socket_change_later(Socket *s, SocketState state, const char *reason, int code) {
  StateChange change = {NULL, state, reason, code};
  if (s->change_count >= MOST_CHANGES) {
    *CONTAINER_OF(s->last_change, StateChange, next) = change;
    return;
  }
  StateChange *kept = xmalloc(sizeof *kept);
  *kept = change;
  *s->last_change = kept;
  s->last_change = &kept->next;
  s->change_count++;
  socket_wake(s);
}

/* --- calls that failed ------------------------------------------------------------ */

/* The packet of a waiting call has been taken out of the buffer by the caller. */
void call_fail(SocketCall *call, ErrorCode code) {
  Socket *s = call->socket;
  timer_stop(net_loop(s->net), &call->timer);
  call_list_remove(&s->in_flight, call);
  call->failed = code;
  call_list_append(&s->failed, call);
  socket_wake(s);
}

/* Those that wait stay: they will be sent on the next connection. */
void calls_fail_in_flight(Socket *s) {
  for (SocketCall *call = s->in_flight.first, *next; call; call = next) {
    next = call->next;
    if (call->sent) call_fail(call, ERR_CLOSED);
  }
}

/* --- life ------------------------------------------------------------------------- */

void socket_forget_id(Socket *s) {
  free(s->id);
  s->id = NULL;
}

void socket_release(Socket *s) {
  if (!s->freed || s->busy || s->incoming_count || s->wake_queued || s->stall.queued)
    return;
  charge_unref(s->options.charge);
  socket_options_free(&s->options);
  recovery_forget(s);
  socket_forget_id(s);
  free(s->nsp);
  free(s);
}
