#!/usr/bin/env bash
# Only the owner's handlers hold a connection. A hook that sleeps in its handlers, beside a client
# with 5 tasks: the client's events, calls and connection are unharmed; the hook is told what it lost.
. "$(dirname "$0")/run.bash" || exit 1

serve <<'LUA'
web:io():on("connection", function(client)
  client:on("flood", function(n, size)
    local text = ("x"):rep(size)
    for i = 1, n do
      client:emit("n", i, text)
      if i * size % 20000 == 0 then task.sleep(0.005) end
    end
    client:emit "done"
  end)
  client:on("echo", function(value, ack) ack(value) end)
  client:on("gap", function() client:emit("gap", "forged") end)
end)
LUA

cat >client.lua <<'LUA'
local env, script, socket = require "tidelock.env", require "tidelock.script", require "tidelock.socket"
local task = require "tidelock.task"
local chat = socket.connect("chat", { url = env.get("WS_URL"), max_tasks = 5, reconnect = { delay = 0.05 } })
local seen, wrong, id = 0, 0, nil
chat:on("n", function(i)
  if i ~= seen + 1 then wrong = wrong + 1 end
  seen = i
end)
chat:on("connect", function() id = id or chat.id end)
chat:on("done", function()
  local answer = chat:call("echo", "yes")
  print(("client: %d seen, %d wrong, answered %s, same %s"):format(seen, wrong, answer, chat.id == id))
end)
chat:on("again", function() end)
script.on_start(function()
  while not id do task.sleep(0.01) end
  for _, how in ipairs { { 4000, 10 }, { 100, 100000 } } do
    seen = 0
    chat:emit("flood", how[1], how[2])
    while seen < how[1] do task.sleep(0.05) end
  end
  chat:emit "gap"
  task.sleep(0.4)
  chat:disconnect()
  print "client: over"
end)
LUA
cat >hook.lua <<'LUA'
local socket, task = require "tidelock.socket", require "tidelock.task"
local chat = socket.attach "client:chat"
local got, lost, first, last, VERSION = 0, 0, nil, nil, 1
chat:on("n", function(i)
  got, first, last = got + 1, first or i, i
  if VERSION == 1 then task.sleep(3600) end
end)
chat:on("gap", function(gap)
  assert(type(gap) == "table", "forged")
  lost = lost + gap.lost
end)
chat:on_any(function(event, text) if event == "gap" then print("hook: the server says gap " .. text) end end)
chat:on_state(function(state)
  if state ~= "closed" then return end
  task.sleep(0.2)
  print(("hook %d: closed, %d + %d, counted %s"):format(VERSION, got, lost, lost == chat:stats().lost))
end)
chat:on("disconnect", function() print "hook: disconnect" end)
LUA
start run client.lua hook.lua --memory
expect "the hook is told of in the log" 'WARN +hook: client:chat: 200 handlers of this script have not ended'
expect "small events: the client has them all, in order, and its answer" '^client: 4000 seen, 0 wrong, answered yes, same true'
expect "large events: the client has them all, in order, and its answer" '^client: 100 seen, 0 wrong, answered yes, same true'
expect "a state waits for nothing" '^(hook: disconnect|client: over)'
expect "what it lost is told and counted: all but 200 that run, and 10 large ones that wait" '^hook 1: closed, 200 \+ 389[0-9], counted true'
is "the log tells it once" "$(grep -c 'of this script have not ended' out)" 1
stop

# What waits goes to the new version when the hook is mended; the gap comes before it.
cat >client.lua <<'LUA'
local env, script, socket = require "tidelock.env", require "tidelock.script", require "tidelock.socket"
local chat = socket.connect("chat", { url = env.get("WS_URL") })
chat:on("done", function() print "client: done" end)
chat:on("connect", function() chat:emit("flood", 3000, 1) end)
script.on_start(function() end)
LUA
cat >hook.lua <<'LUA'
local socket, task = require "tidelock.socket", require "tidelock.task"
local chat = socket.attach "client:chat"
chat:on("n", function() task.sleep(3600) end)
chat:on("gap", function(gap) print("gap " .. gap.lost) end)
LUA
start run client.lua hook.lua --memory
expect "it floods" '^client: done'
expect "the gap is told while all handlers sleep" '^gap 1800'
cat >hook.lua <<'LUA'
local socket = require "tidelock.socket"
local chat = socket.attach "client:chat"
local got, first, wrong = 0, nil, 0
chat:on("n", function(i)
  got, first = got + 1, first or i
  if i ~= first + got - 1 then wrong = wrong + 1 end
  if i == 3000 then print(("new: %d from %d on, %d wrong"):format(got, first, wrong)) end
end)
LUA
expect "what waits goes to the new version, in order, once" '^new: 1000 from 2001 on, 0 wrong'
stop

# A hook that sends without an end fills half of the buffer; the client's own goes on.
cat >client.lua <<'LUA'
local socket, script, task = require "tidelock.socket", require "tidelock.script", require "tidelock.task"
local chat = socket.connect("chat", { url = "http://127.0.0.1:1" })
script.on_start(function()
  task.sleep(0.3)
  for _ = 1, 400 do
    local ok, err = chat:emit "mine"
    if not ok then print("client: " .. err.code) end
  end
  print "client: all is kept"
end)
LUA
cat >hook.lua <<'LUA'
local socket, script = require "tidelock.socket", require "tidelock.script"
local chat = socket.attach "client:chat"
script.on_start(function()
  local n, ok, err = 0, nil, nil
  repeat
    ok, err = chat:emit("flood", 1)
    if ok then n = n + 1 end
  until not ok
  print(n, err.code, err.sent, select(2, chat:call "flood").code)
  local waits = chat:stats().buffered
  ok, err = chat.volatile:emit("flood", 1)
  print("volatile", ok, err, chat:stats().buffered == waits)
end)
LUA
start run client.lua hook.lua --memory
expect "a hook fills half of the buffer" '^500.BUFFER_FULL.no.BUFFER_FULL$'
expect "what it sends as volatile is dropped then, as where nobody is connected" '^volatile.true.nil.true$'
expect "the rest is its owner's" '^client: all is kept'
is "all of it" "$(grep -c '^client: BUFFER' out)" 0
stop

# Of one packet there is no half: a hook has it as long as nothing waits.
cat >client.lua <<'LUA'
require("tidelock.socket").connect("chat", { url = "http://127.0.0.1:1", buffer = { count = 1 } })
LUA
start run client.lua hook.lua --memory
expect "a buffer of one packet is a hook's too" '^1.BUFFER_FULL.no.BUFFER_FULL$'
stop
finish
