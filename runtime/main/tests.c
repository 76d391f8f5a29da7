/* tidelock test: each *_test.lua is a script of its own, in a runtime of its own. With
 * --watch they run again whenever one of them, or a file that they can require, was
 * saved. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/suggest.h"
#include "main/commands.h"
#include "script/runtime.h"
#include "script/script.h"
#include "sources/stamps.h"
#include "sources/watch_points.h"

typedef struct SeenFolder {
  dev_t device;
  ino_t inode;
} SeenFolder;

typedef struct Tests {
  const Options *options;
  World *world;
  char **files; /* owned, as are its strings */
  size_t count;
  SeenFolder *seen; /* folders looked into: a link that leads up ends there; owned */
  size_t seen_count, entries; /* how many of both were looked at below one path */
  const char *too_much;       /* why looking below it ended; static; NULL: all was seen */
  Stamps stamps;              /* of all that a run depends on; only with --watch */
  bool too_deep;              /* a folder was not looked into */
  int passed, failed;
  Suggestion meant; /* a test's name, for an --only that fits none */
} Tests;

/* --- looking for files ------------------------------------------------------------ */

enum { DEEPEST = 16, MOST_FOLDERS = 4000, MOST_ENTRIES = 100000 };

static bool is_test(const char *name) {
  size_t len = strlen(name);
  return len > 9 && strcmp(name + len - 9, "_test.lua") == 0;
}

static int is_visible(const struct dirent *entry) {
  return entry->d_name[0] != '.' && strcmp(entry->d_name, "node_modules") != 0;
}

/* Takes path. */
static void add_file(Tests *tests, char *path) {
  tests->files = xrealloc(tests->files, (tests->count + 1) * sizeof *tests->files);
  tests->files[tests->count++] = path;
}

static bool is_folder(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A link to a folder in which it lies has nothing new; one to "/" would have the whole
 * machine. */
static bool leads_up(const char *folder, const char *path) {
  struct stat link, st;
  return lstat(path, &link) == 0 && S_ISLNK(link.st_mode) && stat(path, &st) == 0 &&
         watch_points_lie_below(folder, &st);
}

/* Whether there is more than anybody means: how much is bounded, for the time it takes.
 */
static bool is_too_much(Tests *tests, int count) {
  tests->entries += count > 0 ? (size_t)count : 0;
  if (tests->seen_count > MOST_FOLDERS)
    tests->too_much = "there are more than 4000 folders";
  else if (tests->entries > MOST_ENTRIES)
    tests->too_much = "there are more than 100000 files";
  return tests->too_much != NULL;
}

static bool is_seen(Tests *tests, const char *folder) {
  struct stat st;
  if (stat(folder, &st) != 0) return true;
  for (size_t i = 0; i < tests->seen_count; i++)
    if (tests->seen[i].device == st.st_dev && tests->seen[i].inode == st.st_ino)
      return true;
  tests->seen = xrealloc(tests->seen, (tests->seen_count + 1) * sizeof *tests->seen);
  tests->seen[tests->seen_count++] = (SeenFolder){st.st_dev, st.st_ino};
  return false;
}

/* Once for a path that was given. */
static void report_deep(Tests *tests, const char *folder) {
  if (!tests->too_deep)
    log_write(tests->world->log, LOG_WARN, "tidelock",
              "folders are nested more than %d deep: no tests are looked for in %s",
              DEEPEST, folder);
  tests->too_deep = true;
}

static void look_into(Tests *tests, const char *folder, int depth);

/* Takes path. */
static void look_at(Tests *tests, const char *folder, char *path, bool folders,
                    int depth) {
  bool deeper = is_folder(path);
  if (folders && deeper && !leads_up(folder, path)) look_into(tests, path, depth + 1);
  if (!folders && !deeper && is_test(path)) add_file(tests, xstrdup(path));
  free(path);
}

/* The tests of a folder stand before those of the folders in it. */
static void look_into(Tests *tests, const char *folder, int depth) {
  if (depth > DEEPEST) {
    report_deep(tests, folder);
    return;
  }
  if (tests->too_much || is_seen(tests, folder)) return;
  struct dirent **entries;
  int count = scandir(folder, &entries, is_visible, alphasort);
  bool enough = is_too_much(tests, count);
  if (tests->options->watch) stamps_add(&tests->stamps, folder);
  for (int folders = 0; folders <= 1; folders++)
    for (int i = 0; i < count && !enough; i++)
      look_at(tests, folder, xasprintf("%s/%s", folder, entries[i]->d_name), folders,
              depth);
  for (int i = 0; i < count; i++) free(entries[i]);
  if (count >= 0) free(entries);
}

/* What was found below a path of which not all was seen is not run: it would pass for
 * all. */
static void drop_files(Tests *tests, size_t count) {
  while (tests->count > count) free(tests->files[--tests->count]);
}

static void look_for(Tests *tests, const char *path) {
  tests->seen_count = tests->entries = 0;
  tests->too_much = NULL;
  tests->too_deep = false;
  size_t before = tests->count, len = strlen(path);
  while (len > 1 && path[len - 1] == '/') len--;
  char *clean = xstrndup(path, len);
  if (is_folder(clean)) look_into(tests, clean, 0);
  else add_file(tests, xstrdup(clean));
  free(clean);
  if (tests->too_much) drop_files(tests, before);
  if (tests->count > before) return;
  if (tests->too_much)
    say(tests->world, "not ok %s: %s below it: name the folder of the tests\n", path,
        tests->too_much);
  else
    say(tests->world, "not ok %s: no *_test.lua there, nor in the folders below\n", path);
  tests->failed++;
}

static void forget_files(Tests *tests) {
  for (size_t i = 0; i < tests->count; i++) free(tests->files[i]);
  free(tests->files);
  free(tests->seen);
  tests->files = NULL;
  tests->seen = NULL;
  tests->count = tests->seen_count = 0;
}

/* --- running ---------------------------------------------------------------------- */

/* Why a file failed though none of its tests did. Returns new, or NULL: it did not. */
static char *failed_whole(const TestRun *run, int status, bool only) {
  if (run->passed < run->planned && run->name)
    return xasprintf("it ended while \"%s\" ran", run->name);
  if (run->failed > 0) return NULL;
  if (run->passed < run->planned) return xstrdup("it ended before its last test");
  if (run->uncaught) return xasprintf("when its tests were over: %s", run->uncaught);
  if (status != 0) return xstrdup("it failed as a whole");
  return run->passed > 0 || only ? NULL : xstrdup("it has no tests");
}

static void run_file(Tests *tests, const char *path) {
  say(tests->world, "# %s\n", path);
  const char *only = tests->options->only;
  Runtime *rt = make_runtime(
      tests->options, tests->world,
      (RuntimeOptions){.tests_only = true, .only = only, .meant = &tests->meant});
  Error err;
  int status = 1;
  if (script_add(rt, NULL, path, tests->options->args, &err)) status = runtime_run(rt);
  else log_write(tests->world->log, LOG_ERROR, "tidelock", "%s", err.message);
  const TestRun *run = runtime_tests(rt);
  tests->passed += run->passed;
  tests->failed += run->failed;
  char *why = failed_whole(run, status, only);
  if (why) {
    say(tests->world, "not ok %s: %s\n", path, why);
    tests->failed++;
  }
  free(why);
  runtime_free(rt);
}

static void report_no_match(Tests *tests) {
  const char *only = tests->options->only;
  if (!only || tests->passed || tests->failed) return;
  char *line = xasprintf("tidelock: no test has a name like \"%s\"%s\n", only,
                         suggest_text(&tests->meant));
  World *world = tests->world;
  output_print(world->output, STDERR_FILENO, &world->said, line, strlen(line));
  free(line);
}

static void report_unused(const Tests *tests) {
  const ScriptFolders *unused = folders_unused(&tests->world->folders);
  if (unused)
    log_write(tests->world->log, LOG_WARN, "tidelock",
              "--allow: no file of tests is called \"%s\"", unused->script);
}

static void find_all(Tests *tests) {
  tests->passed = tests->failed = 0;
  for (int i = 0; i < tests->options->path_count; i++)
    look_for(tests, tests->options->paths[i]);
}

static void run_all(Tests *tests) {
  suggest_begin(&tests->meant, tests->options->only ? tests->options->only : "");
  for (size_t i = 0; i < tests->count; i++) run_file(tests, tests->files[i]);
  report_no_match(tests);
  report_unused(tests);
  say(tests->world, "%d passed, %d failed\n", tests->passed, tests->failed);
}

/* --- watching --------------------------------------------------------------------- */

enum { LOOK_MS = 100, HELD_STILL_MS = 30 };

/* What a test can require counts too. It is noted before the run: a save during the run
 * is seen after it. */
static void note_sources(Stamps *stamps, const char *path) {
  Error err;
  Sources *sources = sources_read(path, &err);
  stamps_add(stamps, path);
  if (sources) stamps_join(stamps, &sources->points, sources);
  sources_free(sources);
}

static void note_all(Tests *tests) {
  for (size_t i = 0; i < tests->count; i++) note_sources(&tests->stamps, tests->files[i]);
  stamps_changed(&tests->stamps);
}

/* Returns once something was saved and nothing more comes. */
static void wait_for_save(Tests *tests) {
  while (!stamps_changed(&tests->stamps)) usleep(LOOK_MS * 1000);
  do usleep(HELD_STILL_MS * 1000);
  while (stamps_changed(&tests->stamps));
}

static void run_for_ever(Tests *tests) {
  for (;;) {
    stamps_free(&tests->stamps);
    find_all(tests);
    note_all(tests);
    run_all(tests);
    forget_files(tests);
    wait_for_save(tests);
    say(tests->world, "\n# saved: again\n");
  }
}

int command_test(const Options *options, World *world) {
  Tests tests = {.options = options, .world = world};
  if (options->watch) run_for_ever(&tests);
  find_all(&tests);
  run_all(&tests);
  forget_files(&tests);
  return tests.failed || tests.passed == 0;
}
