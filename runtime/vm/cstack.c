/* See cstack.h. */
#include "vm/cstack.h"

#include <lauxlib.h>
#include <pthread.h>

#include "vm/vm.h"

/* For 200 nested calls of the largest frames that call into Lua, those of gsub: 2.5 KB
 * each, several times that under the sanitizer. A deeper stack is not made use of. */
#ifdef ADDRESS_SANITIZER
enum { RESERVE = 3 << 20, DEEPEST = 32 << 20 };
#else
enum { RESERVE = 1 << 20, DEEPEST = 16 << 20 };
#endif

const char *cstack_floor(void) {
  pthread_attr_t attributes;
  void *lowest;
  size_t size;
  CHECK(pthread_getattr_np(pthread_self(), &attributes) == 0);
  CHECK(pthread_attr_getstack(&attributes, &lowest, &size) == 0);
  pthread_attr_destroy(&attributes);
  const char *top = (const char *)lowest + size;
  if (size > DEEPEST) size = DEEPEST;
  return top - size + (size / 2 < RESERVE ? size / 2 : RESERVE);
}

const char cstack_overflow[] = "C stack overflow";

void cstack_open(lua_State *L) {
  lua_pushstring(L, cstack_overflow);
  luaL_ref(L, LUA_REGISTRYINDEX);
}

bool cstack_is_low(const Host *host) {
  return (const char *)__builtin_frame_address(0) < host->stack_floor;
}

void cstack_check(lua_State *L) {
  if (cstack_is_low(vm_of(L)->host)) luaL_error(L, "%s", cstack_overflow);
}
