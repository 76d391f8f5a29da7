-- Queries in one process: what is asked for when, and what is shown meanwhile. The names of the groups
-- are those of the peers that have got it wrong. Over reloads and restarts: tests/e2e/query_cases.py.
local test = require "tidelock.test"
local errors = require "tidelock.errors"
local json = require "tidelock.json"
local query = require "tidelock.query"
local script = require "tidelock.script"
local store = require "tidelock.store"
local task = require "tidelock.task"
local expect, it, describe = test.expect, test.it, test.describe

local calls, answer, delay, seen = 0, nil, 0, nil
local number = 0

-- A query of its own for each test. Its function gives "answer N", or what `answer` says.
local function new(options)
  number, calls, answer, delay = number + 1, 0, nil, 0
  options = options or {}
  options.fetch = options.fetch or function(params, info)
    calls = calls + 1
    local mine, call = answer, calls
    seen = { params = params, key = info.key }
    if delay > 0 then task.sleep(delay) end
    if type(mine) == "function" then return mine(call) end
    return mine or "answer " .. call
  end
  return query.define("q" .. number, options), "q" .. number
end

local function failing(code, fields)
  return function()
    local err = errors.new { code = code, message = "on purpose" }
    for name, value in pairs(fields or {}) do err[name] = value end
    return nil, err
  end
end

local function begin_get(q)
  local waiting = task.spawn(function() return q:get() end)
  task.sleep(0)
  task.sleep(0)
  return waiting
end

describe("a query", function()
  it("waits for its data, and has a state", function()
    local q = new()
    local before = q:state()
    expect(before.status).equals "pending"
    expect(before.fetch_status).equals "idle"
    expect(q:get()).equals "answer 1"
    local after = q:state()
    expect(after.status).equals "success"
    expect(after.data).equals "answer 1"
    expect(after.error).equals(nil)
    expect(math.abs(after.updated_at - os.time()) <= 2).equals(true)
  end)

  it("is pending and fetching meanwhile", function()
    local clock = test.clock()
    local q = new()
    delay = 1
    local waiting = begin_get(q)
    expect(q:state().status).equals "pending"
    expect(q:state().fetch_status).equals "fetching"
    clock.advance(1)
    expect(waiting:await()).equals "answer 1"
    expect(q:state().fetch_status).equals "idle"
  end)

  it("gets its parameters and its key", function()
    local q, name = new()
    q { room = 7 }:get()
    expect(seen.params.room).equals(7)
    expect(seen.key).equals { name, { room = 7 } }
    q:with(false):get()
    expect(seen.params).equals(false)
    local own = new { key = function(id) return { "messages", id } end }
    own(3):get()
    expect(seen.key).equals { "messages", 3 }
  end)

  it("is fresh for stale_time", function()
    local clock = test.clock()
    local q = new { stale_time = 10 }
    q:get()
    clock.advance(9.9)
    expect(q:get()).equals "answer 1"
    clock.advance(0.2)
    expect(q:get()).equals "answer 2"
  end)

  it("gives a part by its path", function()
    local q = new { stale_time = 10 }
    answer = { list = { { name = "a" } } }
    expect(q:get("list", 1, "name")).equals "a"
    expect(q:peek("list", 1, "name")).equals "a"
    expect(q:peek("list", 2, "name")).equals(nil)
  end)

  it("shows a placeholder that is never data", function()
    local q = new { placeholder = { "empty" } }
    local state = q:state()
    expect(state.status).equals "success"
    expect(state.placeholder).equals(true)
    expect(state.data[1]).equals "empty"
    expect(q:peek()).equals(nil)
    q:get()
    expect(q:state().data).equals "answer 1"
  end)

  it("selects, and a select that raises is the error of who looks", function()
    local q = new { stale_time = 10, select = function(data)
      if #data == 0 then error "nothing to count" end
      return { count = #data }
    end }
    answer = { "a", "b" }
    expect(q:get().count).equals(2)
    expect(q:get("count")).equals(2)
    expect(rawequal(q:get(), q:get())).equals(true)
    q:set_data(json.array {})
    local data, err = q:get()
    expect(data).equals(nil)
    expect(err.message).contains "nothing to count"
    expect(q:state().status).equals "error"
  end)

  it("keeps false, 0, null and empty lists as data", function()
    for _, value in ipairs { false, 0, json.null, json.array {}, "" } do
      local q = new { stale_time = 10 }
      answer = function() return value end
      q:get()
      q:get()
      expect(calls).equals(1)
      expect(q:state().status).equals "success"
    end
  end)

  it("is a store's reading side: derived values follow it", function()
    local q = new()
    answer = 41
    local other = store.define("other" .. number, { initial = { n = 1 } })
    local sum = store.derive({ q, other }, function(data, state) return (data or 0) + state.n end)
    expect(sum:get()).equals(1)
    local heard = {}
    local handle = sum:subscribe(function(value) heard[#heard + 1] = value end)
    task.sleep(0.01)
    expect(sum:get()).equals(42)
    expect(heard[#heard]).equals(42)
    handle:off()
  end)
end)

describe("TanStack", function()
  it("an invalidation during the first fetch is not lost", function()
    local clock = test.clock()
    local q, name = new { stale_time = 1000 }
    delay = 1
    local waiting = begin_get(q)
    query.invalidate { name }
    clock.advance(2)
    expect(calls).equals(2)
    expect(waiting:await()).equals "answer 2"
    expect(q:state().invalid).equals(false)
  end)

  it("an invalidation during a refetch that nobody observes is not lost", function()
    local clock = test.clock()
    local q = new { stale_time = 1000 }
    q:get()
    delay = 1
    q:invalidate()
    q:prefetch()
    clock.advance(0.5)
    q:invalidate()
    clock.advance(2)
    expect(q:peek()).equals "answer 3"
    expect(q:state().invalid).equals(false)
  end)

  it("invalidations that never end do not let a caller wait for ever", function()
    local clock = test.clock()
    local q = new()
    delay = 1
    local waiting = begin_get(q)
    for _ = 1, 6 do
      clock.advance(0.5)
      q:invalidate()
    end
    expect(waiting:status()).equals "done"
    clock.advance(10)
    expect(q:state().invalid).equals(false)
  end)

  it("an answer older than a local write never wins, and one more follows", function()
    local clock = test.clock()
    local q = new { stale_time = 1000 }
    delay = 1
    local waiting = begin_get(q)
    clock.advance(0.5)
    q:set_data "mine"
    clock.advance(0.6)
    expect(q:peek()).equals "mine"
    clock.advance(1)
    expect(q:peek()).equals "answer 2"
    expect(waiting:await()).equals "answer 2"
  end)

  it("a guess does not become fresh", function()
    local q = new { stale_time = 1000 }
    q:get()
    q:invalidate()
    q:set_data "guess"
    expect(q:state().invalid).equals(true)
    expect(q:get()).equals "answer 2"
    expect(q:state().invalid).equals(false)
  end)

  it("1,000 callers are one call", function()
    local q = new()
    delay = 0.01
    local members = {}
    for i = 1, 1000 do members[i] = function() return q:get() end end
    local results = task.all(members)
    expect(calls).equals(1)
    expect(results[1000]).equals "answer 1"
  end)

  it("an error is not asked again by each who comes", function()
    local clock = test.clock()
    local q = new { retry = 0 }
    answer = failing "REJECTED"
    for _ = 1, 5 do
      local data, err = q:get()
      expect(data).equals(nil)
      expect(err.code).equals "REJECTED"
      q:subscribe(function() end)
      q:prefetch()
      clock.advance(0.5)
    end
    expect(calls).equals(1)
    clock.advance(5)
    q:get()
    expect(calls).equals(2)
    q:refetch()
    expect(calls).equals(3)
  end)

  it("keeps the data beside an error", function()
    local q = new { retry = 0 }
    q:get()
    answer = failing "REJECTED"
    q:refetch()
    local state = q:state()
    expect(state.status).equals "error"
    expect(state.error.code).equals "REJECTED"
    expect(state.data).equals "answer 1"
    answer = nil
    q:refetch()
    expect(q:state().error).equals(nil)
    expect(q:state().status).equals "success"
  end)

  it("a function that gives nothing is an error, and asked once", function()
    local q = new()
    answer = function() return nil end
    local _, err = q:get()
    expect(err.code).equals "INVALID"
    expect(err.message).contains("q" .. number)
    expect(calls).equals(1)
  end)

  it("a function that raises is an error with its place, and asked once", function()
    local q = new()
    answer = function() error "out of cheese" end
    local _, err = q:get()
    expect(err.code).equals "SCRIPT"
    expect(err.message).contains "query_test.lua"
    expect(err.message).contains "out of cheese"
    expect(calls).equals(1)
  end)

  it("what cannot be kept is an error with its path", function()
    local q = new()
    answer = function() return { list = { print } } end
    local _, err = q:get()
    expect(err.code).equals "INVALID"
    expect(err.message).contains "list"
    expect(q:state().fetch_status).equals "idle"
  end)

  it("an enormous gc_time does not run over", function()
    local clock = test.clock()
    for _, seconds in ipairs { 2 ^ 31, 1e18, math.huge, math.maxinteger } do
      local q = new { gc_time = seconds, stale_time = math.huge }
      q:get()
      clock.advance(86400)
      expect(q:peek()).equals "answer 1"
    end
  end)

  it("what nobody uses is dropped after gc_time", function()
    local clock = test.clock()
    local q = new { gc_time = 60, stale_time = 1000 }
    q(1):get()
    q(2):get()
    clock.advance(40)
    q(2):get()
    clock.advance(30)
    expect(q(1):peek()).equals(nil)
    expect(q(2):peek()).equals "answer 2"
    local handle = q(2):subscribe(function() end)
    clock.advance(1000)
    expect(q(2):peek()).equals "answer 2"
    handle:off()
    clock.advance(61)
    expect(q(2):state().status).equals "pending"
  end)

  it("the last observer leaves, and the fetch goes on into the cache", function()
    local clock = test.clock()
    local q = new { stale_time = 1000 }
    delay = 1
    local handle = q:subscribe(function() end)
    clock.advance(0.5)
    handle:off()
    handle:off()
    clock.advance(1)
    expect(q:peek()).equals "answer 1"
    expect(calls).equals(1)
  end)

  it("a caller that is cancelled leaves the others waiting", function()
    local clock = test.clock()
    local q = new()
    delay = 1
    local first, second = begin_get(q), begin_get(q)
    first:cancel()
    clock.advance(2)
    expect(second:await()).equals "answer 1"
    expect(calls).equals(1)
  end)

  it("an observer asks at once, and hears of what comes", function()
    local q = new()
    local heard = {}
    local handle = q:subscribe(function(value, old) heard[#heard + 1] = { value, old } end)
    task.sleep(0.01)
    expect(heard[1][1]).equals "answer 1"
    q:invalidate()
    task.sleep(0.01)
    expect(heard[2][1]).equals "answer 2"
    expect(heard[2][2]).equals "answer 1"
    handle:off()
    q:invalidate()
    task.sleep(0.01)
    expect(calls).equals(2)
  end)

  it("an interval goes on without a window", function()
    local clock = test.clock()
    local q = new { refetch_interval = 10 }
    local handle = q:subscribe(function() end)
    clock.advance(35)
    expect(calls).equals(4)
    handle:off()
    clock.advance(100)
    expect(calls).equals(4)
  end)

  it("who hears of the state hears of fetching and of errors", function()
    local q = new { retry = 0 }
    local states = {}
    local handle = q:on_state(function(state)
      states[#states + 1] = state.status .. " " .. state.fetch_status
    end)
    task.sleep(0.01)
    expect(states[#states]).equals "success idle"
    answer = failing "REJECTED"
    q:refetch()
    task.sleep(0.01)
    expect(states[#states]).equals "error idle"
    handle:off()
  end)
end)

describe("retries", function()
  it("are three, with growing waits and jitter", function()
    local clock = test.clock()
    local q = new()
    answer = failing "RESET"
    local waiting = begin_get(q)
    clock.advance(7.01)
    expect(waiting:status()).equals "done"
    expect(calls).equals(4)
  end)

  it("wait as long as the server says", function()
    local clock = test.clock()
    local q = new { retry = 1 }
    answer = failing("HTTP", { status = 503, retry_after = 20 })
    begin_get(q)
    clock.advance(19)
    expect(calls).equals(1)
    clock.advance(2)
    expect(calls).equals(2)
  end)

  it("are none for what the server will refuse again", function()
    local clock = test.clock()
    for _, status in ipairs { 400, 401, 403, 404, 422 } do
      local q = new()
      answer = failing("HTTP", { status = status })
      q:get()
      expect(calls).equals(1)
    end
    for _, status in ipairs { 408, 425, 429, 500, 503 } do
      local q = new()
      answer = failing("HTTP", { status = status })
      begin_get(q)
      clock.advance(100)
      expect(calls).equals(4)
    end
  end)

  it("are what a function says", function()
    local clock = test.clock()
    local q = new { retry = function(attempt, err) return attempt < 3 and err.code == "RESET" and 5 end }
    answer = failing "RESET"
    begin_get(q)
    clock.advance(4.9)
    expect(calls).equals(1)
    clock.advance(6)
    expect(calls).equals(3)
    clock.advance(100)
    expect(calls).equals(3)
  end)
end)

describe("invalidation", function()
  it("is by prefix, in all queries", function()
    local first = new { key = { "projects" }, stale_time = 1000 }
    local function is_stale(q) return q:state().invalid end
    local second = new { key = function(id) return { "projects", id.at, id } end, stale_time = 1000 }
    local third = new { key = { "projects2" }, stale_time = 1000 }
    first:set_data(1)
    third:set_data(1)
    local seven, eight = second { at = 7, x = 1 }, second { at = 8 }
    seven:set_data(1)
    eight:set_data(1)
    query.invalidate { "projects", 7.0 }
    expect(is_stale(seven)).equals(true)
    expect(is_stale(eight)).equals(false)
    expect(is_stale(first)).equals(false)
    query.invalidate { "projects" }
    expect(is_stale(eight)).equals(true)
    expect(is_stale(first)).equals(true)
    expect(is_stale(third)).equals(false)
  end)

  it("is by tag", function()
    local q = new { stale_time = 1000, tags = function(data) return { "all", "n" .. data } end }
    q(1):set_data(1)
    q(2):set_data(2)
    query.invalidate_tag "n1"
    expect(q(1):state().invalid).equals(true)
    expect(q(2):state().invalid).equals(false)
    q(3):set_data(3)
    query.invalidate_tag "all"
    expect(q(2):state().invalid).equals(true)
    expect(q(3):state().invalid).equals(true)
    q(3):remove()
    query.invalidate_tag "all"
    expect(q(3):state().status).equals "pending"
  end)

  it("is by a function", function()
    local q, name = new { stale_time = 1000 }
    q(1):set_data(10)
    q(2):set_data(20)
    query.invalidate(function(info) return info.name == name and info.data == 20 and info.key[2] == 2 end)
    expect(q(1):state().invalid).equals(false)
    expect(q(2):state().invalid).equals(true)
  end)
end)

describe("keys", function()
  local function same(q, a, b) return q(a).k == q(b).k end

  it("are the same whatever the order of names, and 1 is 1.0", function()
    local q = new()
    expect(same(q, { a = 1, b = { 2, "x" } }, { b = { 2.0, "x" }, a = 1.0 })).equals(true)
    expect(same(q, { a = 1 }, { a = "1" })).equals(false)
    expect(same(q, { "a,b" }, { "a", "b" })).equals(false)
    expect(same(q, 'a","b', { "a", "b" })).equals(false)
    expect(same(q, true, "true")).equals(false)
    expect(same(q, json.null, "null")).equals(false)
    expect(same(q, 0.1, 0.1000000001)).equals(false)
    expect(same(q, 2 ^ 53, 2 ^ 53 + 2)).equals(false)
  end)

  it("are refused where they are none", function()
    local q = new()
    local loop = {}
    loop.loop = loop
    for _, params in ipairs { 0 / 0, math.huge, print, { 1, nil, 3 }, { [1.5] = 1 }, { 1, a = 2 }, { print },
      loop, task.spawn(function() end) } do
      expect(function() q(params) end).raises "key"
    end
    expect(function() query.define("bad", { fetch = print, key = {} }) end).raises "empty"
    expect(function() query.define("bad", { fetch = print, key = { a = 1 } }) end).raises "a key is a list"
    expect(function() query.invalidate {} end).raises "empty"
    expect(function() query.invalidate "projects" end).raises "a key is a list"
  end)
end)

describe("lists of pages", function()
  local fail_at, asked, total = nil, nil, 0
  local function list(options)
    asked, fail_at = {}, nil
    options = options or {}
    options.first, options.retry = options.first or 5, 0
    options.next = function(page, param) return param < 9 and page[1] + 1 or nil end
    options.previous = function(page, param) return param > 1 and page[1] - 1 or nil end
    options.fetch = function(_, info)
      asked[#asked + 1] = info.page
      if delay > 0 then task.sleep(delay) end
      if fail_at == info.page then return nil, errors.new { code = "REJECTED" } end
      total = total + 1
      return { info.page, "page " .. total }
    end
    return (new(options))
  end
  local function first_of(q)
    local numbers = {}
    for i, page in ipairs(q:peek("pages")) do numbers[i] = page[1] end
    return table.concat(numbers, " ")
  end

  it("grow in both directions", function()
    local q = list { stale_time = 1000 }
    q:get()
    expect(first_of(q)).equals "5"
    q:fetch_next()
    q:fetch_previous()
    expect(first_of(q)).equals "4 5 6"
    expect(q:has_next()).equals(true)
    expect(#asked).equals(3)
    for _ = 1, 10 do q:fetch_next() end
    expect(first_of(q)).equals "4 5 6 7 8 9"
    expect(q:has_next()).equals(false)
  end)

  it("have max_pages, at the other end", function()
    local q = list { max_pages = 2, stale_time = 1000 }
    q:get()
    q:fetch_next()
    q:fetch_next()
    expect(first_of(q)).equals "6 7"
    q:fetch_previous()
    expect(first_of(q)).equals "5 6"
    asked = {}
    q:refetch()
    expect(#asked).equals(2)
    expect(asked[1]).equals(5)
  end)

  it("a page that is asked for does not end the refetch, and all are swapped as one", function()
    local clock = test.clock()
    local q = list { stale_time = 1000 }
    q:get()
    q:fetch_next()
    q:fetch_next()
    local shown, old = {}, q:peek "pages"
    local handle = q:subscribe(function(data) shown[#shown + 1] = #data.pages end)
    delay, asked = 1, {}
    q:invalidate()
    clock.advance(0.5)
    local more = task.spawn(function() return q:fetch_next() end)
    clock.advance(2)
    expect(q:peek "pages" == old).equals(true)
    clock.advance(2)
    expect(#shown).equals(2)
    expect(shown[1]).equals(3)
    expect(more:status()).equals "done"
    expect(table.concat(asked, " ")).equals "5 6 7 8"
    expect(first_of(q)).equals "5 6 7 8"
    handle:off()
  end)

  it("a page that fails keeps the old ones", function()
    local q = list { stale_time = 1000 }
    q:get()
    q:fetch_next()
    local old = q:peek "pages"
    fail_at = 6
    local data, err = q:refetch()
    expect(data).equals(nil)
    expect(err.code).equals "REJECTED"
    expect(q:peek "pages" == old).equals(true)
    fail_at = 7
    data = q:fetch_next()
    expect(data).equals(nil)
    expect(q:peek "pages" == old).equals(true)
  end)

  it("two who want the next page are one request", function()
    local q = list { stale_time = 1000 }
    q:get()
    delay, asked = 0.01, {}
    task.all { function() return q:fetch_next() end, function() return q:fetch_next() end }
    expect(#asked).equals(1)
    expect(first_of(q)).equals "5 6"
  end)
end)

describe("misuse", function()
  it("is told with the name of the option", function()
    local wrong = { stale_time = -1, gc_time = 0 / 0, retry = 1.5, refetch_interval = 0, share = "all",
      tags = 3,
      persist = "yes", max_pages = 0, placeholders = 1, select = {}, session = {}, error_time = "5" }
    for name, value in pairs(wrong) do
      expect(function() query.define("wrong", { fetch = print, [name] = value }) end).raises(name)
    end
    expect(function() query.define("wrong", {}) end).raises "fetch"
    expect(function() query.define("bad name", { fetch = print }) end).raises "bad name"
    expect(function() new():set_data(nil) end).raises "set_data"
    expect(function() new():sub() end).raises "sub"
    expect(function() new():fetch_next() end).raises "pages"
    expect(script.name ~= nil).equals(true)
  end)
end)
