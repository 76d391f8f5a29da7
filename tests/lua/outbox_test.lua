-- The outbox: what becomes of entries, in which order, under which keys. Time is the test's. The names of the
-- tests say which peer does otherwise.
local test = require "tidelock.test"
local http = require "tidelock.http"
local outbox = require "tidelock.outbox"
local plan = require "tidelock.outbox.plan"
local task = require "tidelock.task"
local expect, it = test.expect, test.it

local api = http.client { base_url = "http://api.test", breaker = false, timeout = 2 }

local asked -- what the server got: { key, body, path }
local answer -- fn(number, req) → what the server answers
local calls = 0

local function post(args, path)
  calls = calls + 1
  return api:post(path or "/m", { json = { text = args.text, call = args.counts and calls or nil } })
end

local by_key = outbox.define("by_key", { repeats = "key", key_lifetime = 600, send = function(args)
  return post(args)
end, lane = function(args) return args.lane end })
local never = outbox.define("never", { repeats = "never", send = function(args) return post(args) end })
local found, looked
local looks = outbox.define("looks", { repeats = "never", send = function(args) return post(args) end,
  lookup = function() looked = looked + 1 return found end })
local silent = outbox.define("silent", { repeats = "safe", send = function(args) post(args) end })
local bounded = outbox.define("bounded", { repeats = "safe", attempts = 2, expires = 3600,
  send = function(args) return post(args) end })
local keeps_trying = outbox.define("keeps_trying", { repeats = "safe", send = function(args)
  return api:post("/m", { json = args, retries = 2, idempotency_key = true })
end })
local two = outbox.define("two", { repeats = "key", send = function(args)
  local first = post(args, "/first")
  if first.status ~= 200 then return first end
  return post(args, "/second")
end })

local function open()
  local clock = test.clock()
  local srv = test.server { host = "api.test" }
  asked, answer, looked, found = {}, function() return "fine" end, 0, false
  for _, path in ipairs { "/m", "/first", "/second" } do
    srv:route("POST", path, function(req)
      asked[#asked + 1] = { key = req.headers["idempotency-key"], body = req.body, path = req.path }
      return answer(#asked, req)
    end)
  end
  -- What a test before has left may be on its way just now.
  for _, one in ipairs(outbox.list()) do outbox.discard(one.id) end
  clock.advance(10)
  for _, one in ipairs(outbox.list()) do outbox.discard(one.id) end
  asked = {}
  return clock
end

local function texts()
  local list = {}
  for i, one in ipairs(asked) do list[i] = one.body:match '"text":"(.-)"' end
  return table.concat(list, " ")
end

local function states()
  local list = {}
  for i, one in ipairs(outbox.list()) do list[i] = one.state end
  return table.concat(list, " ")
end

local function lost() task.sleep(5) return "too late" end

it("sends an entry and forgets it", function()
  local clock = open()
  local entry = assert(by_key { text = "a" })
  expect(#entry.id).is(36)
  expect(entry.id:sub(15, 15)).is "7"
  clock.advance(1)
  expect(texts()).is "a"
  expect(asked[1].key).is(entry.id)
  expect(outbox.count()).is(0)
end)

it("does not count a 500 as delivered: the same bytes under the same key (workbox, new keys)", function()
  local clock = open()
  answer = function(n) if n < 4 then return 500 + (n % 3), "no" end return "fine" end
  local entry = assert(by_key { text = "a", counts = true })
  clock.advance(30)
  expect(#asked).is(4)
  for _, one in ipairs(asked) do
    expect(one.key).is(entry.id)
    expect(one.body).is(asked[1].body)
  end
  expect(outbox.count()).is(0)
end)

it("keeps the order: no 4, 3, 2, 1, 0 (query-core)", function()
  local clock = open()
  answer = function(n) if n == 1 then return 503, "no" end task.sleep(0.5 - n / 20) return "fine" end
  for i = 0, 4 do assert(by_key:post { text = tostring(i) }) end
  clock.advance(60)
  expect(texts()).is "0 0 1 2 3 4"
end)

it("lets other lanes go on, and holds what follows a dead letter", function()
  local clock = open()
  answer = function(_, req) if req.body:find "bad" then return 422, "no" end return "fine" end
  local dead = assert(by_key { text = "bad", lane = "one" })
  by_key { text = "behind", lane = "one" }
  by_key { text = "other", lane = 2 }
  clock.advance(60)
  expect(texts()).is "bad other"
  expect(states()).is "dead held"
  local list = outbox.list()
  expect(list[1].reason.status).is(422)
  expect(list[2].reason.code).is "BEHIND"
  expect(list[2].reason.entry).is(dead.id)
  expect(dead:edit { text = "good", lane = "one" }.id).is(dead.id)
  clock.advance(1)
  expect(texts()).is "bad other good behind"
  expect(asked[3].key ~= dead.id).is(true)
end)

it("retries a dead letter under a new key, and discards one alone", function()
  local clock = open()
  answer = function() return 400, "no" end
  local entry = assert(by_key { text = "a" })
  by_key { text = "b" }
  clock.advance(1)
  assert(entry:retry())
  clock.advance(1)
  expect(#asked).is(2)
  expect(asked[2].key ~= asked[1].key).is(true)
  answer = function() return "fine" end
  expect(entry:discard()).is(true)
  clock.advance(1)
  expect(texts()).is "a a b"
  local none, err = entry:discard()
  expect(none).is(nil)
  expect(err.code).is "NOT_FOUND"
end)

it("waits as long as Retry-After says, and counts no 401 as an attempt", function()
  local clock = open()
  answer = function(n) if n == 1 then return 429, "", { ["Retry-After"] = "40" } end return 401, "" end
  assert(by_key { text = "a" })
  clock.advance(38)
  expect(#asked).is(1)
  clock.advance(10)
  expect(#asked >= 2).is(true)
  expect(outbox.list()[1].attempts).is(1)
  expect(states()).is "waiting"
end)

it("waits until the date of Retry-After", function()
  local clock = open()
  local date = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + 40)
  answer = function(n) if n == 1 then return 503, "", { ["Retry-After"] = date } end return 201, "{}" end
  assert(by_key { text = "a" })
  clock.advance(38)
  expect(#asked).is(1)
  clock.advance(10)
  expect(#asked).is(2)
end)

it("holds what may not be sent twice once its answer is lost", function()
  local clock = open()
  answer = lost
  local entry = assert(never { text = "a" })
  clock.advance(100)
  expect(#asked).is(1)
  expect(states()).is "held"
  expect(outbox.list()[1].reason.code).is "UNKNOWN"
  local no, err = entry:edit { text = "b" }
  expect(no).is(nil)
  expect(err.code).is "BUSY"
  answer = function() return "fine" end
  assert(entry:retry())
  clock.advance(1)
  expect(#asked).is(2)
  expect(asked[2].key).is(asked[1].key)
end)

it("repeats under its key while the server is known to honour it", function()
  local clock = open()
  answer = lost
  assert(by_key { text = "a" })
  clock.advance(300)
  expect(#asked > 4).is(true)
  clock.advance(1000)
  expect(states()).is "held"
  local before = #asked
  clock.advance(1000)
  expect(#asked).is(before)
end)

it("is not misled by a wall clock that steps by a day", function()
  local clock = open()
  answer = lost
  assert(by_key { text = "a" })
  clock.advance(20)
  local before = #asked
  clock.step(86400)
  clock.advance(100)
  expect(#asked > before).is(true)
  clock.step(-2 * 86400)
  clock.advance(100)
  expect(states():find "held").is(nil)
end)

it("asks first what became of it, where it can", function()
  local clock = open()
  answer = lost
  assert(looks { text = "a" })
  clock.advance(2.2)
  found = true
  clock.advance(60)
  expect(looked).is(1)
  expect(#asked).is(1)
  expect(outbox.count()).is(0)
  found = false
  assert(looks { text = "b" })
  clock.advance(2.2)
  answer = function() return "fine" end
  clock.advance(60)
  expect(texts()).is "a b b"
end)

it("takes no answer for no delivery", function()
  local clock = open()
  assert(silent { text = "a" })
  clock.advance(60)
  expect(states()).is "held"
  expect(outbox.list()[1].reason.message).matches "returned nothing"
end)

it("ends after so many attempts, and says what expired", function()
  local clock = open()
  answer = function() return 500, "" end
  assert(bounded { text = "a" })
  clock.advance(60)
  expect(#asked).is(2)
  expect(states()).is "dead"
  local first = outbox.list()[1]
  local behind = assert(bounded { text = "b" })
  clock.advance(3700)
  assert(outbox.discard(first.id))
  clock.advance(1)
  expect(#asked).is(2)
  expect(outbox.list()[1].reason.code).is "EXPIRED"
  expect(outbox.list()[1].id).is(behind.id)
end)

it("makes one attempt a time: a client's retries are not multiplied", function()
  local clock = open()
  answer = function(n) if n < 3 then return 503, "" end return "fine" end
  assert(keeps_trying { text = "own" })
  clock.advance(30)
  expect(outbox.count()).is(0)
  expect(#asked).is(3)
  expect(asked[3].key).is(asked[1].key)
  asked, answer = {}, function() return 503, "" end
  assert(by_key { text = "a" })
  clock.advance(0.4)
  expect(#asked).is(1)
end)

it("gives a second request a key of its own, the same at each attempt", function()
  local clock = open()
  answer = function(n) if n == 2 then return 503, "" end return "fine" end
  local entry = assert(two { text = "a" })
  clock.advance(30)
  expect(#asked).is(4)
  expect(asked[1].key).is(entry.id)
  expect(asked[2].key).is(entry.id .. ":2")
  expect(asked[3].key).is(asked[1].key)
  expect(asked[4].key).is(asked[2].key)
end)

it("refuses what it cannot keep", function()
  open()
  expect(function() by_key { f = print } end).raises "plain data"
  local none, err = by_key { text = ("x"):rep(2 << 20) }
  expect(none).is(nil)
  expect(err.code).is "TOO_LARGE"
  expect(outbox.count()).is(0)
end)

it("says what is missing in a definition", function()
  expect(function() outbox.define("x", { send = print }) end).raises 'must say repeats = "safe"'
  expect(function() outbox.define("x", { repeats = "key" }) end).raises "needs a function `send`"
  expect(function() outbox.define("x", { repeats = "key", send = print, sned = 1 }) end).raises "sned"
  expect(function() outbox.define("by_key", { repeats = "key", send = print }) end).raises "defined already"
  expect(function() outbox.define("a b", { repeats = "key", send = print }) end).raises "letters"
end)

-- --- the age of a key ------------------------------------------------------------------------

local note = { sent_at = 1000, sent_boot = 50, boot = "b", process = "b1" }

it("knows the age of a key by the clock that nobody sets", function()
  expect(plan.age(note, { wall = 99999, boot = 70, boot_id = "b", process = "b1" })).is(20)
  expect(plan.age(note, { wall = 1021, boot = 70, boot_id = "b", process = "b2" })).is(20)
  expect(plan.age(note, { wall = 1090, boot = 70, boot_id = "b", process = "b2" })).is(nil)
  expect(plan.age(note, { wall = 2000, boot = 7, boot_id = "c", process = "c1" })).is(1000)
  expect(plan.age(note, { wall = 900, boot = 7, boot_id = "c", process = "c1" })).is(nil)
end)

-- --- changes that are shown -------------------------------------------------------------------

local store = require "tidelock.store"
local json = require "tidelock.json"
local chat = store.define("chat", { initial = { messages = json.array {} } })
local shows = outbox.define("shows", { repeats = "safe", on = function() return chat end,
  apply = function(draft, args, entry)
    for _, one in ipairs(draft.messages) do if one.id == entry.id then return end end
    table.insert(draft.messages, { id = entry.id, text = args.text, pending = true })
  end,
  settle = function(draft, args, result, entry)
    table.insert(draft.messages, { id = entry.id, text = args.text .. result.body })
  end,
  lane = function(args) return args.text end, send = function(args) return post(args) end })

local function shown()
  local list = {}
  for i, one in ipairs(chat:get "messages") do list[i] = one.text .. (one.pending and "?" or "") end
  return table.concat(list, " ")
end

it("shows a change in the same turn, and settles it in the base", function()
  local clock = open()
  chat:reset()
  answer = function() return "!" end
  shows:post { text = "a" }
  expect(shown()).is "a?"
  clock.advance(1)
  expect(shown()).is "a!"
  expect(outbox.count()).is(0)
end)

it("takes out the change of one that fails, and nobody else's (snapshot rollback, undo by index)", function()
  local clock = open()
  chat:reset()
  answer = function(_, req) if req.body:find "bad" then return 422, "no" end return 503, "later" end
  assert(shows { text = "a" })
  local bad = assert(shows { text = "bad" })
  assert(shows { text = "c" })
  clock.advance(0.2)
  chat:change(function(draft) table.insert(draft.messages, 1, { id = "s", text = "server" }) end)
  expect(shown()).is "server a? bad? c?"
  expect(bad:discard()).is(true)
  expect(shown()).is "server a? c?"
  answer = function() return "!" end
  clock.advance(60)
  expect(#chat:get "messages").is(3)
  expect(shown():find("?", 1, true)).is(nil)
end)
