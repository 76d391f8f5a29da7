-- Queries and requests: one layer retries, and what happens while no server is reached.
local test = require "tidelock.test"
local http = require "tidelock.http"
local net = require "tidelock.net"
local query = require "tidelock.query"
local task = require "tidelock.task"
local expect, it, describe = test.expect, test.it, test.describe

local number = 0
local function new(fetch, options)
  number = number + 1
  options = options or {}
  options.fetch = fetch
  return query.define("n" .. number, options)
end

describe("one layer retries", function()
  it("a request of a query's function is one attempt", function()
    local clock = test.clock()
    local server = test.server { routes = { ["GET /x"] = { status = 503 } } }
    local api = http.client { base_url = server.url, retries = 5 }
    local q = new(function() return api:get("/x", { expect = "2xx" }) end, { retry = 2 })
    local waiting = task.spawn(function() return q:get() end)
    clock.advance(100)
    expect(waiting:status()).equals "done"
    expect(#server.requests).equals(3)
  end)

  it("also one of a task that the function starts, and a query asked within", function()
    local clock = test.clock()
    local server = test.server { routes = { ["GET /x"] = { status = 503 } } }
    local function ask() return http.get(server.url .. "/x", { expect = "2xx" }) end
    local inner = new(ask, { retry = 0 })
    local function ask_all() return task.all { ask, ask, function() return inner:get() end } end
    local q = new(ask_all, { retry = 0 })
    local waiting = task.spawn(function() return q:get() end)
    clock.advance(100)
    expect(waiting:status()).equals "done"
    expect(#server.requests).equals(3)
  end)

  it("unless the request itself says how many", function()
    local clock = test.clock()
    local server = test.server { routes = { ["GET /x"] = { status = 503 } } }
    local options = { expect = "2xx", retries = 1 }
    local q = new(function() return http.get(server.url .. "/x", options) end, { retry = 0 })
    task.spawn(function() return q:get() end)
    clock.advance(100)
    expect(#server.requests).equals(2)
    task.spawn(function() http.get(server.url .. "/x") end) -- outside: as ever
    clock.advance(100)
    expect(#server.requests).equals(5)
  end)
end)

describe("without a network", function()
  local function begin()
    local clock = test.clock()
    local server = test.server { routes = { ["GET /x"] = { data = "here" } } }
    local q = new(function() return http.get(server.url .. "/x", { value = true }) end)
    return clock, server, q
  end

  it("a fetch is paused, says so, and goes on when it is back", function()
    local clock, server, q = begin()
    local changes = {}
    local handle = net.on_change(function(online) changes[#changes + 1] = tostring(online) end)
    server:fail("refuse", { times = math.huge })
    local waiting = task.spawn(function() return q:get("data") end)
    clock.advance(3)
    expect(net.online()).equals(false)
    expect(q:state().fetch_status).equals "paused"
    expect(q:state().status).equals "pending"
    expect(q:state().error).is_nil()
    server:fail "none"
    clock.advance(5)
    expect(waiting:await()).equals "here"
    expect(q:state().fetch_status).equals "idle"
    expect(net.online()).equals(true)
    expect(table.concat(changes, " ")).equals "false true"
    handle:off()
  end)

  it("who waits without data gets the error after a while, and the fetch stays", function()
    local clock, server, q = begin()
    server:fail("refuse", { times = math.huge })
    local waiting = task.spawn(function() return select(2, q:get()) end)
    clock.advance(11)
    expect(waiting:status()).equals "done"
    expect(waiting:await().code).equals "CONNECT"
    expect(q:state().fetch_status).equals "paused"
    server:fail "none"
    clock.advance(60)
    expect(q:peek("data")).equals "here"
  end)

  it("who has data keeps it, and gets it at once", function()
    local clock, server, q = begin()
    q:get()
    server:fail("refuse", { times = math.huge })
    clock.advance(120)
    local waiting = task.spawn(function() return q:get("data") end)
    clock.advance(0.1)
    expect(waiting:status()).equals "done"
    expect(waiting:await()).equals "here"
    expect(q:state().fetch_status).equals "paused"
    expect(q:state().status).equals "success"
    server:fail "none"
    clock.advance(60)
  end)

  it("what is observed is asked for when it is back, all at once", function()
    local clock, server, q = begin()
    server:fail("refuse", { times = math.huge })
    local others = {}
    for i = 1, 20 do others[i] = q(i):subscribe(function() end) end
    clock.advance(1)
    local tried = server:connections()
    clock.advance(600)
    expect(tried).equals(0)
    server:fail "none"
    http.get(server.url .. "/x", { breaker = false })
    clock.advance(20) -- the breaker may be open still
    for i = 1, 20 do expect(q(i):peek("data")).equals "here" end
    for _, handle in ipairs(others) do handle:off() end
  end)

  it("one server that is down, of two that are asked, is not the network", function()
    local clock = test.clock()
    local server, other = test.server { routes = { ["GET /x"] = "a" } }, test.server { host = "other.test",
      routes = { ["GET /x"] = "b" } }
    local q = new(function() return http.get(other.url .. "/x") end, { retry = 0 })
    http.get(server.url .. "/x")
    other:fail("refuse", { times = math.huge })
    local waiting = task.spawn(function() return select(2, q:get()) end)
    clock.advance(1)
    expect(waiting:await().code).equals "CONNECT"
    expect(net.online()).equals(true)
    expect(q:state().status).equals "error"
  end)

  it("focus asks for what is observed and stale", function()
    local calls = 0
    local q = new(function()
      calls = calls + 1
      return calls
    end)
    local handle = q:subscribe(function() end)
    task.sleep(0.01)
    query.focus()
    task.sleep(0.01)
    expect(calls).equals(2)
    handle:off()
    query.focus()
    task.sleep(0.01)
    expect(calls).equals(2)
  end)
end)
