/* See db_aside.h. There are two steps: state.db is moved aside, and another file takes
 * its place. The plan names the files; its own name says how far that has come:
 * state.db.plan-1 until the first step is done, then state.db.plan-2, then no plan. A
 * step may be done twice: a file that was moved is not there any more. */
#include "data/db_aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base.h"
#include "core/clock.h"

static const char plan_new[] = "state.db.plan-new", own_name[] = "state.db";
static const char *const plans[] = {"state.db.plan-1", "state.db.plan-2"};
/* The files that sqlite may have beside a database come first. */
static const char *const parts[] = {"-journal", "-wal", "-shm", ""};
enum { LONGEST_PLAN = 1024 };

typedef struct Plan {
  const char *folder;
  char text[LONGEST_PLAN]; /* both names, each with a line end; "": no such step */
  const char *aside, *name;
} Plan;

static int set_error(const Plan *p, const char *what, const char *name, Error *err) {
  return error_set(err, ERR_IO, "cannot %s %.150s/%.100s: %s", what, p->folder, name,
                   strerror(errno));
}

static bool is_there(const char *folder, const char *name, const char *part) {
  char *path = xasprintf("%s/%s%s", folder, name, part);
  bool there = access(path, F_OK) == 0;
  free(path);
  return there;
}

static bool any_is_there(const char *folder, const char *name) {
  for (size_t i = 0; i < COUNT_OF(parts); i++)
    if (is_there(folder, name, parts[i])) return true;
  return false;
}

bool aside_is_one(const char *name) {
  if (strncmp(name, ASIDE_PREFIX, strlen(ASIDE_PREFIX)) != 0 || strchr(name, '/'))
    return false;
  size_t len = strlen(name);
  for (size_t i = 0; i + 1 < COUNT_OF(parts); i++) {
    size_t end = strlen(parts[i]);
    if (len > end && strcmp(name + len - end, parts[i]) == 0) return false;
  }
  return true;
}

/* --- moving ----------------------------------------------------------------------- */

static int rename_in(const char *folder, const char *from, const char *to,
                     const char *part) {
  char *a = xasprintf("%s/%s%s", folder, from, part);
  char *b = xasprintf("%s/%s%s", folder, to, part);
  int rc = rename(a, b);
  free(a);
  free(b);
  return rc;
}

/* Later operations do not reach the disk before this one. */
static void sync_folder(const char *folder) {
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

/* Moves the parts that are there; others were moved before, or never were. */
static int move_parts(const Plan *p, const char *from, const char *to, Error *err) {
  for (size_t i = 0; i < COUNT_OF(parts); i++)
    if (rename_in(p->folder, from, to, parts[i]) != 0 && errno != ENOENT)
      return set_error(p, "rename", from, err);
  sync_folder(p->folder);
  return 0;
}

/* --- the plan --------------------------------------------------------------------- */

static int write_text(const char *path, const char *text) {
  unlink(path); /* a rest of another plan */
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  ssize_t len = (ssize_t)strlen(text);
  bool good = write(fd, text, (size_t)len) == len && fsync(fd) == 0;
  int why = errno;
  if (close(fd) == 0 && good) return 0;
  if (!good) errno = why ? why : ENOSPC;
  return -1;
}

static int write_plan(const Plan *p, Error *err) {
  char *path = xasprintf("%s/%s", p->folder, plan_new);
  errno = 0;
  int code = write_text(path, p->text);
  if (code == 0) code = rename_in(p->folder, plan_new, plans[0], "");
  if (code != 0) {
    set_error(p, "write", plan_new, err);
    unlink(path);
  }
  free(path);
  if (code == 0) sync_folder(p->folder);
  return code == 0 ? 0 : ERR_IO;
}

/* A name must not lead out of the folder, or to a file of others. */
static bool is_ours(const char *name) {
  return !*name || (strncmp(name, own_name, strlen(own_name)) == 0 && !strchr(name, '/'));
}

static bool split_plan(Plan *p) {
  char *first = strchr(p->text, '\n'), *second = first ? strchr(first + 1, '\n') : NULL;
  if (!second || second[1]) return false;
  *first = *second = '\0';
  p->aside = p->text;
  p->name = first + 1;
  return is_ours(p->aside) && is_ours(p->name);
}

static int end_plan(const Plan *p, const char *file, Error *err) {
  char *path = xasprintf("%s/%s", p->folder, file);
  int rc = unlink(path);
  free(path);
  sync_folder(p->folder);
  return rc == 0 || errno == ENOENT ? 0 : set_error(p, "remove", file, err);
}

/* Whether there is a plan. One that cannot be read was never begun: it is removed. */
static bool read_plan(Plan *p, const char *file) {
  char *path = xasprintf("%s/%s", p->folder, file);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  free(path);
  if (fd < 0) return false;
  ssize_t len = read(fd, p->text, sizeof p->text - 1);
  close(fd);
  p->text[len > 0 ? len : 0] = '\0';
  if (split_plan(p)) return true;
  Error ignored;
  end_plan(p, file, &ignored);
  return false;
}

/* --- the steps -------------------------------------------------------------------- */

static int first_step(const Plan *p, Error *err) {
  int code = *p->aside ? move_parts(p, own_name, p->aside, err) : 0;
  if (code == 0 && rename_in(p->folder, plans[0], plans[1], "") != 0)
    code = set_error(p, "rename", plans[0], err);
  return code;
}

static int second_step(const Plan *p, Error *err) {
  int code = *p->name ? move_parts(p, p->name, own_name, err) : 0;
  return code == 0 ? end_plan(p, plans[1], err) : code;
}

/* After a step that failed: first the plan is renamed back, then its files. */
static bool undo_plan(const Plan *p) {
  Error ignored;
  if (is_there(p->folder, plans[1], "")) {
    if (*p->name && move_parts(p, own_name, p->name, &ignored) != 0) return false;
    if (rename_in(p->folder, plans[1], plans[0], "") != 0) return false;
  }
  if (*p->aside && move_parts(p, p->aside, own_name, &ignored) != 0) return false;
  return end_plan(p, plans[0], &ignored) == 0;
}

bool aside_pending(const char *folder) {
  return is_there(folder, plans[0], "") || is_there(folder, plans[1], "");
}

int aside_finish(const char *folder, Error *err) {
  Plan p = {.folder = folder};
  if (read_plan(&p, plans[0]) && first_step(&p, err) != 0) return (int)err->code;
  if (read_plan(&p, plans[1]) && second_step(&p, err) != 0) return (int)err->code;
  Error ignored;
  if (is_there(folder, plan_new, "")) end_plan(&p, plan_new, &ignored);
  return 0;
}

/* --- what is asked for ------------------------------------------------------------ */

/* Returns new: a name that no file has. */
static char *free_name(const char *folder) {
  char *name = xasprintf(ASIDE_PREFIX "%lld", (long long)clock_wall());
  for (int i = 1; any_is_there(folder, name); i++) {
    free(name);
    name = xasprintf(ASIDE_PREFIX "%lld.%d", (long long)clock_wall(), i);
  }
  return name;
}

static int carry_out(Plan *p, Error *err) {
  if (write_plan(p, err) != 0) return (int)err->code;
  CHECK(split_plan(p));
  if (first_step(p, err) == 0 && second_step(p, err) == 0) return 0;
  if (undo_plan(p)) return (int)err->code;
  Error why = *err;
  return error_set(err, ERR_IO, "%.300s; it was begun, and is finished at the next start",
                   why.message);
}

int aside_move(const char *folder, const char *name, char **aside, Error *err) {
  Plan p = {.folder = folder};
  *aside = any_is_there(folder, own_name) ? free_name(folder) : NULL;
  int len =
      snprintf(p.text, sizeof p.text, "%s\n%s\n", *aside ? *aside : "", name ? name : "");
  int code = len < LONGEST_PLAN ? carry_out(&p, err)
                                : error_set(err, ERR_INVALID, "the name is too long");
  if (code == 0) return 0;
  free(*aside);
  *aside = NULL;
  return code;
}

char *aside_new_name(const char *name) {
  long long now = clock_micros();
  return xasprintf("%s~broken-%lld.%06lld", name, now / 1000000, now % 1000000);
}
