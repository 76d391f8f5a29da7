/* Connection state recovery: a server that keeps a session for a while (its `pid`) sends
 * what was missed to whoever comes back with the pid and the offset of the last event
 * that came.
 *
 *   - The offset is a string that the server puts behind the arguments of events; it is
 * no argument, and handlers do not see it. Events with an ack carry none.
 *   - What was missed comes before the CONNECT that says that it was granted: it is held,
 *     and told behind the change of state.
 *   - It was granted when the same pid comes back. It outlives a lost transport; not a
 *     disconnect by either side. */
#include <stdlib.h>
#include <string.h>

#include "net/socket_parts.h"

enum { MAX_HELD = 100000 };

void recovery_init(Recovery *r) {
  *r = (Recovery){0};
  r->last_held = &r->held;
}

void recovery_drop(Socket *s) {
  Recovery *r = &s->recovery;
  while (r->held) {
    Note *note = r->held;
    r->held = note->next;
    note_free(note);
  }
  r->last_held = &r->held;
  r->held_count = 0;
}

void recovery_forget(Socket *s) {
  recovery_drop(s);
  recovery_init(&s->recovery);
}

/* --- asking ----------------------------------------------------------------------- */

bool recovery_put(Socket *s, Buffer *out, const char *auth, size_t len) {
  Recovery *r = &s->recovery;
  r->asked = r->pid[0] && r->offset[0];
  if (!r->asked) return false;
  buffer_printf(out, "{\"pid\":\"%s\",\"offset\":\"%s\"", r->pid, r->offset);
  size_t empty = len ? 1 + strspn(auth + 1, " \t\r\n") : 0;
  bool more = len && auth[empty] != '}';
  buffer_puts(out, more ? "," : "}");
  if (more) buffer_put(out, auth + 1, len - 1);
  return true;
}

/* --- what comes ------------------------------------------------------------------- */

bool recovery_hold(Socket *s, Note *note) {
  Recovery *r = &s->recovery;
  if (!r->asked || r->held_count == MAX_HELD) {
    note_free(note);
    return false;
  }
  *r->last_held = note;
  r->last_held = &note->next;
  r->held_count++;
  return true;
}

void recovery_release(Socket *s) {
  Recovery *r = &s->recovery;
  while (r->held) {
    Note *note = r->held;
    r->held = note->next;
    note_send(note);
  }
  r->last_held = &r->held;
  r->held_count = 0;
}

/* It goes back as it came, between quotes: what would need an escape is none of ours. */
static bool is_plain(const char *text, size_t len, size_t room) {
  for (size_t i = 0; i < len; i++)
    if ((unsigned char)text[i] < ' ' || text[i] == '"' || text[i] == '\\') return false;
  return len > 0 && len < room;
}

void recovery_joined(Socket *s, const char *pid) {
  Recovery *r = &s->recovery;
  bool good = pid && is_plain(pid, strlen(pid), sizeof r->pid);
  r->given = r->asked && good && strcmp(r->pid, pid) == 0;
  if (!r->given) r->offset[0] = '\0';
  r->pid[0] = '\0';
  if (good) memcpy(r->pid, pid, strlen(pid) + 1);
  r->asked = false;
}

/* Where ,"offset"] begins at the end of an array's text; NULL: it does not end so. A
 * quote behind a backslash is not found to be one behind a comma. */
static char *find_offset(char *json, size_t len, size_t *offset_len) {
  if (len < 5 || json[len - 1] != ']' || json[len - 2] != '"') return NULL;
  char *end = json + len - 2, *quote = memrchr(json, '"', len - 2);
  if (!quote || quote == json || quote[-1] != ',') return NULL;
  *offset_len = (size_t)(end - quote - 1);
  return quote - 1;
}

void recovery_note(Socket *s, Note *note) {
  Recovery *r = &s->recovery;
  size_t len;
  if (!r->pid[0] || note->ack != SIO_NO_ACK) return;
  char *json = (char *)note->told.json; /* the note's own */
  char *at = find_offset(json, note->told.len, &len);
  if (!at || !is_plain(at + 2, len, sizeof r->offset)) return;
  memcpy(r->offset, at + 2, len);
  r->offset[len] = '\0';
  *at = ']';
  note->told.len = (size_t)(at - json) + 1;
}
