#!/usr/bin/env bash
# Fails for a test file that the table of tests/README.md does not name, and for a name there that
# has no file.
set -u
page=tests/README.md bad=0
names() { # as the table writes them: KIND/NAME, or the path of those that stand elsewhere
  tests/run.sh --list c fuzz lua e2e peer |
    sed -E 's|^tests/(c\|fuzz\|lua\|e2e\|peer)/|\1/|; s|\.[a-z]+$||; s|_test$||' | sort
}
named() { # in the one section that has the table
  sed -n '/^## Which files test/,/^## Rules/ s/^| [^|]* | \(`.*\) |$/\1/p' "$page" |
    grep -o '`[^`]*`' | tr -d '`' | sort
}
while read -r name; do
  echo "$page does not name the test file $name" && bad=1
done < <(comm -23 <(names) <(named | uniq))
while read -r name; do
  echo "$page names $name, which is no test file" && bad=1
done < <(comm -13 <(names) <(named | uniq))
exit $bad
