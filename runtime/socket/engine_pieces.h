/* The packets that wait to be sent by polling, in order. For the polling transport. */
#ifndef TIDELOCK_SOCKET_ENGINE_PIECES_H
#define TIDELOCK_SOCKET_ENGINE_PIECES_H

#include "core/buffer.h"

typedef struct Piece {
  struct Piece *next;
  bool binary, alone;
  uint32_t fence; /* behind it; 0: none */
  size_t len;
  char data[];
} Piece;

/* Owns them. */
typedef struct Pieces {
  Piece *first, **last;
  Piece *pong; /* one of them; NULL: none */
  size_t count, bytes;
} Pieces;

void pieces_begin(Pieces *q);
/* Copies the data. Returns the piece, which stays the queue's. */
Piece *pieces_put(Pieces *q, bool binary, bool alone, const char *data, size_t len);
void pieces_drop_first(Pieces *q);
Piece *pieces_last(const Pieces *q); /* NULL: there is none */
size_t pieces_memory(const Pieces *q);
/* Moves as many as one body of `most` bytes (0: any number) may have to the payload; the
 * last fence among them goes to *fence. */
void pieces_gather(Pieces *q, Buffer *payload, size_t most, uint32_t *fence);

#endif
