/* Connection state recovery: a server that keeps a session for a while (its `pid`) sends
 * what was missed to whoever comes back with the pid and the offset of the last event
 * that came.
 *
 *   - The offset is a string that the server puts behind the arguments of events.
 *     Handlers see it, as with the reference client: nothing distinguishes it from a last
 *     argument of an event that has none (a volatile one). Events with an ack have none.
 *   - What was missed comes before the CONNECT that says that it was granted
 *     (socket_early.c).
 *   - It was granted when the same pid comes back. It outlives a lost transport; not a
 *     disconnect by either side. */
#include "socket/socket_recovery.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_OFFSET = 4096 };

void recovery_forget(Socket *s) {
  free(s->recovery.pid);
  buffer_free(&s->recovery.offset);
  s->recovery = (Recovery){0};
}

/* --- asking ----------------------------------------------------------------------- */

bool recovery_put(Socket *s, Buffer *out, const char *auth, size_t len) {
  Recovery *r = &s->recovery;
  r->asked = r->pid && r->offset.len;
  if (!r->asked) return false;
  buffer_puts(out, "{\"pid\":");
  json_put_string(out, r->pid, strlen(r->pid));
  buffer_printf(out, ",\"offset\":\"%s\"", buffer_text(&r->offset));
  size_t empty = len ? 1 + strspn(auth + 1, " \t\r\n") : 0;
  bool more = len && auth[empty] != '}';
  buffer_puts(out, more ? "," : "}");
  if (more) buffer_put(out, auth + 1, len - 1);
  return true;
}

/* --- what comes ------------------------------------------------------------------- */

/* The words of a text are no offset; what has escapes neither. */
static bool is_plain(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if ((unsigned char)text[i] <= ' ' || text[i] == '\\') return false;
  return len > 0 && len <= MOST_OFFSET;
}

/* The same session, granted or not, keeps its offset. */
void recovery_joined(Socket *s, const char *pid) {
  Recovery *r = &s->recovery;
  bool same = pid && r->pid && strcmp(r->pid, pid) == 0;
  if (r->asked || !same) r->given = r->asked && same;
  if (!same) {
    buffer_free(&r->offset);
    free(r->pid);
    r->pid = pid && *pid ? xstrdup(pid) : NULL;
  }
  r->asked = false;
}

/* The string at the end of an array's text, behind a comma; NULL: it does not end so. A
 * quote behind a backslash is not found to be one behind a comma. */
static const char *find_offset(const char *json, size_t len, size_t *offset_len) {
  if (len < 5 || json[len - 1] != ']' || json[len - 2] != '"') return NULL;
  const char *end = json + len - 2, *quote = memrchr(json, '"', len - 2);
  if (!quote || quote == json || quote[-1] != ',') return NULL;
  *offset_len = (size_t)(end - quote - 1);
  return quote + 1;
}

void recovery_keep_offset(Socket *s, const Incoming *incoming) {
  Recovery *r = &s->recovery;
  size_t len;
  if (!r->pid || incoming->ack != SIO_NO_ACK) return;
  const char *offset = find_offset(incoming->payload.json, incoming->payload.len, &len);
  if (!offset || !is_plain(offset, len)) return;
  buffer_clear(&r->offset);
  buffer_put(&r->offset, offset, len);
}
