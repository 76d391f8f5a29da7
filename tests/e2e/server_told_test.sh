#!/usr/bin/env bash
# What a reload says of a server whose options changed: which of them did, and no other.
. "$(dirname "$0")/helpers.bash"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
# The number of the version is in the script; each has options of its own.
cat >s.lua <<'END'
local script, server, timer = require "tidelock.script", require "tidelock.server", require "tidelock.timer"
local versions = {
  { port = 0 },
  { port = 0, hosts = { "a.example" } },
  { port = 0, hosts = { "a.example" }, origins = { "https://b.example" } },
  { port = 0, hosts = "c.example", origins = { "https://d.example" } },
  { port = 0, hosts = "c.example", origins = { "https://d.example" }, max_body = 5000 },
  { port = 0, hosts = "c.example", origins = { "https://d.example" }, max_body = 5000, idle_timeout = 9 },
  { port = 0, hosts = "e.example", origins = { "https://d.example" }, max_body = 6000, idle_timeout = 8 },
}
script.keep.n = (script.keep.n or 0) + 1
local n = script.keep.n
server.listen("web", versions[n]):get("/", function() end)
timer.after(0.02, function()
  if versions[n + 1] then script.reload() else script.exit(0) end
end)
END
seen=$("$TIDELOCK" run --memory --no-watch s.lua 2>&1)
told=$(grep -o 'server "web" ([^)]*)' <<<"$seen")
check "each change by its name" [ "$told" = 'server "web" (hosts)
server "web" (origins)
server "web" (hosts, origins)
server "web" (limits)
server "web" (timeouts)
server "web" (hosts, limits, timeouts)' ]
exit $bad
