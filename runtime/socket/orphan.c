#include "socket/orphan.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

Orphan *orphan_find(const Orphans *all, const char *nsp, size_t len) {
  IndexNode *node = index_first(&all->index, hash_bytes(HASH_START, nsp, len));
  for (; node; node = index_next(node)) {
    Orphan *orphan = CONTAINER_OF(node, Orphan, node);
    if (strlen(orphan->nsp) == len && memcmp(orphan->nsp, nsp, len) == 0) return orphan;
  }
  return NULL;
}

Orphan *orphan_of(Orphans *all, const char *nsp) {
  size_t len = strlen(nsp);
  Orphan *orphan = orphan_find(all, nsp, len);
  if (orphan) return orphan;
  orphan = xmalloc(sizeof *orphan + len + 1);
  *orphan = (Orphan){.next = all->all, .phase = ORPHAN_ASKED};
  memcpy(orphan->nsp, nsp, len + 1);
  all->all = orphan;
  index_add(&all->index, &orphan->node, hash_bytes(HASH_START, nsp, len));
  return orphan;
}

static void take_out(Orphan *orphan) {
  OrphanQueue *queue = orphan->in;
  if (!queue) return;
  if (orphan->before) orphan->before->behind = orphan->behind;
  else queue->first = orphan->behind;
  if (orphan->behind) orphan->behind->before = orphan->before;
  else queue->last = orphan->before;
  orphan->in = NULL;
}

static void append_orphan(OrphanQueue *queue, Orphan *orphan) {
  orphan->in = queue;
  orphan->behind = NULL;
  orphan->before = queue->last;
  if (queue->last) queue->last->behind = orphan;
  else queue->first = orphan;
  queue->last = orphan;
}

void orphan_set(Orphans *all, Orphan *orphan, OrphanPhase phase, uint32_t fence) {
  take_out(orphan);
  orphan->phase = phase;
  orphan->fence = fence;
  if (phase == ORPHAN_ANSWERED) append_orphan(&all->answered, orphan);
  if (phase == ORPHAN_TAKING || phase == ORPHAN_ENDING)
    append_orphan(&all->fenced, orphan);
}

void orphans_free(Orphans *all) {
  while (all->all) {
    Orphan *orphan = all->all;
    all->all = orphan->next;
    free(orphan);
  }
  index_free(&all->index);
  *all = (Orphans){0};
}
