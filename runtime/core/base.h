/* The few things every file needs: checks for impossible state, allocation that cannot
 * fail, and the containing struct of an embedded member. */
#ifndef TIDELOCK_CORE_BASE_H
#define TIDELOCK_CORE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Aborts with file and line when a state that cannot happen has happened. */
#define CHECK(cond) ((cond) ? (void)0 : check_failed(#cond, __FILE__, __LINE__))
_Noreturn void check_failed(const char *what, const char *file, int line);

/* Whether this is built with the address sanitizer, as gcc says it and as clang does. */
#ifdef __SANITIZE_ADDRESS__
#define ADDRESS_SANITIZER
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER
#endif
#endif

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* Return new memory, owned by the caller, released with free(). When the system has none,
 * they free the reserve and set memory_is_short; when that is used up too, they abort. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *text);              /* NULL gives NULL */
char *xstrndup(const char *text, size_t len); /* adds the final NUL */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The reserve: memory kept for the moment when the system has none left, so that running
 * scripts go on while a load that has begun is given up. Any thread. */
void memory_reserve(void);  /* allocates it, unless it is there or cannot be had */
bool memory_is_short(void); /* the reserve was freed and not allocated again */
void memory_reserve_free(void);
/* Whether the system has so many bytes: a large block is tried, and freed. */
bool memory_has(size_t bytes);
/* The same, but true for a few bytes: for work that cannot be given up without harm. */
bool memory_has_much(size_t bytes);

#endif
