/* Making declarations real. What can fail comes first, and everything it does can be
 * taken back without anybody who is connected noticing:
 *
 * - resources_open opens what is new, and beside the old object what cannot be changed
 *   in place. Nothing that there was is touched.
 *
 * - resources_replace is for what can exist once only, as a port: the old object is
 *   closed and the new one opened. It is the last step, when all else has succeeded, and
 *   only for what its own predecessor stands in the way of.
 *
 * - resources_bind claims and changes in place; the old objects go. It cannot fail.
 *
 * - resources_start: the new generation is live.
 *
 * Until they are bound, declarations whose plan is not PLAN_KEEP, or that renamed what
 * they found, say what is to be undone.
 */
#include "resource/reconcile.h"

#include <stdlib.h>
#include <string.h>

#include "resource/mutations.h"
#include "resource/pending.h"
#include "resource/resource.h"

static void swap_options(Resource *res, Declaration *decl) {
  void *options = res->options;
  res->options = decl->options;
  decl->options = options; /* kept for undoing, and to log what changed */
}

/* --- another name ------------------------------------------------------------------ */

static bool is_declared(const Vm *vm, const Resource *res) {
  return declaration_of(vm, res->kind, res->name) != NULL;
}

/* What is new, where the one that stands in its way (on its port) is declared no more, is
 * that one under another name. */
static Resource *rename_to(Declaration *decl) {
  const ResourceKind *kind = decl->kind;
  Resource *res = kind->exclusive ? decl->vm->host->resources->first : NULL;
  while (res &&
         (res->owner != decl->vm->owner || res->kind != kind || !res->object ||
          !kind->exclusive(res->options, decl->options) || is_declared(decl->vm, res)))
    res = res->next;
  if (!res) return NULL;
  decl->old_name = resource_rename(res, xstrdup(decl->name));
  return res;
}

static void undo_name(Declaration *decl) {
  if (!decl->old_name) return;
  Resource *res = resource_for(decl);
  free(resource_rename(res, decl->old_name));
  decl->old_name = NULL;
}

/* --- planning ---------------------------------------------------------------------- */

static bool is_unchanged(const Resource *res, const Declaration *decl) {
  return !res->kind->same || res->kind->same(res->options, decl->options);
}

/* An object that was lost is opened again. */
static Plan plan_for(const Resource *res, const Declaration *decl) {
  const ResourceKind *kind = decl->kind;
  if (!res) return PLAN_OPEN;
  if (!res->object) return PLAN_OPEN_NEW_FIRST;
  if (is_unchanged(res, decl)) return PLAN_KEEP;
  if (kind->in_place && kind->in_place(res->options, decl->options)) return PLAN_CHANGE;
  if (kind->exclusive && kind->exclusive(res->options, decl->options))
    return PLAN_CLOSE_OLD_FIRST;
  return PLAN_OPEN_NEW_FIRST;
}

/* Opens a resource with new options beside the old object, which goes on meanwhile. */
static int open_new_object(Resource *res, Declaration *decl, Error *err) {
  void *object = res->object;
  swap_options(res, decl);
  res->object = NULL;
  if (res->kind->open(res, err) == 0) {
    decl->old_object = object;
    return 0;
  }
  swap_options(res, decl);
  res->object = object;
  return (int)err->code;
}

static void undo_new_object(Declaration *decl, Resource *res) {
  resource_close_object(res);
  res->object = decl->old_object;
  decl->old_object = NULL;
  swap_options(res, decl);
}

/* The old object goes. */
static void close_old_object(Declaration *decl, Resource *res) {
  void *object = res->object;
  res->object = decl->old_object;
  resource_close_object(res);
  res->object = object;
  decl->old_object = NULL;
}

static int realise_declaration(Declaration *decl, Error *err) {
  Resource *res = resource_for(decl);
  if (!res) res = rename_to(decl);
  Plan plan = plan_for(res, decl);
  int code = 0;
  if (plan == PLAN_OPEN) code = resource_open(decl, err) ? 0 : (int)err->code;
  else code = resource_prepare(res, decl, err);
  if (code != 0) return code;
  if (plan == PLAN_OPEN_NEW_FIRST) code = open_new_object(res, decl, err);
  else if (plan == PLAN_CLOSE_OLD_FIRST && decl->kind->check)
    code = decl->kind->check(decl->options, err); /* what shows before anything closes */
  if (code == 0) decl->plan = plan;
  return code;
}

/* Says which declaration it was. */
static int fail_declaration(const Declaration *decl, Error *err) {
  Error why = *err;
  error_set(err, why.code, "%s%s%s \"%s\": %s", decl->place ? decl->place : "",
            decl->place ? ": " : "", decl->kind->name, decl->name, why.message);
  return (int)err->code;
}

int resources_check(Vm *vm, Error *err) {
  for (Declaration *d = vm->decls; d; d = d->next)
    if (!d->attached && d->kind->check && d->kind->check(d->options, err) != 0)
      return fail_declaration(d, err);
  return 0;
}

bool resources_contend(const Vm *vm) {
  for (const Declaration *d = vm->decls; d; d = d->next)
    if (d->kind->of_one_script && !d->attached) return true;
  return false;
}

int resources_open(Vm *vm, Error *err) {
  for (Declaration *d = vm->decls; d; d = d->next)
    if (!d->attached && realise_declaration(d, err) != 0) return fail_declaration(d, err);
  return 0;
}

/* --- replacing --------------------------------------------------------------------- */

static void start_resource(Resource *res) {
  if (res->kind->start) res->kind->start(res);
}

/* Back to the options that were in force. */
static void restore_options(Resource *res, Declaration *decl) {
  Error err;
  swap_options(res, decl);
  if (res->kind->open(res, &err) == 0) start_resource(res);
  else
    log_write(res->owner->host->log, LOG_ERROR, res->owner->name, "%s \"%s\" is lost: %s",
              res->kind->name, res->name, err.message);
}

static int replace_object(Declaration *decl, Error *err) {
  Resource *res = resource_for(decl);
  resource_close_object(res);
  swap_options(res, decl);
  if (res->kind->open(res, err) == 0) {
    decl->plan = PLAN_REPLACED;
    return 0;
  }
  restore_options(res, decl);
  decl->plan = PLAN_KEEP;
  return (int)err->code;
}

int resources_replace(Vm *vm, Error *err) {
  for (Declaration *d = vm->decls; d; d = d->next)
    if (d->plan == PLAN_CLOSE_OLD_FIRST && replace_object(d, err) != 0)
      return fail_declaration(d, err);
  return 0;
}

/* --- undoing ----------------------------------------------------------------------- */

static void undo_declaration(Declaration *decl) {
  Resource *res = resource_for(decl);
  switch (decl->plan) {
  case PLAN_OPEN:
    decl->options = res->options;
    res->options = NULL;
    resource_close(res);
    break;
  case PLAN_OPEN_NEW_FIRST:
    undo_new_object(decl, res);
    break;
  case PLAN_REPLACED:
    resource_close_object(res);
    restore_options(res, decl);
    break;
  default:
    break;
  }
  decl->plan = PLAN_KEEP;
  undo_name(decl);
}

void resources_undo(Vm *vm) {
  for (Declaration *d = vm->decls; d; d = d->next) undo_declaration(d);
}

/* --- the report of a reload --------------------------------------------------------- */

static void add_name(Buffer *out, const Resource *res) {
  buffer_printf(out, "%s%s \"%s\"", out->len ? ", " : "", res->kind->name, res->name);
}

/* The declaration holds the options of before. */
static void add_changed(Buffer *out, const Declaration *decl, const Resource *res) {
  add_name(out, res);
  buffer_puts(out, " (");
  if (decl->kind->differs && decl->options)
    decl->kind->differs(decl->options, res->options, out);
  else buffer_puts(out, "options");
  buffer_putc(out, ')');
}

static void add_part(Buffer *out, int count, const char *what, Buffer *names) {
  if (count) buffer_printf(out, "; %d %s", count, what);
  if (count && names->len) buffer_printf(out, ": %s", buffer_text(names));
  buffer_free(names);
}

/* What is bound now, by what became of it. */
static void report_bound(const Vm *vm, Buffer *out) {
  int kept = 0, changed = 0, reopened = 0, opened = 0;
  Buffer none = {0}, changes = {0}, again = {0}, fresh = {0};
  for (Declaration *d = vm->decls; d; d = d->next) {
    if (d->attached || !d->res) continue;
    if (d->plan == PLAN_KEEP) kept++;
    else if (d->plan == PLAN_CHANGE) changed++, add_changed(&changes, d, d->res);
    else if (d->plan == PLAN_OPEN) opened++, add_name(&fresh, d->res);
    else reopened++, add_changed(&again, d, d->res);
  }
  add_part(out, kept, "kept", &none);
  add_part(out, changed, "changed", &changes);
  add_part(out, reopened, "reopened", &again);
  add_part(out, opened, "opened", &fresh);
  if (vm->migrated) buffer_puts(out, "; migrated");
}

/* The resources that close unless they are claimed. */
static void report_orphans(const Owner *owner, double grace, Buffer *out) {
  Buffer names = {0};
  int count = 0;
  for (Resource *r = owner->host->resources->first; r; r = r->next) {
    if (r->owner != owner || !span_runs(&r->grace)) continue;
    add_name(&names, r);
    count++;
  }
  char *what = xasprintf("closed in %.3g s unless claimed", grace);
  add_part(out, count, what, &names);
  free(what);
}

/* --- taking over ------------------------------------------------------------------- */

static void claim_resource(Declaration *decl) {
  Resource *res = resource_for(decl);
  span_stop(&res->grace);
  free(decl->old_name);
  decl->old_name = NULL;
  if (decl->plan == PLAN_OPEN_NEW_FIRST) close_old_object(decl, res);
  if (decl->plan == PLAN_CHANGE) {
    swap_options(res, decl);
    res->kind->change(res, decl->options);
  }
  declaration_bind(decl, res);
}

void resources_bind(Vm *vm, Buffer *report) {
  for (Declaration *d = vm->decls; d; d = d->next)
    if (d->attached) declaration_attach(d);
    else claim_resource(d);
  for (Declaration *d = vm->decls; d; d = d->next)
    if (!d->attached) declarations_attach_to(d->res);
  mutations_swap(vm);
  pending_look_soon(vm->host); /* what it shares may be another thing now */
  report_bound(vm, report);
}

void resources_orphan(Owner *owner, double grace, Buffer *report) {
  for (Resource *r = owner->host->resources->first; r; r = r->next)
    if (r->owner == owner && !span_runs(&r->grace) && resource_orphaned(r))
      span_start(owner->host->loop, &r->grace, grace);
  report_orphans(owner, grace, report);
}

static void begin_declaration(Declaration *decl) {
  Plan plan = decl->plan;
  decl->plan = PLAN_KEEP;
  if (decl->res &&
      (plan == PLAN_OPEN || plan == PLAN_OPEN_NEW_FIRST || plan == PLAN_REPLACED))
    start_resource(decl->res);
  declaration_join(decl);
}

void resources_start(Vm *vm) {
  for (Declaration *d = vm->decls, *next; d; d = next) {
    next = d->next;
    begin_declaration(d);
  }
}

int declare_live(Declaration *decl, Error *err) {
  if (realise_declaration(decl, err) != 0 ||
      (decl->plan == PLAN_CLOSE_OLD_FIRST && replace_object(decl, err) != 0)) {
    undo_name(decl);
    return (int)err->code;
  }
  claim_resource(decl);
  declarations_attach_to(decl->res);
  begin_declaration(decl);
  return 0;
}
