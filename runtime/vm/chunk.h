/* A compiled Lua chunk, read back from the output of lua_dump: the parts that show which
 * globals a text names. Plain memory; any thread. */
#ifndef TIDELOCK_VM_CHUNK_H
#define TIDELOCK_VM_CHUNK_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ChunkUpvalue {
  bool in_stack; /* a local variable of the function around it; else an upvalue of that */
  uint8_t index;
} ChunkUpvalue;

typedef struct ChunkFunction ChunkFunction;
struct ChunkFunction {
  uint32_t *code;
  int *lines; /* of each instruction */
  size_t code_count;
  char **strings; /* the constants; NULL: one that is no string */
  size_t string_count;
  ChunkUpvalue *upvalues;
  size_t upvalue_count;
  ChunkFunction *functions; /* defined in it */
  size_t function_count;
};

/* Of the function on top of the stack, which stays. Returns new, or NULL when this Lua
 * writes chunks in another way. */
ChunkFunction *chunk_read(lua_State *L);
void chunk_free(ChunkFunction *main);

#endif
