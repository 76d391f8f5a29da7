/* tidelock data: the stores of a profile. No command asks for confirmation: reset and
 * restore set the current state aside, so that a restore undoes either. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/json.h"
#include "core/suggest.h"
#include "data/db_aside.h"
#include "data/profile.h"
#include "main/commands.h"
#include "main/data.h"
#include "script/keep_file.h"

typedef struct Asked {
  const Options *options;
  World *world;
  const char *folder;
  Profile *profile;
} Asked;

static int print_failure(const char *text) {
  fprintf(stderr, "tidelock: %s\n", text);
  return 1;
}

static const char *kind_of(const ProfileEntry *entry) {
  return entry->keep ? "script.keep" : entry->cache ? "cache" : "store";
}

/* Returns new: "set aside 2026-01-31 12:00:00", or "". */
static char *time_text(const char *name, const char *mark) {
  const char *at = strstr(name, mark);
  struct tm parts;
  char text[40];
  if (!at) return xstrdup("");
  time_t when = (time_t)strtoll(at + strlen(mark), NULL, 10);
  if (!localtime_r(&when, &parts)) return xstrdup("set aside");
  strftime(text, sizeof text, "set aside %Y-%m-%d %H:%M:%S", &parts);
  return xstrdup(text);
}

/* --- list ------------------------------------------------------------------------- */

static int is_file_aside(const struct dirent *entry) {
  return aside_is_one(entry->d_name);
}

static int list_files(const Asked *asked) {
  struct dirent **all;
  int count = scandir(asked->folder, &all, is_file_aside, alphasort);
  for (int i = 0; i < count; i++) {
    char *when = time_text(all[i]->d_name, ASIDE_PREFIX);
    say(asked->world, "%-48s  file         %s\n", all[i]->d_name, when);
    free(when);
    free(all[i]);
  }
  if (count >= 0) free(all);
  return count > 0 ? count : 0;
}

static void list_entry(const Asked *asked, const ProfileEntry *entry) {
  char *when = time_text(entry->name, "~broken-");
  say(asked->world, "%-48s  %-11s  %s %lld  %lld bytes%s%s%s\n", entry->name,
      kind_of(entry), entry->cache ? "entries" : "version", (long long)entry->version,
      (long long)entry->bytes, *when ? "  " : "", when, entry->part ? " (a part)" : "");
  free(when);
}

static int list_entries(const Asked *asked) {
  Error err;
  size_t count = 0;
  int status = 0;
  const ProfileEntry *all =
      asked->profile ? profile_entries(asked->profile, &count, &err) : NULL;
  if (asked->profile && !all) status = print_failure(err.message);
  for (size_t i = 0; all && i < count; i++) list_entry(asked, &all[i]);
  if (list_files(asked) + count == 0 && status == 0)
    say(asked->world, "nothing is kept in %s\n", asked->folder);
  return status;
}

/* --- show and export -------------------------------------------------------------- */

/* Appends the state as JSON. */
static int put_state(const Asked *asked, const ProfileEntry *entry, Buffer *out) {
  Error err;
  Buffer bytes = {0};
  int code = profile_state(asked->profile, entry, entry->keep ? &bytes : out, &err);
  if (code == 0 && entry->keep && !keep_file_show(bytes.data, bytes.len, out))
    code = error_set(&err, ERR_DECODE, "what is kept under %.100s cannot be read",
                     entry->name);
  buffer_free(&bytes);
  return code == 0 ? 0 : print_failure(err.message);
}

static int show_entry(const Asked *asked, const ProfileEntry *entry) {
  Buffer out = {0};
  int status = put_state(asked, entry, &out);
  if (status == 0) {
    json_lay_out(&out, 0, SIZE_MAX);
    list_entry(asked, entry);
    say(asked->world, "%s\n", buffer_text(&out));
  }
  buffer_free(&out);
  return status;
}

static int put_entry(const Asked *asked, const ProfileEntry *entry, Buffer *out) {
  buffer_puts(out, out->len > 1 ? "," : "");
  char *name = xasprintf("%s%s", entry->cache ? "cache:" : "", entry->name);
  int code = json_put_string(out, name, strlen(name));
  free(name);
  if (code != 0) return print_failure("a name is not UTF-8");
  buffer_printf(out, ":{\"kind\":\"%s\",\"version\":%lld,\"state\":", kind_of(entry),
                (long long)entry->version);
  int status = put_state(asked, entry, out);
  buffer_putc(out, '}');
  return status;
}

static int report_unknown(const Asked *asked, const char *name, const Error *why) {
  Error err;
  Suggestion near;
  size_t count = 0;
  const ProfileEntry *all = profile_entries(asked->profile, &count, &err);
  suggest_begin(&near, name);
  for (size_t i = 0; all && i < count; i++) suggest_offer(&near, all[i].name);
  fprintf(stderr, "tidelock: %s%s; `tidelock data list` prints all names\n", why->message,
          suggest_text(&near));
  return 1;
}

/* Each entry that is named, or all; *status is the worst. */
static int export_all(const Asked *asked) {
  Error err;
  Buffer out = {0};
  size_t count = 0;
  int status = 0, named = asked->options->path_count - 1;
  buffer_putc(&out, '{');
  for (int i = 1; status == 0 && i <= named; i++) {
    const char *name = asked->options->paths[i];
    const ProfileEntry *entry = profile_find(asked->profile, name, &err);
    status = entry ? put_entry(asked, entry, &out) : report_unknown(asked, name, &err);
  }
  const ProfileEntry *all = named ? NULL : profile_entries(asked->profile, &count, &err);
  if (!named && !all) status = print_failure(err.message);
  for (size_t i = 0; status == 0 && all && i < count; i++)
    status = put_entry(asked, &all[i], &out);
  buffer_putc(&out, '}');
  if (status == 0) {
    json_lay_out(&out, 0, SIZE_MAX);
    say(asked->world, "%s\n", buffer_text(&out));
  }
  buffer_free(&out);
  return status;
}

/* --- reset and restore ------------------------------------------------------------ */

static int reset_entry(const Asked *asked, const ProfileEntry *entry) {
  Error err;
  char *aside;
  if (profile_quarantine(asked->profile, entry, &aside, &err) != 0)
    return print_failure(err.message);
  if (aside)
    say(asked->world, "%s begins anew; what was kept is set aside as %s\n", entry->name,
        aside);
  else say(asked->world, "%s begins anew; what the cache held is removed\n", entry->name);
  free(aside);
  return 0;
}

static int restore_entry(const Asked *asked, const ProfileEntry *entry) {
  Error err;
  char *aside;
  if (profile_restore(asked->profile, entry, &aside, &err) != 0)
    return print_failure(err.message);
  char *own = xstrndup(entry->name, profile_own_name(entry->name));
  say(asked->world, "%s is back, from %s%s%s\n", own, entry->name,
      aside ? "; what was there is set aside as " : "", aside ? aside : "");
  free(own);
  free(aside);
  return 0;
}

static int restore_file(const Asked *asked, const char *name) {
  Error err;
  char *aside;
  int code = profile_restore_file(asked->folder, name, &aside, &err);
  if (code == 0)
    say(asked->world, "state.db is back, from %s%s%s\n", name,
        aside ? "; what was there is set aside as " : "", aside ? aside : "");
  free(aside);
  return code == 0 ? 0 : print_failure(err.message);
}

/* --- the command ------------------------------------------------------------------ */

typedef int EntryFn(const Asked *asked, const ProfileEntry *entry);

static int each_named(Asked *asked, EntryFn *fn) {
  int status = 0;
  for (int i = 1; i < asked->options->path_count; i++) {
    Error err;
    const char *name = asked->options->paths[i];
    const ProfileEntry *entry = profile_find(asked->profile, name, &err);
    if ((entry ? fn(asked, entry) : report_unknown(asked, name, &err)) != 0) status = 1;
  }
  return status;
}

static int need_names(const Options *options, const char *what) {
  if (options->path_count > 1) return 0;
  fprintf(stderr,
          "tidelock: data %s takes names, as `tidelock data list` prints them\n"
          "try: tidelock help\n",
          what);
  return 2;
}

static int run_action(Asked *asked, const char *what) {
  EntryFn *fn = strcmp(what, "show") == 0    ? show_entry
                : strcmp(what, "reset") == 0 ? reset_entry
                                             : restore_entry;
  const char *first = asked->options->paths[1];
  if (fn == restore_entry && strncmp(first, ASIDE_PREFIX, strlen(ASIDE_PREFIX)) == 0)
    return restore_file(asked, first);
  Error err;
  asked->profile = profile_open(asked->folder, fn != show_entry, &err);
  return asked->profile ? each_named(asked, fn) : print_failure(err.message);
}

static int run_reading(Asked *asked, bool lists) {
  Error err;
  asked->profile = profile_open(asked->folder, false, &err);
  if (!asked->profile && err.code != ERR_NOT_FOUND) {
    if (lists) list_files(asked);
    return print_failure(err.message);
  }
  if (lists) return list_entries(asked);
  if (asked->profile) return export_all(asked);
  if (asked->options->path_count > 1) return print_failure(err.message);
  say(asked->world, "{}\n");
  return 0;
}

static bool is_one_of(const char *word, const char *const *words) {
  for (; *words; words++)
    if (strcmp(word, *words) == 0) return true;
  return false;
}

static int refuse_names(void) {
  fputs("tidelock: data list takes no names: show and export do\n"
        "try: tidelock help data\n",
        stderr);
  return 2;
}

static int run_data(Asked *asked, const char *what) {
  static const char *const reading[] = {"list", "export", NULL};
  static const char *const actions[] = {"show", "restore", "reset", NULL};
  if (strcmp(what, "list") == 0 && asked->options->path_count > 1) return refuse_names();
  if (is_one_of(what, reading)) return run_reading(asked, *what == 'l');
  if (is_one_of(what, actions)) {
    int status = need_names(asked->options, what);
    return status ? status : run_action(asked, what);
  }
  static const char *const all[] = {"list", "export", "show", "restore", "reset", NULL};
  Suggestion near;
  fprintf(stderr,
          "tidelock: data knows list, show, export, restore and reset, not \"%s\"%s\n"
          "try: tidelock help data\n",
          what, suggest_among(&near, what, all));
  return 2;
}

int command_data(const Options *options, World *world) {
  char *folder;
  int status = data_path(options, &folder);
  if (status != 0) return status;
  if (!folder) return print_failure("data: with --memory nothing is kept");
  Asked asked = {.options = options, .world = world, .folder = folder};
  status = run_data(&asked, options->paths[0]);
  if (asked.profile) profile_close(asked.profile);
  free(folder);
  return status;
}
