/* A loop, a queue and a folder for the tests of files that are read and written piece by
 * piece. A callback says that something is over; the test waits for it. */
#ifndef TIDELOCK_TESTS_FILE_ENV_H
#define TIDELOCK_TESTS_FILE_ENV_H

#include "folder_env.h"

#include <dirent.h>
#include <fcntl.h>

#include "data/file_reader.h"

typedef struct FileEnv {
  FilePlace place;
  FileQueue queue;
  bool over;
  Error err; /* of what is over; no code: it went well */
  char text[64];
  size_t len; /* of the piece */
} FileEnv;

static inline void file_env_open(FileEnv *env) {
  *env = (FileEnv){.place = {.queue = &env->queue,
                             .loop = loop_new(log_new(stderr, LOG_OFF, LOG_TEXT)),
                             .charge = charge_new(1 << 30),
                             .folder = open(".", O_PATH | O_DIRECTORY)}};
}

static inline void file_env_close(FileEnv *env) {
  Log *log = loop_log(env->place.loop);
  loop_finish(env->place.loop);
  loop_free(env->place.loop);
  log_free(log);
  assert_int_equal(charge_used(env->place.charge), 0);
  charge_unref(env->place.charge);
  close(env->place.folder);
}

static inline void file_env_end(void *ctx, const Error *err) {
  FileEnv *env = ctx;
  env->over = true;
  env->err = err ? *err : (Error){0};
  loop_stop(env->place.loop);
}

static inline void file_env_piece(void *ctx, const char *bytes, size_t len,
                                  const Error *err) {
  FileEnv *env = ctx;
  size_t shown = len < sizeof env->text ? len : sizeof env->text - 1;
  memcpy(env->text, bytes, shown);
  env->text[shown] = '\0';
  env->len = len;
  file_env_end(ctx, err);
}

/* Until a callback came; returns the code of its error. */
static inline int file_env_wait(FileEnv *env) {
  env->over = false;
  while (!env->over) loop_run(env->place.loop, NULL, NULL);
  return (int)env->err.code;
}

/* The one that is opened next: it is the same again when all are closed. */
static inline int lowest_descriptor(void) {
  int fd = open("/", O_RDONLY);
  close(fd);
  return fd;
}

static inline int count_names(void) {
  int count = 0;
  DIR *dir = opendir(".");
  while (readdir(dir)) count++;
  closedir(dir);
  return count - 2;
}

#endif
