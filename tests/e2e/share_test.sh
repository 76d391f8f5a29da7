#!/usr/bin/env bash
# What another script may do with a connection is its owner's to say: share = "none", "hear", "send"
# (the default) or "control"; a change of it over a reload counts at once. So it is with stores, also
# for store.trace and for subscribers.
. "$(dirname "$0")/run.bash" || exit 1

serve <<'LUA'
web:io():on("connection", function(client)
  client:on("say", function(text) client:emit("said", text) end)
  client:on("ask", function(ack)
    ack("asked")
    print("answered " .. tostring(client:timeout(0.3):call("question")))
    io.stdout:flush()
  end)
end)
LUA

client() { # SHARE STORE-SHARE
  cat <<LUA
local env, socket = require "tidelock.env", require "tidelock.socket"
local store, timer = require "tidelock.store", require "tidelock.timer"
local chat = socket.connect("chat", { url = env.get("WS_URL") $1 })
local s = store.define("s", { initial = { n = 0 } $2 })
store.define("own", { initial = { n = 0 } })
local n = 0
timer.every("count", 0.02, function()
  n = n + 1
  s:set { n = n }
  if chat.connected then chat:emit("say", n) end
end)
LUA
}
cat >hook.lua <<'LUA'
local socket, script = require "tidelock.socket", require "tidelock.script"
local store, timer, task = require "tidelock.store", require "tidelock.timer", require "tidelock.task"
local chat, s = socket.attach "client:chat", store.attach "client:s"
local heard, sent, told, traced, acks = 0, 0, 0, 0, 0
chat:on("said", function() heard = heard + 1 end)
chat:on_any_outgoing(function() sent = sent + 1 end)
chat:on("question", function(ack)
  if not ack then return end
  acks = acks + 1
  ack("forged")
end)
local fired = 0
s:subscribe(function(root) return root.n end, function() told = told + 1 end)
s:subscribe(function(root) fired = fired + 1 return root.n end, function() end, { fire_immediately = true })
store.trace(function(change) if change.store == "client:s" then traced = traced + 1 end end)
local function try(name, ...)
  local ok, a, b = pcall(chat[name], chat, ...)
  return name .. (ok and (a and " yes" or " nil:" .. tostring(b and b.code)) or (tostring(a):find("not shared for that", 1, true) and " no" or " " .. tostring(a)))
end
local round = 0
timer.every("report", 0.3, function()
  round = round + 1
  heard, sent, told, traced, fired = 0, 0, 0, 0, 0
  task.sleep(0.1)
  local on = pcall(function() chat:on("x", print):off() end) and "on yes" or "on no"
  local sub = pcall(function() s:subscribe("n", print):off() end) and "sub yes" or "sub no"
  local vol = pcall(function() chat.volatile:emit("vol", 1) end) and "vol yes" or "vol no"
  print(table.concat({ chat.state, on, vol, try("stats"), try("emit", "say", 1), try("call", "ask"),
    try("clear"), try("connect"),
    "heard " .. tostring(heard > 0), "sent " .. tostring(sent > 0), "acks " .. tostring(acks > 0),
    sub, "told " .. tostring(told > 0), "traced " .. tostring(traced > 0), "selected " .. tostring(fired > 0) }, ", "))
  acks = 0
end)
script.on_start(function() end)
LUA

client ', share = "none"' '' | save client.lua
start run client.lua hook.lua --memory
expect "none: nothing is to be had" \
  '^pending, on no, vol no, stats no, emit no, call no, clear no, connect no, heard false, sent false, acks false, sub no, told false, traced false, selected false$'
client ', share = "hear"' ', share = "read"' | save client.lua
expect "hear: a change counts at once, on the same connection" 'client: reloaded .*changed: .*socket "chat" \(share\)'
expect "hear: events, states and fields" \
  '^connected, on yes, vol no, stats yes, emit no, call no, clear no, connect no, heard true, sent true, acks false, sub yes, told true, traced true, selected true$'
client '' ', share = "read"' | save client.lua
expect "send, the default: to send as well, and to answer" \
  '^connected, on yes, vol yes, stats yes, emit yes, call yes, clear no, connect no, heard true, sent true, acks (true|false), sub yes'
read -r -t 20 _ answer <&5
is "an answer of the hook's reaches the server" "$answer" forged
client ', share = "control"' '' | save client.lua
expect "control: all of it; the store is not shared any more" \
  '^connected, on yes, vol yes, stats yes, emit yes, call yes, clear yes, connect yes, heard true, sent true, acks (true|false), sub no, told false, traced false, selected false$'
client ', share = "none"' '' | save client.lua
expect "none again: counts at once" \
  '^pending, on no, vol no, stats no, emit no, call no, clear no, connect no, heard false, sent false, acks (true|false), sub no, told false, traced false, selected false$'
stop

cat >owner.lua <<'LUA'
local socket, script, store = require "tidelock.socket", require "tidelock.script", require "tidelock.store"
local s = store.define("own", { initial = {} })
store.trace(function(change) print("own trace of " .. change.store) end)
local ok, err = pcall(socket.connect, "c", { url = "http://127.0.0.1:1", auto_connect = false, share = "all" })
print(ok, err)
script.on_start(function() s:set { a = 1 } end)
LUA
run_to run owner.lua --memory
expect "a wrong share is refused" 'share cannot be all'
expect "the owner traces its own store, shared or not" '^own trace of owner:own$'
finish
