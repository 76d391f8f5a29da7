-- What an outbox costs: entries made durable with their change, one by one and many in a turn; the drain of
-- COUNT entries to a server of this process. CPU and wall clock per entry. Run by tests/bench/outbox.
local env = require "tidelock.env"
local json = require "tidelock.json"
local http = require "tidelock.http"
local outbox = require "tidelock.outbox"
local script = require "tidelock.script"
local server = require "tidelock.server"
local store = require "tidelock.store"
local task = require "tidelock.task"
local timer = require "tidelock.timer"

local count = tonumber(env.get("COUNT", "2000"))
local srv = server.listen("bench", {})
local got = 0
srv:route("POST", "/m", function() got = got + 1 return "" end)
local held = store.define("held", { initial = { by_id = json.object {} } })
local open = false
local say = outbox.define("say", { repeats = "safe",
  send = function(args)
    if not open then return nil, { code = "UNAVAILABLE", message = "not now", sent = "no" } end
    return http.post(srv.url .. "/m", { json = args, breaker = false })
  end,
  lane = function(args) return args.n % 8 end })
local shows = outbox.define("shows", { repeats = "safe", send = function()
  return nil, { code = "UNAVAILABLE", message = "not now", sent = "no" }
end, on = function() return held end, apply = function(draft, args) draft.by_id["n" .. args.n] = args end })

local function report(what, began, cpu, n)
  local wall, used = timer.now() - began, os.clock() - cpu
  print(("%-46s %7.0f /s   %6.1f us of CPU   (%d)"):format(what, n / wall, used / n * 1e6, n))
end

local function many(mutation, n)
  local last
  for i = 1, n do last = assert(mutation:post { n = i, text = "a message" }) end
  assert(last:await())
end

local function clear()
  for _, one in ipairs(outbox.list { limit = 1000000 }) do outbox.discard(one.id) end
end

local function measure(what, n, fn)
  local began, cpu = timer.now(), os.clock()
  fn()
  report(what, began, cpu, n)
end

script.on_start(function()
  measure("durable, one by one", 500, function()
    for i = 1, 500 do assert(say { n = i, text = "a message" }) end
  end)
  measure("durable with its change, one by one", 500, function()
    for i = 1, 500 do assert(shows { n = i, text = "a message" }) end
  end)
  clear()
  measure("durable, 1,000 in a turn", 10000, function() for _ = 1, 10 do many(say, 1000) end end)
  clear()
  measure("durable with its change, 1,000 in a turn", 2000, function()
    for _ = 1, 2 do many(shows, 1000) end
  end)
  clear()
  many(say, count)
  local before = collectgarbage "count"
  open = true
  measure("sent to a server of this process, 8 lanes", count, function()
    while outbox.count() > 0 do task.sleep(0.02) end
  end)
  print(("%d requests; Lua held %.0f KB before and %.0f after"):format(got, before, collectgarbage "count"))
  script.exit(0)
end)
