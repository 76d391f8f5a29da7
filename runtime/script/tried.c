/* See tried.h. */
#include "script/tried.h"

#include "script/parts.h"

bool tried_is_running(const Script *script, const Sources *sources) {
  const Sources *running =
      script_current(script) ? script_current(script)->sources : NULL;
  return running && sources_hash_of(sources, &running->uses) ==
                        sources_hash_of(running, &running->uses);
}

bool tried_already(const Script *script, const Sources *sources) {
  if (script->seen == 0 || script->load || script->ended)
    return script->seen == sources->hash;
  if (script->failed.count)
    return sources_hash_of(sources, &script->failed) == script->failed_hash;
  return tried_is_running(script, sources);
}

/* The failed load may not have come to all that the running generation uses: that counts
 * too. */
void tried_failed(Script *script, const Sources *sources) {
  uses_free(&script->failed);
  uses_join(&script->failed, &sources->uses);
  if (script_current(script))
    uses_join(&script->failed, &script_current(script)->sources->uses);
  script->failed_hash = sources_hash_of(sources, &script->failed);
}

void tried_forget_failure(Script *script) {
  uses_free(&script->failed);
}
