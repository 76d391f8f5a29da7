/* One hash over all: device, inode, size, times. Which of them changed does not matter:
 * the content decides then. */
#include "sources/stamps.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void add_path(Stamps *stamps, char *path) {
  stamps->paths = xrealloc(stamps->paths, (stamps->count + 1) * sizeof *stamps->paths);
  stamps->paths[stamps->count++] = path;
}

void stamps_add(Stamps *stamps, const char *path) {
  add_path(stamps, xstrdup(path));
}

static void drop_paths(Stamps *stamps) {
  for (size_t i = 0; i < stamps->count; i++) free(stamps->paths[i]);
  free(stamps->paths);
  stamps->paths = NULL;
  stamps->count = 0;
}

void stamps_join(Stamps *stamps, const WatchPoints *points, const Sources *sources) {
  for (size_t i = 0; i < points->count; i++) {
    const WatchPoint *point = &points->list[i];
    add_path(stamps, point->name ? xasprintf("%s/%s", point->dir, point->name)
                                 : xstrdup(point->dir));
  }
  for (size_t i = 0; sources && i < sources->count; i++)
    add_path(stamps, xstrdup(sources->files[i].path));
}

void stamps_set(Stamps *stamps, const WatchPoints *points, const Sources *sources) {
  drop_paths(stamps);
  stamps_join(stamps, points, sources);
}

static uint64_t mix_hash(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
  return hash ^ hash >> 32;
}

static uint64_t stamp_of(uint64_t hash, const char *path) {
  struct stat st;
  if (stat(path, &st) != 0) return mix_hash(hash, 1);
  hash = mix_hash(mix_hash(hash, st.st_dev), st.st_ino);
  hash = mix_hash(mix_hash(hash, (uint64_t)st.st_size), (uint64_t)st.st_mtim.tv_sec);
  hash =
      mix_hash(mix_hash(hash, (uint64_t)st.st_mtim.tv_nsec), (uint64_t)st.st_ctim.tv_sec);
  return mix_hash(hash, (uint64_t)st.st_ctim.tv_nsec);
}

bool stamps_changed(Stamps *stamps) {
  uint64_t before = stamps->stamp;
  stamps->stamp = 0;
  for (size_t i = 0; i < stamps->count; i++)
    stamps->stamp = stamp_of(stamps->stamp, stamps->paths[i]);
  return stamps->stamp != before;
}

void stamps_free(Stamps *stamps) {
  drop_paths(stamps);
  stamps->stamp = 0;
}
