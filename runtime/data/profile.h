/* The contents of a profile, for the command line: list, show, quarantine, restore. With
 * a connection of its own and no loop. Reading takes no lock, so that a process may use
 * the profile meanwhile; changing takes it. One thread. */
#ifndef TIDELOCK_DATA_PROFILE_H
#define TIDELOCK_DATA_PROFILE_H

#include "core/buffer.h"
#include "core/error.h"

typedef struct Profile Profile;

typedef struct ProfileEntry {
  char *name;      /* "script:store", or of script.keep the script's; ~broken-TIME behind
                      what is quarantined. "script:cache" of a cache */
  bool keep, part; /* part: of a store, a branch that could not be read */
  bool cache;
  int64_t version, bytes; /* version: of a cache the number of its entries */
} ProfileEntry;

/* Returns new, or NULL: NOT_FOUND (nothing is kept), BUSY (with who has it), IO. */
Profile *profile_open(const char *folder, bool writes, Error *err);
void profile_close(Profile *profile);
/* All entries, by name; borrowed from the profile. NULL: *err. */
const ProfileEntry *profile_entries(Profile *profile, size_t *count, Error *err);
/* "cache:" before the name finds a cache that is named as a store is. */
const ProfileEntry *profile_find(Profile *profile, const char *name, Error *err);

/* Appends the state: a store's as JSON, a cache's as a list of its entries, script.keep
 * as bytes (bridge/pack.h). */
int profile_state(Profile *profile, const ProfileEntry *entry, Buffer *out, Error *err);
/* Gives it another name, which *aside is then: new. Messages say "set aside". What a
 * cache holds is removed: *aside is NULL. */
int profile_quarantine(Profile *profile, const ProfileEntry *entry, char **aside,
                       Error *err);
/* What is quarantined gets its name back; what has that name is quarantined: *aside is
 * its new name, or NULL. INVALID: it was not quarantined, or is a part. */
int profile_restore(Profile *profile, const ProfileEntry *entry, char **aside,
                    Error *err);
/* A whole file that is quarantined (state.db.broken-TIME) is the database again; the one
 * that is there is quarantined: *aside is its name, new, or NULL. NOT_FOUND, BUSY, IO. */
int profile_restore_file(const char *folder, const char *name, char **aside, Error *err);
/* The length of the name before ~broken-, or of all of it. */
size_t profile_own_name(const char *name);

#endif
