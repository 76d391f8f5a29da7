/* The table of published error codes, and filling error values. */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct CodeInfo {
  const char *name, *meaning;
  Severity severity;
  bool recoverable;
} CodeInfo;

static const CodeInfo codes[ERR_COUNT] = {
    [ERR_NONE] = {"NONE", "no error", SEVERITY_LOW, false},
#define X(code, severity, recoverable, text)                                             \
  [ERR_##code] = {#code, text, SEVERITY_##severity, recoverable},
    ERROR_CODES(X)
#undef X
};

static const char *const severities[] = {"low", "medium", "high", "critical"};

int error_set(Error *err, ErrorCode code, const char *fmt, ...) {
  *err = (Error){.code = code};
  va_list args;
  va_start(args, fmt);
  vsnprintf(err->message, sizeof err->message, fmt, args);
  va_end(args);
  return (int)code;
}

void error_detail(Error *err, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  vsnprintf(err->detail, sizeof err->detail, fmt, args);
  va_end(args);
}

static const CodeInfo *code_info(ErrorCode code) {
  CHECK(code < ERR_COUNT);
  return &codes[code];
}

const char *error_name(ErrorCode code) {
  return code_info(code)->name;
}

const char *error_meaning(ErrorCode code) {
  return code_info(code)->meaning;
}

const char *error_severity(ErrorCode code) {
  return severities[code_info(code)->severity];
}

bool error_recoverable(ErrorCode code) {
  return code_info(code)->recoverable;
}

const char *error_sent(Sent sent) {
  static const char *const words[] = {NULL, "no", "yes", "unknown"};
  return words[sent];
}

ErrorCode error_code(const char *name) {
  for (int i = 1; i < ERR_COUNT; i++)
    if (strcmp(codes[i].name, name) == 0) return (ErrorCode)i;
  return ERR_NONE;
}
