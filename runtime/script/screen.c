/* See screen.h. */
#include "script/screen.h"

#include <lauxlib.h>
#include <string.h>

#include "script/parts.h"
#include "resource/resource.h"
#include "script/script.h"

static bool tells_notices(const Script *script) {
  return script_current(script) &&
         script_current(script)->functions[ON_NOTICE] != LUA_NOREF;
}

void screen_look(Runtime *rt) {
  if (!rt->options.drawn) return;
  for (Resource *r = rt->resources.first; r; r = r->next) {
    if (strcmp(r->kind->name, "input") != 0 || !tells_notices(script_of_owner(r->owner)))
      continue;
    rt->options.drawn(rt->options.drawn_ctx);
    rt->options.drawn = NULL;
    return;
  }
}
