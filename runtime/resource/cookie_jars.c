/* See cookie_jars.h. */
#include "resource/cookie_jars.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "data/kept.h"
#include "net/cookie_file.h"
#include "resource/resource.h"
#include "resource/stores.h"

enum { FORMAT = 1, MOST_KEPT = 4 * COOKIES_MAX_BYTES };

struct CookieJar {
  CookieJar *next;
  Owner *owner;
  char *name;
  Cookies *cookies;
  size_t held; /* charged */
  Kept *kept;  /* NULL: it is in memory alone */
  bool asked;  /* to be kept, whatever became of that */
};

static void write_jar(CookieJar *jar) {
  Buffer text = {0};
  if (!jar->kept) return;
  cookie_file_write(jar->cookies, &text, clock_wall());
  kept_write(jar->kept, &text, FORMAT);
}

static void on_change(void *ctx) {
  CookieJar *jar = ctx;
  charge_set(jar->owner->charge, &jar->held, cookies_bytes(jar->cookies));
  write_jar(jar);
}

static CookieJar *find_jar(const Owner *owner, const char *name, size_t *count) {
  CookieJar *found = NULL;
  *count = 0;
  for (CookieJar *jar = owner->host->resources->jars; jar; jar = jar->next) {
    if (jar->owner != owner) continue;
    ++*count;
    if (strcmp(jar->name, name) == 0) found = jar;
  }
  return found;
}

static CookieJar *make_jar(Owner *owner, const char *name) {
  Resources *resources = owner->host->resources;
  CookieJar *jar = xcalloc(1, sizeof *jar);
  *jar = (CookieJar){.next = resources->jars,
                     .owner = owner,
                     .name = xstrdup(name),
                     .cookies = cookies_new()};
  cookies_on_change(jar->cookies, on_change, jar);
  resources->jars = jar;
  return jar;
}

static void tell(const CookieJar *jar, const char *what, const char *why) {
  log_write(jar->owner->host->log, LOG_WARN, jar->owner->name, "the cookies %s: %s%s%s",
            jar->name, what, *why ? ": " : "", why);
}

static void read_kept(CookieJar *jar, const Buffer *text, int64_t version) {
  size_t wrong = 0;
  double now = clock_wall();
  if (version == FORMAT)
    wrong = cookie_file_read(jar->cookies, text->data, text->len, now);
  if (version > FORMAT) tell(jar, "what is kept is of a newer version, and not used", "");
  if (wrong) tell(jar, "what is kept cannot be read as a whole; the rest is used", "");
  charge_set(jar->owner->charge, &jar->held, cookies_bytes(jar->cookies));
}

/* Without the disk they are in memory alone. */
static void keep_jar(CookieJar *jar) {
  static const KeptTable table = {"cookies", "of the cookies"};
  Host *host = jar->owner->host;
  Buffer text = {0};
  int64_t version;
  Error err = {0};
  jar->asked = true;
  if (!host->resources->data || host->resources->check_only) return;
  Db *db = stores_db(host, &err);
  char *name = xasprintf("%s:%s", jar->owner->name, jar->name);
  if (db) jar->kept = kept_open(db, &table, name, MOST_KEPT, &text, &version, &err);
  if (!jar->kept) tell(jar, "they are not kept", err.message);
  else if (err.code) tell(jar, "they begin anew", err.message);
  if (jar->kept) read_kept(jar, &text, version);
  buffer_free(&text);
  free(name);
}

Cookies *cookie_jar(Owner *owner, const char *name, bool persist, Error *err) {
  size_t count;
  CookieJar *jar = find_jar(owner, name, &count);
  if (!jar && count >= COOKIE_JARS_MOST) {
    error_set(err, ERR_TOO_LARGE, "the script has %d jars of cookies: no more are made",
              COOKIE_JARS_MOST);
    return NULL;
  }
  if (!jar) jar = make_jar(owner, name);
  if (persist && !jar->asked) {
    keep_jar(jar);
    if (cookies_count(jar->cookies)) write_jar(jar);
  }
  return jar->cookies;
}

void cookie_jar_clear(Owner *owner, Cookies *cookies) {
  for (CookieJar *jar = owner->host->resources->jars; jar; jar = jar->next) {
    if (jar->cookies != cookies) continue;
    cookies_clear(cookies);
    on_change(jar);
  }
}

static void free_jar(CookieJar *jar) {
  charge_set(jar->owner->charge, &jar->held, 0);
  if (jar->kept) kept_close(jar->kept);
  cookies_free(jar->cookies);
  free(jar->name);
  free(jar);
}

void cookie_jars_forget(Host *host, const Owner *owner) {
  for (CookieJar **at = &host->resources->jars; *at;) {
    CookieJar *jar = *at;
    if (owner && jar->owner != owner) {
      at = &jar->next;
      continue;
    }
    *at = jar->next;
    free_jar(jar);
  }
}
