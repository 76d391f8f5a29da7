#!/usr/bin/env bash
# A connection that fails says why, once; a run whose last connection was refused ends with 1; what
# a script attached to and is not there, or not shared, is told, with the names that there are.
. "$(dirname "$0")/run.bash" || exit 1
connect() { # OPTIONS...
  echo 'local socket, script, task = require "tidelock.socket", require "tidelock.script", require "tidelock.task"'
  echo "chat = socket.connect('chat', { $1 })"
}
nowhere='url = "ws://me:secret@127.0.0.1:1/x?token=hidden"'
refused='chat: cannot connect to ws://127.0.0.1:1/x: CONNECT: .*127.0.0.1:1'
connect "$nowhere, reconnect = { delay = 0.02, max_delay = 0.02, attempts = 5 }" >bot.lua
run_to run bot.lua --memory
expect "a failure says its name, where, why, and what next" "WARN  bot: $refused.*; trying again in 0\\.[0-9] s"
expect "its end is an error" "ERROR bot: $refused.*; not tried again"
is "each is told once" "$(grep -c 'cannot connect' out)" 2
is "the run ends with 1" $status 1
grep -q 'secret\|hidden' out && not_ok "no secret of the URL is told" || ok "no secret of the URL is told"

connect "$nowhere, reconnect = false" >bot.lua
run_to run bot.lua --memory
expect "without another attempt it is an error at once" "ERROR bot: $refused"
is "which ends the run with 1" $status 1

{ connect "$nowhere, reconnect = false"; echo 'script.on_start(function() chat:wait(5) script.exit(0) end)'; } >bot.lua
run_to run bot.lua --memory
is "a script that says how it ends is believed" $status 0

cat >both.lua <<'LUA'
local socket, script, server = require "tidelock.socket", require "tidelock.script", require "tidelock.server"
local task = require "tidelock.task"
local chat
script.on_start(function()
  local web = server.listen("web", { port = 0 })
  local refuse = script.args[1]
  web:io():use(function() if refuse == "refuse" then return nil, { message = "go away" } end return true end)
  chat = socket.connect("chat", { url = web.url, reconnect = { delay = 0.05, jitter = 0 } })
  print(chat:wait(5))
  if refuse == "lose" then
    local port = web.port
    web:close(0)
    task.sleep(0.4)
    web = server.listen("again", { port = port })
    web:io()
    print("again", chat:wait(5))
  end
  chat:disconnect()
  web:close(0)
end)
LUA
run_to run both.lua --memory -- refuse
expect "a refusal says what the server said" 'ERROR both: chat: cannot connect to http://127.0.0.1:[0-9]*: REJECTED: .*go away'
is "and ends the run with 1" $status 1
run_to run both.lua --memory -- fine
is "one that stood and was left ends it with 0" $status 0
grep -q 'WARN\|ERROR' out && not_ok "without a word" || ok "without a word"
run_to run both.lua --memory -- lose
expect "a connection that is lost says why" 'WARN  both: chat: lost the connection to http://127.0.0.1:[0-9]*: [A-Za-z]'
expect "and once when it is back" 'INFO  both: chat: connected again'
is "what fails in between is not told again" "$(grep -c 'cannot connect\|lost the' out)" 1
is "it ends with 0" $status 0

cat >client.lua <<'LUA'
local socket, store = require "tidelock.socket", require "tidelock.store"
socket.connect("chat", { url = "http://127.0.0.1:1", auto_connect = false })
socket.connect("mine", { url = "http://127.0.0.1:1", auto_connect = false, share = "none" })
store.define("secret", {})
store.define("known", { share = "read" })
require("tidelock.timer").every(10, function() end)
LUA
cat >hook.lua <<'LUA'
local socket, store, script = require "tidelock.socket", require "tidelock.store", require "tidelock.script"
local timer = require "tidelock.timer"
local chat = socket.attach "clinet:chat"
socket.attach "client:mine"
socket.attach "client:chat"
local secret = store.attach "client:secret"
store.attach "client:knwon"
store.attach "elsewhere:entirely"
secret:subscribe(function() print "LEAK" end, print, { fire_immediately = true })
script.on_start(function()
  for _, name in ipairs { "get", "subscribe" } do print(name, pcall(secret[name], secret, name == "subscribe" and print or nil)) end
end)
timer.after(2, function() for i = 1, 9 do store.attach("nobody:s" .. i) end end)
LUA
start run client.lua hook.lua --memory
expect "a store that is not shared cannot be read" '^get.false.*client:secret is not shared'
expect "nor subscribed to" '^subscribe.false.*client:secret is not shared'
expect "who attached to what is not there is told, with what was meant" \
  'WARN  hook: .*socket clinet:chat, which no script has declared.*did you mean client:chat\? There are: .*client:chat'
expect "what is there and not shared as well" 'WARN  hook: .*socket client:mine, which is there, but not shared: .*"hear", "send" or "control"'
expect "so of stores" 'WARN  hook: .*store client:secret, which is there, but not shared: .*"read" or "write"'
expect "with what was meant" 'store client:knwon.*did you mean client:known\?'
expect "and what there is where nothing is near" 'store elsewhere:entirely, which no script has declared; it is pending\. There are: .*client:secret'
expect "many are told in one line" 'attached to 4 more that no script has declared, or shares'
is "what is there is not told of" "$(grep -c 'socket client:chat, which' out)" 0
is "nothing of the store leaks" "$(grep -c LEAK out)" 0
stop

# One that has nothing else to wait for does not end without a word.
cat >alone.lua <<'LUA'
local socket, store = require "tidelock.socket", require "tidelock.store"
socket.attach "client:chat"
store.attach "alnoe:kept"
LUA
cat >owner.lua <<'LUA'
local store = require "tidelock.store"
store.define("kept", {})
LUA
run_to run alone.lua --memory
expect "a hook that is alone is told so before the run ends" \
  'WARN  alone: attached to the socket client:chat, which no script has declared; it is pending. No other'
is "once" "$(grep -c 'client:chat' out)" 1
is "which is no failure" $status 0
run_to run alone=alone.lua alone2=alone.lua owner.lua --memory
is "each of several is told" "$(grep -c 'WARN  alone2\?: attached to the store alnoe:kept' out)" 2
run_to check alone.lua
is "check says nothing of it" "$(cat out)" "alone.lua: ok"
finish
