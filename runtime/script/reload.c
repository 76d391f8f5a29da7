/* What is asked for is marked at the script; one event for all marks waits in the inbox,
 * so that no handler is replaced while it runs. */
#include "script/reload.h"

#include <stdlib.h>

#include "script/parts.h"
#include "script/script.h"

typedef struct Asked {
  Event event;
  Runtime *rt;
} Asked;

static void on_asked(Event *event) {
  Asked *asked = CONTAINER_OF(event, Asked, event);
  Runtime *rt = asked->rt;
  free(asked);
  size_t count = 0;
  for (Script *s = script_first(rt); s; s = script_after(s)) count++;
  Script **scripts = xcalloc(count + 1, sizeof *scripts);
  count = 0;
  for (Script *s = script_first(rt); s; s = script_after(s)) {
    if (!s->reload_asked) continue;
    s->reload_asked = false;
    s->seen = 0;
    s->unreadable = ERR_NONE;
    scripts[count++] = s;
  }
  scripts_load(rt, scripts, count);
  free(scripts);
}

static bool is_asked(const Runtime *rt) {
  for (Script *s = script_first(rt); s; s = script_after(s))
    if (s->reload_asked) return true;
  return false;
}

void reload_ask(Script *script) {
  Runtime *rt = script->rt;
  bool queued = is_asked(rt);
  script->reload_asked = true;
  if (queued) return;
  Asked *asked = xcalloc(1, sizeof *asked);
  *asked = (Asked){.event.run = on_asked, .rt = rt};
  inbox_push(rt->host.loop, &asked->event);
}

void reload_ask_all(Runtime *rt) {
  for (Script *s = script_first(rt); s; s = script_after(s))
    if (!s->ended) reload_ask(s);
}
