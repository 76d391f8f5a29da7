#!/usr/bin/env bash
# Each command with each option of every other: one that it does not have is refused with the
# commands that have it, and so is one that is given twice. What a command has, its help lists.
. "$(dirname "$0")/helpers.bash"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
echo 'print "ran"' >x.lua
mkdir data
commands="demo run check test data new help version"
declare -A line=([demo]=demo [run]="run x.lua" [check]="check x.lua" [test]="test x.lua" [data]="data list"
  [new]="new bot made" [help]=help [version]=version)
declare -A value=([FILE]=vars [DIR]=data [NAME]=name [SECONDS]=2 [LEVEL]=error ["text|json"]=json
  [PATH]=log [PATTERN]=pattern)
touch vars

options_of() { "$TIDELOCK" help "$1" | grep -oE '^  --[a-z-]+( [A-Za-z|]+)?'; } # COMMAND
declare -A takes all
for command in $commands; do
  while read -r option what; do
    [ -n "$option" ] || continue
    takes[$command$option]=1
    all[$option]=${what:+${value[$what]}}
  done < <(options_of "$command")
done
check "the options that there are" [ ${#all[@]} -ge 14 ]

# refused WORDS ARGS...: wrong usage, told so in the first line
refused() {
  local words=$1
  shift
  seen=$(timeout 20 "$TIDELOCK" "$@" 2>&1 </dev/null)
  local status=$?
  [ $status = 2 ] && [[ ${seen%%$'\n'*} == *"$words"* ]] || echo "tidelock $*: $status, $seen"
}
check "help takes one command" [ -z "$(refused 'help takes one command, and here is "x" too' help run x)" ]
check "help takes one command, of two as well" [ -z "$(refused 'and here is "check" too' help run check)" ]
foreign= twice= lost=
for command in $commands; do
  for option in "${!all[@]}"; do
    given=("$option" ${all[$option]})
    if [ "${takes[$command$option]:-}" ]; then
      [ "$option" = --allow ] || # each time for another folder
        twice+=$(refused "$option is given twice" ${line[$command]} "${given[@]}" "${given[@]}")
      continue
    fi
    foreign+=$(refused "$option belongs to tidelock " ${line[$command]} "${given[@]}")
    foreign+=$(refused ", not to $command" "${given[@]}" ${line[$command]})
    [ -z "${all[$option]}" ] ||
      foreign+=$(refused "$option belongs to" ${line[$command]} "$option=${all[$option]}")
    lost+=$(refused "unknown option: ${option}z" ${line[$command]} "${option}z")
  done
done
check "an option of another command is refused" [ -z "$foreign" ]
check "one that is given twice is refused" [ -z "$twice" ]
check "one that there is not is refused" [ -z "$lost" ]
[ -z "$foreign$twice$lost" ] || echo "$foreign$twice$lost" | head -20
check "nothing was done for any of them" [ ! -e made.lua ]
check "what was meant is one of the command's own" [ -z "$(refused '(did you mean "--watch"?)' test x.lua --wacth)" ]
check "and none of another's" [ -z "$(refused 'unknown option: --wacth' check x.lua --wacth)" ]
seen=$("$TIDELOCK" check x.lua --wacth 2>&1)
check "of which nothing is said" lacks "did you mean"
check "spelled in two ways it is given twice, too" \
  [ -z "$(refused '--profile is given twice' run x.lua --profile=a --profile b)" ]
seen=$("$TIDELOCK" run x.lua --memory --no-watch -- --memory --memory 2>&1)
check "what follows -- is the script's" has ran
seen=$("$TIDELOCK" check --memory --help 2>&1)
check "who asks for help gets it" has "usage: tidelock check"
exit $bad
