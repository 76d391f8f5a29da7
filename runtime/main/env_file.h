#ifndef TIDELOCK_MAIN_ENV_FILE_H
#define TIDELOCK_MAIN_ENV_FILE_H

/* Sets the variables of a file (NULL: none), but those that are set already. Returns 0,
 * or 2 after writing to stderr what is wrong. */
int env_file_read(const char *path);

#endif
