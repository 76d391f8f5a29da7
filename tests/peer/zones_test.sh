#!/usr/bin/env bash
# Time zones beside Python's zoneinfo, which reads the same files: all zones of the system, at times
# before, within and behind their lists, and around changes; and the instants of local times.
. "$ROOT/tests/e2e/run.bash" || exit 1
cat >zones.py <<'PY'
import random, zoneinfo
from datetime import datetime, timedelta, timezone
random.seed(5)
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
def line(name, zone, seconds):
    there = (EPOCH + timedelta(seconds=seconds)).astimezone(zone)
    offset = there.utcoffset() // timedelta(seconds=1)
    local = datetime(1970, 1, 1) + timedelta(seconds=seconds)
    instant = (local.replace(tzinfo=zone).astimezone(timezone.utc) - EPOCH) // timedelta(seconds=1)
    print(name, seconds, offset, there.tzname() or "-", int(bool(there.dst())), instant)
for name in sorted(zoneinfo.available_timezones()):
    zone = zoneinfo.ZoneInfo(name)
    for _ in range(25):
        line(name, zone, random.randrange(-4000000000, 13000000000))
    for year in (1945, 1975, 1996, 2020, 2037, 2038, 2090):
        day = random.randrange(365)
        start = int((datetime(year, 1, 1, tzinfo=timezone.utc) - EPOCH).total_seconds())
        def offset(s): return (EPOCH + timedelta(seconds=s)).astimezone(zone).utcoffset()
        for week in range(0, 52):
            low, high = start + week * 604800, start + week * 604800 + 604800
            if offset(low) == offset(high): continue
            while high - low > 1:
                middle = (low + high) // 2
                if offset(middle) == offset(low): low = middle
                else: high = middle
            for near in (-7200, -1800, -1, 0, 1, 1800, 3599, 3600, 7200):
                line(name, zone, high + near)
                line(name, zone, high + near + int(offset(low).total_seconds()))
print("end")
PY
cat >zones.lua <<'LUA'
local date, input, script = require "tidelock.date", require "tidelock.input", require "tidelock.script"
local count, wrong = 0, 0
local function differ(line, ...)
  wrong = wrong + 1
  if wrong < 10 then print(line, "is here", ...) end
end
input.on_line(function(line)
  local zone, seconds, offset, name, dst, instant = line:match "^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$"
  if not zone then
    print(("%d differ"):format(wrong), count > 10000 and "of many" or count)
    return script.exit(0)
  end
  count = count + 1
  seconds = math.tointeger(seconds)
  local f = date.fields(seconds, { zone = zone })
  if not f then return differ(line, "refused") end
  if f.offset ~= tonumber(offset) or f.zone ~= name then differ(line, f.offset, f.zone, f.dst) end
  if dst == "1" and not f.dst then differ(line, f.dst) end
  local u = date.fields(seconds)
  u.zone = nil
  local there = date.time(u, { zone = zone })
  if there ~= tonumber(instant) then differ(line, there) end
end)
LUA
"$PYTHON" zones.py >lines || not_ok "Python's zoneinfo can be asked"
"$TIDELOCK" run --memory --no-watch zones.lua <lines >out 2>&1
mark=1
is "the status is 0" $? 0
expect_none() { if grep -q '^0 differ	of many$' out; then ok "$1"; else not_ok "$1"; fi; }
expect_none "all offsets, names and instants are those of Python"
finish
