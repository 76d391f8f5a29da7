#!/usr/bin/env bash
# tests/check/layers.sh and counts.sh, on a tree of a few files made for it.
. "$(dirname "$0")/helpers.bash"
mkdir -p "$TMPDIR/tree" && cd "$TMPDIR/tree" || exit 1
file() { mkdir -p "runtime/${1%/*}" && cat >"runtime/$1"; } # FOLDER/NAME: from standard input
layers() {
  seen=$("$ROOT/tests/check/layers.sh" "$@" 2>&1 | grep -v '(warning)$')
  status=${PIPESTATUS[0]}
}
layers_hold() { layers && [ -z "$seen" ]; }

file core/low.h <<<'int low(void);'
printf '#include "core/low.h"\nint low(void) { return 1; }\n' | file core/low.c
file script/high.h <<<'int high(void);'
printf '#include "script/high.h"\n#include "core/low.h"\nint high(void) {\n  return low();\n}\n' | file script/high.c
check "a use of a folder below is none of its business" layers_hold

printf '#include "core/low.h"\nint high(void); /* low */\nint low(void) {\n  return high();\n}\n' | file core/low.c
layers
check "a call upwards is found, whatever declares it" has "core/low uses script/high, above it (uses high)"
printf '#include "core/low.h"\n#include "script/high.h"\nint low(void) { return 1; }\n' | file core/low.c
layers
check "so is an include" has "core/low uses script/high, above it (runtime/core/low.c:2)"
printf '#include "core/low.h"\n#include <script/high.h>\nint low(void) { return 1; }\n' | file core/low.c
layers
check "a file of ours is not included as a library's" has 'write it as "script/high.h"'
printf '#include "core/low.h"\nint low(void) { return 1; } /* high(), "high()" */\n' | file core/low.c
check "words in comments and texts are no calls" layers_hold

file net/beside.h <<<'typedef int Beside;'
file data/user.h <<<'#include "net/beside.h"'
layers
check "a folder beside is not to be used" has "data/user uses net/beside, beside it"
file data/user.h <<<'#include <curl/curl.h>'
layers
check "a library belongs to its folders" has "data may not include <curl/curl.h>"
rm -r runtime/data

file core/other.h <<<'int other(void);'
printf '#include "core/other.h"\n#include "core/low.h"\nint other(void) { return low(); }\n' | file core/other.c
check "a file of the same folder may be used" layers_hold
printf '#include "core/low.h"\n#include "core/other.h"\nint low(void) { return other(); }\n' | file core/low.c
layers
check "but not in a circle" has "a circle: core/low, core/other"
check "which is shown with an arrow that closes it" has "opened without core/other -> core/low (runtime/core/other.c:2; uses low)"

rm runtime/core/other.[ch]
printf '#include "core/low.h"\nint low(void) { return 1; }\n' | file core/low.c
file core/fam.h <<<'typedef int Fam;'
file core/fam_parts.h <<<'#include "core/fam.h"'
printf '#include "core/fam_parts.h"\nint fam(void) { return 1; }\n' | file core/fam.c
check "the types of a family are no circle with it" layers_hold
file core/parts.h <<<'#include "core/fam.h"'
printf '#include "core/parts.h"\nint fam(void) { return 1; }\n' | file core/fam.c
check "nor are those of a folder" layers_hold
rm runtime/core/*
file core/low.h <<<'int low(void);'
file core/other.h <<<'int other(void);'
printf '#include "core/other.h"\n#include "core/low.h"\nint other(void) { return low(); }\n' | file core/other.c
printf '#include "core/low.h"\n#include "core/other.h"\nint low(void) { return other(); }\n' | file core/low.c

seen=$("$ROOT/tests/check/counts.sh" --list)
check "the figures count it" in_order "upward arrows between folders:    0" "upward arrows inside folders:     1" \
  "circles of files:" "core/low, core/other"
check "and one-word statics and files without a test" in_order "static functions of one word:     0 of 0" "0 of 0 with logic"
file script/other.h <<<'static inline int one(void) { return 1; }'
printf 'static int one(int a) {\n  return a ? 1 : 2;\n}\nstatic int two_words(int told) {\n  return one(told);\n}\n' | file script/words.c
seen=$("$ROOT/tests/check/counts.sh" --list)
check "by their names" in_order "static functions of one word:     1 of 2, 50.0 % (script 1)" "script/words.c:1: one" \
  '"told", "tell":                   2' "0 of 1 with logic" runtime/script/words.c

file attic/new.h <<<''
layers
check "a folder on no floor is refused" has "no such folder: attic"
exit $bad
