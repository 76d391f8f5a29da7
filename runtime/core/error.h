/* Error values and the one published list of codes. An Error is a plain value: copied
 * freely, nothing to release. Lua sees it as the table described in the design. */
#ifndef TIDELOCK_CORE_ERROR_H
#define TIDELOCK_CORE_ERROR_H

#include "core/base.h"

typedef enum Severity {
  SEVERITY_LOW,
  SEVERITY_MEDIUM,
  SEVERITY_HIGH,
  SEVERITY_CRITICAL
} Severity;

/* CODE, severity, recoverable (by trying again later), what it means */
#define ERROR_CODES(X)                                                                   \
  X(CANCELLED, LOW, false,                                                               \
    "the task that waited was cancelled, or its script went away")                       \
  X(RELOADED, LOW, false,                                                                \
    "a newer generation of the script has replaced this one, whose grace is over")       \
  X(INVALID, MEDIUM, false, "a value does not have the shape that was asked for")        \
  X(NOT_CONNECTED, MEDIUM, true, "there is no connection, and none was waited for")      \
  X(BUFFER_FULL, MEDIUM, true, "too much is waiting to be sent")                         \
  X(BACKPRESSURE, MEDIUM, true,                                                          \
    "the other side takes less than it is sent: wait, and send again")                   \
  X(EXPIRED, MEDIUM, true, "it waited to be sent for longer than it may")                \
  X(TIMEOUT, MEDIUM, true, "no answer in time; `phase` says to what")                    \
  X(DNS, HIGH, true, "the name of the host could not be resolved")                       \
  X(CONNECT, HIGH, true, "no connection to the host: refused or unreachable")            \
  X(PROXY, HIGH, true, "the proxy could not be reached, or refused")                     \
  X(TLS, HIGH, false,                                                                    \
    "the secure connection could not be made: certificate, name or protocol")            \
  X(RESET, HIGH, true, "the connection broke while it was in use")                       \
  X(ABORTED, LOW, true, "this side gave the operation up")                               \
  X(HTTP, MEDIUM, false, "the server answered with a status that was not expected")      \
  X(HANDSHAKE, HIGH, true,                                                               \
    "the server did not agree to the protocol that was asked for")                       \
  X(PROTOCOL, HIGH, true, "the other side broke the rules of the protocol")              \
  X(REJECTED, HIGH, false, "the server refused: its message says why")                   \
  X(DENIED, HIGH, false, "the operator has not allowed it: the message has the option")  \
  X(CLOSED, MEDIUM, true, "the connection was closed")                                   \
  X(DECODE, MEDIUM, false, "text or a value could not be decoded or encoded")            \
  X(TOO_LARGE, MEDIUM, false, "larger than the limit allows")                            \
  X(URL, MEDIUM, false, "the URL cannot be used")                                        \
  X(NOT_FOUND, MEDIUM, false, "there is nothing of that name")                           \
  X(BUSY, MEDIUM, true, "something else has it: a port, a name, an input")               \
  X(IO, HIGH, true, "the system refused to read or write")                               \
  X(CPU_LIMIT, HIGH, false, "the code ran for too long without waiting")                 \
  X(MEMORY, HIGH, false, "the script used more memory than it may")                      \
  X(SCRIPT, HIGH, false, "a script failed: the message carries its traceback")           \
  X(UNAVAILABLE, MEDIUM, true,                                                           \
    "too many calls to this server have failed: none is made")                           \
  X(UNSUPPORTED, MEDIUM, false, "known, but not to be had here")                         \
  X(TEST_CLOCK, MEDIUM, false,                                                           \
    "a test's clock stands: connections lead to fake servers only")                      \
  X(INTERNAL, CRITICAL, false, "a defect of Tidelock itself: please report it")

typedef enum ErrorCode {
  ERR_NONE = 0,
#define X(code, severity, recoverable, text) ERR_##code,
  ERROR_CODES(X)
#undef X
      ERR_COUNT
} ErrorCode;

/* Whether the request reached the server, as far as is known: a request that did not may
 * be sent again. */
typedef enum Sent { SENT_NOT_APPLICABLE, SENT_NO, SENT_YES, SENT_UNKNOWN } Sent;

typedef struct Error {
  ErrorCode code; /* ERR_NONE: no error */
  Sent sent;      /* for requests */
  const char
      *phase; /* for TIMEOUT: "dns", "connect", "tls", "response", ...; static text */
  double retry_after; /* seconds the server asked for; 0: it did not */
  char message[320];  /* what happened, where, what to do; one line, for developers */
  char detail[320];   /* the library's or server's own words; may be empty */
} Error;

/* Fills *err (never NULL) and returns the code, so that `return error_set(...)` reads
 * well. */
int error_set(Error *err, ErrorCode code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void error_detail(Error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

const char *error_name(ErrorCode code);     /* "TIMEOUT"; static */
const char *error_meaning(ErrorCode code);  /* one line; static */
const char *error_severity(ErrorCode code); /* "low" | "medium" | "high" | "critical" */
bool error_recoverable(ErrorCode code);
const char *error_sent(Sent sent);      /* "no" | "yes" | "unknown" | NULL */
ErrorCode error_code(const char *name); /* ERR_NONE when there is no such code */

#endif
