#!/usr/bin/env bash
# Queries of other scripts: what is shared, what is not, and where the function runs.
. "$(dirname "$0")/run.bash" || exit 1

cat >owner.lua <<'LUA'
local query = require "tidelock.query"
local calls = 0
query.define("messages", { share = "write", stale_time = 100, retry = 0, fetch = function(room)
  calls = calls + 1
  print("asked", room)
  if room == "bad" then return nil, { code = "REJECTED", message = "no such room" } end
  return { room = room, n = calls }
end })
query.define("closed", { fetch = function() return 1 end })
query.define("readable", { share = "read", key = { "r", 2 }, fetch = function() return "plain" end })
LUA
cat >hook.lua <<'LUA'
local query, script, task = require "tidelock.query", require "tidelock.script", require "tidelock.task"
local errors = require "tidelock.errors"
local messages = query.attach "owner:messages"
local closed, readable = query.attach "owner:closed", query.attach "owner:readable"
local room = messages(7)
room:subscribe(function(new, old) print("heard", new.n, old and old.n) end)
script.on_start(function()
  local both = task.all { function() return room:get "n" end, function() return room:get "n" end }
  print("get", both[1], both[2], room:peek("room"))
  print("state", room:state().status, room:state().fetch_status, room:state().error)
  local _, err = messages("bad"):get()
  print("bad", err, errors.is(err), messages("bad"):state().status)
  print("set", room:set_data { n = 40 }, room:peek "n")
  task.sleep(0)
  print("refetch", room:refetch().n)
  print("invalid", room:invalidate(), room:state().invalid)
  print("readable", readable:get())
  for _, op in ipairs { "set_data", "invalidate", "remove" } do
    print(op, select(2, readable[op](readable, 4)).code)
  end
  print("closed", select(2, closed:get()).code)
  print("none", select(2, query.attach("nobody:messages"):get()).code)
  print("misuse", pcall(query.attach, "messages"))
end)
LUA
run_to run --memory owner.lua hook.lua
is "it ends well" "$status" 0
told() { # NAME LINE
  is "$1" "$(grep -cxF -e "$2" out)" 1
}
told "two at once are one request" 'get	1	1	7'
told "the state is read" 'state	success	idle	nil'
told "an error comes along" 'bad	REJECTED: no such room	true	error'
told "data is written" 'set	true	40'
told "and heard of" 'heard	40	1'
told "asking in any case" 'refetch	3'
told "and heard of again" 'heard	3	40'
told "an invalidation" 'invalid	true	true'
told "a key of its own" 'readable	plain'
told "what is only read is not written" 'set_data	DENIED'
told "nor made invalid" 'invalidate	DENIED'
told "nor removed" 'remove	DENIED'
told "what is not shared is not found" 'closed	NOT_FOUND'
told "nor what nobody defines" 'none	NOT_FOUND'
is "a wrong name raises" "$(grep -c '^misuse	false	query.attach takes "script:query"' out)" 1
is "the owner asks, and nobody else" "$(grep -c '^asked	7$' out)" 2
finish
