/* See engine_pieces.h. */
#include "socket/engine_pieces.h"

#include <stdlib.h>
#include <string.h>

#include "proto/engineio.h"

enum { MOST_PACKETS = 16 };

void pieces_begin(Pieces *q) {
  *q = (Pieces){.last = &q->first};
}

Piece *pieces_put(Pieces *q, bool binary, bool alone, const char *data, size_t len) {
  Piece *piece = xmalloc(sizeof *piece + len);
  *piece = (Piece){NULL, binary, alone, 0, len};
  memcpy(piece->data, data, len);
  *q->last = piece;
  q->last = &piece->next;
  q->bytes += len;
  q->count++;
  return piece;
}

void pieces_drop_first(Pieces *q) {
  Piece *piece = q->first;
  q->first = piece->next;
  if (!q->first) q->last = &q->first;
  if (q->pong == piece) q->pong = NULL;
  q->bytes -= piece->len;
  q->count--;
  free(piece);
}

Piece *pieces_last(const Pieces *q) {
  return q->first ? CONTAINER_OF(q->last, Piece, next) : NULL;
}

size_t pieces_memory(const Pieces *q) {
  return q->count * sizeof(Piece) + q->bytes;
}

/* python-engineio refuses more than 16 packets; one that is larger alone goes alone. */
void pieces_gather(Pieces *q, Buffer *payload, size_t most, uint32_t *fence) {
  bool alone = false;
  for (int n = 0; q->first && n < MOST_PACKETS && !alone; n++) {
    Piece *piece = q->first;
    size_t more = eio_put_len(piece->binary, piece->len);
    alone = piece->alone;
    if (payload->len && (alone || (most && payload->len + more > most))) return;
    eio_put(payload, piece->binary, piece->data, piece->len);
    if (piece->fence) *fence = piece->fence;
    pieces_drop_first(q);
  }
}
