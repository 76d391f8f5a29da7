/* script.keep on disk: see keep_file.h. It is a plain table: what changed is found by
 * packing it again, at most every 100 ms and only when a task of the script has run, and
 * comparing with what was written last. Its size is bounded, so that this costs little.
 */
#include "script/keep_file.h"

#include <stdlib.h>
#include <string.h>

#include "script/parts.h"
#include "data/kept.h"
#include "bridge/pack.h"
#include "bridge/pack_json.h"
#include "resource/stores.h"

enum { MAX_KEPT = 1 << 20 };
#define KEEP_DELAY 0.1

/* Before the packed table. Numbers are in the machine's own order: another's, or one of
 * another size, is not this mark. */
static const struct {
  char name[4];
  uint32_t order;
} MARK = {{'k', 'e', 'p', sizeof(size_t)}, 0x01020304};

struct KeepFile {
  Script *script;
  Kept *kept;
  Timer timer;
  Buffer written; /* what was handed over last, or found */
  int64_t version;
  Error quarantined; /* that what was found was moved away, until it is logged */
  bool logged;       /* that it cannot be written as it is */
};

/* --- writing ----------------------------------------------------------------------- */

static void log_once(KeepFile *file, const Error *why, const char *what) {
  if (!file->logged)
    log_write(file->script->rt->host.log, LOG_WARN, file->script->owner.name, "%s: %s",
              why->message, what);
  file->logged = true;
}

static bool is_written(const KeepFile *file, const Buffer *now) {
  return file->version == script_current(file->script)->version &&
         file->written.len == now->len &&
         memcmp(file->written.data, now->data, now->len) == 0;
}

static void hand_over(KeepFile *file, const Buffer *now) {
  Buffer copy = {0};
  buffer_put(&copy, now->data, now->len);
  buffer_clear(&file->written);
  buffer_put(&file->written, now->data, now->len);
  file->version = script_current(file->script)->version;
  kept_write(file->kept, &copy, file->version);
}

static void write_changes(KeepFile *file) {
  Error why;
  Buffer now = {0};
  timer_stop(file->script->rt->host.loop, &file->timer);
  buffer_put(&now, &MARK, sizeof MARK);
  if (!keep_pack(script_current(file->script), &now, MAX_KEPT, &why)) {
    log_once(file, &why, "what was kept before stays on disk until it is smaller");
  } else {
    if (why.code != ERR_NONE) log_once(file, &why, "it is left out on disk");
    else file->logged = false;
    if (!is_written(file, &now)) hand_over(file, &now);
  }
  buffer_free(&now);
}

static void on_due(Timer *timer) {
  write_changes(CONTAINER_OF(timer, KeepFile, timer));
}

void keep_file_touch(Generation *gen) {
  KeepFile *file = gen->script->keep_file;
  if (!file || script_current(gen->script) != gen || timer_active(&file->timer)) return;
  timer_start(gen->rt->host.loop, &file->timer, KEEP_DELAY);
}

/* --- reading ----------------------------------------------------------------------- */

static bool is_sound(const Buffer *bytes) {
  const size_t mark = sizeof MARK;
  return bytes->len > mark + 1 && memcmp(bytes->data, &MARK, mark) == 0 &&
         bytes->data[mark] == 't' && pack_check(bytes->data + mark, bytes->len - mark);
}

/* A file that cannot be used is moved away. Where a generation runs that did not keep on
 * disk, its state counts: then a file of another version cannot be used. At the start a
 * version that is too high fails the load (keep.c). */
static void quarantine_unusable(KeepFile *file, const Generation *gen) {
  char *why = NULL;
  if (script_current(gen->script) && file->version != gen->version)
    why = xasprintf("it has version %lld, not %lld", (long long)file->version,
                    (long long)gen->version);
  else if (!is_sound(&file->written)) why = xstrdup("it cannot be read");
  if (!why) return;
  kept_quarantine(file->kept, why, &file->quarantined);
  file->version = -1;
  buffer_clear(&file->written);
  free(why);
}

static int read_file(Generation *gen, Db *db, Error *err) {
  static const KeptTable table = {"keep", "of the script"};
  KeepFile *file = xcalloc(1, sizeof *file);
  file->script = gen->script;
  file->timer.fire = on_due;
  file->kept = kept_open(db, &table, gen->script->owner.name, 2 * MAX_KEPT,
                         &file->written, &file->version, err);
  if (!file->kept) {
    buffer_free(&file->written);
    free(file);
    return (int)err->code;
  }
  gen->keep_file = file;
  if (err->code == ERR_IO) /* the whole file: that has happened */
    log_write(gen->rt->host.log, LOG_ERROR, gen->script->owner.name, "%s", err->message);
  else file->quarantined = *err;
  if (file->version >= 0) quarantine_unusable(file, gen);
  gen->version_on_disk = file->version;
  if (file->version < 0 || script_current(gen->script)) return 0;
  return keep_unpack(gen, file->written.data + sizeof MARK, err);
}

int keep_file_open(Generation *gen, Error *err) {
  const RuntimeOptions *options = &gen->rt->options;
  gen->vm.reports_turns = true;
  if (gen->script->keep_file || gen->keep_file) return 0;
  if (!options->data || options->check_only) return 0;
  Db *db = stores_db(&gen->rt->host, err);
  return db ? read_file(gen, db, err) : (int)err->code;
}

/* --- whose it is ------------------------------------------------------------------- */

static void release_file(KeepFile *file) {
  timer_stop(file->script->rt->host.loop, &file->timer);
  kept_close(file->kept);
  buffer_free(&file->written);
  free(file);
}

void keep_file_take_over(Generation *gen) {
  Script *script = gen->script;
  if (script->keep_file && !gen->vm.reports_turns) keep_file_close(script);
  if (gen->keep_file) script->keep_file = gen->keep_file;
  gen->keep_file = NULL;
  KeepFile *file = script->keep_file;
  if (!file) return;
  file->logged = false;
  if (file->quarantined.code != ERR_NONE)
    log_write(gen->rt->host.log, LOG_ERROR, script->owner.name, "%s",
              file->quarantined.message);
  file->quarantined = (Error){0};
  keep_file_touch(gen);
}

void keep_file_drop(Generation *gen) {
  if (gen->keep_file) release_file(gen->keep_file);
  gen->keep_file = NULL;
}

void keep_file_close(Script *script) {
  KeepFile *file = script->keep_file;
  if (!file) return;
  if (script_current(script)) write_changes(file);
  release_file(file);
  script->keep_file = NULL;
}

bool keep_file_show(const char *bytes, size_t len, Buffer *out) {
  if (len < sizeof MARK || memcmp(bytes, &MARK, sizeof MARK) != 0) return false;
  return pack_to_json(bytes + sizeof MARK, len - sizeof MARK, out);
}
