/* See pending.h. */
#include "resource/pending.h"

#include <stdlib.h>

#include "core/suggest.h"
#include "vm/vm.h"

enum { MOST_LOGGED = 5, MOST_NAMES = 8 };
static const double patience = 1; /* seconds */

/* --- the names that there are ------------------------------------------------------ */

typedef struct Names {
  const ResourceKind *kind;
  const Owner *but; /* whose own are left out */
  const Resource *at;
} Names;

static const Resource *next_of(Names *names) {
  const Resource *r = names->at;
  while (r && (r->kind != names->kind || r->owner == names->but || !r->object))
    r = r->next;
  names->at = r ? r->next : NULL;
  return r;
}

/* The nearest, and what there is else. */
static void add_names(Buffer *out, const Declaration *d) {
  Suggestion near;
  Buffer list = {0};
  int count = 0;
  suggest_begin(&near, d->name);
  Names names = {d->kind, d->vm->owner, d->vm->host->resources->first};
  for (const Resource *r; (r = next_of(&names)); count++) {
    char *name = xasprintf("%s:%s", r->owner->name, r->name);
    suggest_offer(&near, name);
    if (count < MOST_NAMES) buffer_printf(&list, "%s%s", count ? ", " : "", name);
    free(name);
  }
  if (suggest_name(&near)) buffer_printf(out, ": did you mean %s?", suggest_name(&near));
  else buffer_putc(out, '.');
  if (count) buffer_printf(out, " There are: %s", buffer_text(&list));
  else buffer_puts(out, " No other script has declared one");
  if (count > MOST_NAMES) buffer_printf(out, " and %d more", count - MOST_NAMES);
  buffer_free(&list);
}

/* --- the log ----------------------------------------------------------------------- */

static bool is_withheld(const Declaration *d) {
  return d->res && d->kind->withheld && d->kind->withheld(d);
}

static void log_pending(Declaration *d) {
  Buffer text = {0};
  buffer_printf(&text, "attached to the %s %s, which ", d->kind->name, d->name);
  if (is_withheld(d)) {
    buffer_printf(&text, "is there, but not shared: its owner says so with share = %s",
                  d->kind->shares);
  } else {
    buffer_puts(&text, "no script has declared; it is pending");
    add_names(&text, d);
  }
  log_write(d->vm->host->log, LOG_WARN, d->vm->owner->name, "%s", buffer_text(&text));
  buffer_free(&text);
}

static void log_missing(Vm *vm) {
  int count = 0;
  for (Declaration *d = vm->decls; d; d = d->next) {
    if (!d->attached || d->logged || (d->res && !is_withheld(d))) continue;
    d->logged = true;
    if (count++ < MOST_LOGGED) log_pending(d);
  }
  if (count > MOST_LOGGED)
    log_write(vm->host->log, LOG_WARN, vm->owner->name,
              "attached to %d more that no script has declared, or shares",
              count - MOST_LOGGED);
}

static void log_all_missing(Host *host) {
  for (Owner *s = host->owners; s && !host->stopping; s = s->next)
    if (s->current) log_missing(s->current);
}

static void on_pending(Timer *timer) {
  Host *host = CONTAINER_OF(timer, Resources, pending_timer)->host;
  if (host->hooks->is_loading(host, NULL)) pending_look_soon(host);
  else log_all_missing(host);
}

void pending_look_now(Host *host) {
  if (!timer_active(&host->resources->pending_timer)) return;
  timer_stop(host->loop, &host->resources->pending_timer);
  log_all_missing(host);
}

void pending_look_soon(Host *host) {
  if (!timer_active(&host->resources->pending_timer) && !host->stopping)
    timer_start(host->loop, &host->resources->pending_timer, patience);
}

void pending_init(Host *host) {
  host->resources->pending_timer.fire = on_pending;
  host->resources->pending_timer.real = true;
}

void pending_stop(Host *host) {
  timer_stop(host->loop, &host->resources->pending_timer);
}
