-- Sessions over time: refused tokens that are old or new, clocks that step, refreshes that fail, hang and
-- are asked for at once. The clock is the test's.
local test = require "tidelock.test"
local errors = require "tidelock.errors"
local http = require "tidelock.http"
local session = require "tidelock.session"
local task = require "tidelock.task"
local expect, it = test.expect, test.it

-- What the server does.
local good, number, refreshes, asked, life, fault, delay, challenge

local function rotate()
  number = number + 1
  good = "access" .. number
  return { access = good, refresh = "refresh" .. number, expires_in = life }
end

local api, me
me = session.define("me", {
  origins = { "http://api.test" },
  login = function() return api:post("/login", { value = true }) end,
  refresh = function(token)
    return api:post("/refresh", { json = { token = token }, value = true, retries = 0 })
  end,
})
api = http.client { base_url = "http://api.test", session = me, breaker = false, timeout = 60 }

local function open_server()
  number, refreshes, asked, life, fault, delay, challenge = 0, 0, 0, nil, nil, 0, nil
  local clock = test.clock()
  local srv = test.server { host = "api.test" }
  srv:route("POST", "/login", function() return rotate() end)
  srv:route("POST", "/refresh", function()
    refreshes = refreshes + 1
    if delay > 0 then task.sleep(delay) end
    if fault then return fault.status, fault.body, { ["Content-Type"] = "application/json" } end
    return rotate()
  end)
  srv:route("GET", "/x", function(req)
    asked = asked + 1
    if req.headers.authorization == "Bearer " .. good then return "fine" end
    return 401, "no", challenge and { ["WWW-Authenticate"] = challenge } or {}
  end)
  me:logout()
  expect(me:login()).is(true)
  return clock, srv
end

local function status() return api:get("/x").status end
local function state()
  local now = me:state()
  return now.status .. (now.reason and " " .. now.reason or "")
end

-- What `fn` gives within so many seconds.
local function within(clock, seconds, fn)
  local results
  task.spawn(function() results = table.pack(fn()) end)
  clock.advance(seconds)
  if not results then error("no end within " .. seconds .. " s", 2) end
  return table.unpack(results, 1, results.n)
end

it("renews an old token that is refused, once for many", function()
  local clock = open_server()
  clock.advance(31)
  good, delay = "another", 2
  local statuses = {}
  for i = 1, 20 do task.spawn(function() statuses[i] = status() end) end
  clock.advance(1)
  for i = 21, 40 do task.spawn(function() statuses[i] = status() end) end -- a 401 during the refresh
  clock.advance(2)
  expect(#statuses).is(40)
  for i = 1, 40 do expect(statuses[i]).is(200) end
  expect(refreshes).is(1)
end)

it("takes a new token that is refused as final", function()
  local clock = open_server()
  clock.advance(29)
  good = "another"
  expect(status()).is(401)
  expect(state()).is "closed rejected"
  expect(refreshes).is(0)
  expect(asked).is(1)
  local _, err = me:token()
  expect(errors.is(err, "CLOSED")).is(true)
end)

for said, renewed in pairs {
  ['Bearer realm="x", error="invalid_token", error_description="expired"'] = 1,
  ["Bearer error=invalid_token"] = 1, ["Bearer"] = 1, ['Basic realm="x"'] = 1,
  ['Bearer error="insufficient_scope"'] = 0, ['Bearer error="invalid_request"'] = 0,
} do
  it("reads why a 401 is one: " .. said, function()
    local clock = open_server()
    clock.advance(31)
    good, challenge = "another", said
    expect(status()).is(renewed == 1 and 200 or 401)
    expect(refreshes).is(renewed)
  end)
end

it("renews early: 60 s, or 10 % of a short life", function()
  local clock = open_server()
  for _, case in ipairs { { 3600, 3539, 3541 }, { 100, 89, 91 } } do
    life = case[1]
    me:login()
    refreshes = 0
    clock.advance(case[2])
    expect(status()).is(200)
    expect(refreshes).is(0)
    clock.advance(case[3] - case[2])
    expect(status()).is(200)
    expect(refreshes).is(1)
  end
end)

it("goes by no clock that is set", function()
  local clock = open_server()
  life = 3600
  me:login()
  for _, seconds in ipairs { 86400, -172800, 3600 } do
    clock.step(seconds)
    expect(status()).is(200)
  end
  expect(refreshes).is(0)
end)

it("counts the time that the machine slept", function()
  local clock = open_server()
  life = 3600
  me:login()
  clock.suspend(3599)
  expect(status()).is(200)
  expect(refreshes).is(1)
end)

it("keeps the tokens while the server fails, and asks after a while alone", function()
  local clock = open_server()
  life = 100
  me:login()
  clock.advance(95)
  fault = { status = 503, body = "down" }
  expect(status()).is(200)
  expect(status()).is(200)
  expect(refreshes).is(1)
  clock.advance(1.1)
  expect(status()).is(200)
  expect(refreshes).is(2)
  clock.advance(10)
  local res, err = api:get "/x"
  expect(res).is_nil()
  expect(err.sent).is "no"
  expect(state()).is "open"
  fault = nil
  clock.advance(30)
  expect(status()).is(200)
  expect(state()).is "open"
end)

for _, case in ipairs { { 400, '{"error":"invalid_grant"}', "closed expired" },
  { 401, '{"error":"invalid_grant"}', "closed expired" }, { 500, '{"error":"invalid_grant"}', "open" },
  { 400, '{"error":"invalid_request"}', "open" }, { 401, "no", "open" }, { 400, "[]", "open" } } do
  it(("is ended by invalid_grant alone: %d %s"):format(case[1], case[2]), function()
    local clock = open_server()
    clock.advance(31)
    good, fault = "another", { status = case[1], body = case[2] }
    expect(status()).is(401)
    expect(state()).is(case[3])
    expect(refreshes).is(1)
  end)
end

it("gives a refresh 10 s, and callers their own time besides", function()
  local clock = open_server()
  clock.advance(31)
  good, delay = "another", 1000
  local res = within(clock, 10.1, function() return api:get("/x", { timeout = 1 }) end)
  expect(res.status).is(401)
  expect(state()).is "open"
end)

it("renews though its first caller is cancelled", function()
  local clock = open_server()
  clock.advance(31)
  good, delay = "another", 2
  local got
  local first = task.spawn(status)
  task.spawn(function() got = status() end)
  clock.advance(1)
  first:cancel()
  clock.advance(1.1)
  expect(got).is(200)
  expect(refreshes).is(1)
end)
