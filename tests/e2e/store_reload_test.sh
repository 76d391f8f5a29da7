#!/usr/bin/env bash
# A store through reloads: its state lives on, keys that are new in the initial state come in, the
# new version's subscribers begin at the swap, and a script that is attached goes on hearing.
. "$(dirname "$0")/run.bash" || exit 1
cat >owner.lua <<'LUA'
local store = require "tidelock.store"
local script = require "tidelock.script"
local timer = require "tidelock.timer"
local VERSION = "first"
local chat = store.define("chat", { initial = { n = 0, list = {} }, share = "read" })
chat:subscribe("n", function(new, old)
  print(("%s heard %d after %d"):format(VERSION, new, old))
end)
timer.every("bump", 0.02, function()
  chat:change("bump", function(draft)
    draft.n = draft.n + 1
    table.insert(draft.list, draft.n)
  end)
end)
script.on_start(function(reason)
  print(("%s started by %s with extra %s"):format(VERSION, reason, chat:get("extra")))
end)
script.on_stop(function()
  local history = chat:history()
  print(("END n=%d list=%d history=%d action=%s"):format(
    chat:get("n"), #chat:get("list"), #history, history[#history].action))
end)
LUA
cat >reader.lua <<'LUA'
local store = require "tidelock.store"
local script = require "tidelock.script"
local chat = store.attach("owner:chat")
local last, wrong = nil, 0
chat:subscribe("n", function(new, old)
  if last and old ~= last then wrong = wrong + 1 end
  last = new
end)
script.on_stop(function()
  local ok, err = pcall(chat.set, chat, { n = 0 })
  print(("READER last=%s wrong=%d write=%s %s"):format(last, wrong, ok, err))
end)
LUA
start run --memory reader.lua owner.lua
expect "the first version's subscriber hears" '^first heard 5 after 4$'
sed 's/"first"/"second"/; s/n = 0, list/n = 0, extra = 7, list/' owner.lua | save owner.lua
expect "a new key of the initial state comes in" '^second started by reload with extra 7$'
expect "the new version's hears" '^second heard'
cat owner.lua - <<<'error("broken")' >text && save owner.lua <text
expect "a broken save changes nothing" 'previous generation goes on'
expect "it goes on" '^second heard'
stop
one_by_one() { # every number was heard after the one before it
  grep -o 'heard [0-9]* after [0-9]*' out | awk '$2 != $4 + 1 || (last && $4 != last) { bad = 1 } { last = $2 } END { exit bad }'
}
is "each change is heard once, in order, by one version" "$(one_by_one && echo yes)" yes
mark=1
expect "the attached script missed none and may not write" '^READER last=[0-9]* wrong=0 write=false .*not shared'
mark=1
expect "state and history live on" '^END n=([0-9]+) list=\1 history=[0-9]+ action=bump'
finish
