-- What users of other clients have met, each under the name of its report: axios, axios-auth-refresh, ky,
-- undici, opossum, perfect-debounce, eventsource. All of it on the clock of the test.
local test = require "tidelock.test"
local http = require "tidelock.http"
local rate = require "tidelock.rate"
local session = require "tidelock.session"
local task = require "tidelock.task"
local timer = require "tidelock.timer"
local expect, it = test.expect, test.it

local good, refreshes, delay = nil, 0, 0
local api
local me = session.define("peers", {
  origins = { "http://peers.test" },
  login = function() return { access = "one-access", refresh = "r", expires_in = 3600 } end,
  refresh = function() return api:post("/refresh", { value = true, retries = 0 }) end,
})
api = http.client { base_url = "http://peers.test", session = me, breaker = false, timeout = 60 }

local function open()
  local clock = test.clock()
  local srv = test.server { host = "peers.test" }
  good, refreshes, delay = "other-access", 0, 1
  srv:route("POST", "/refresh", function(req)
    refreshes = refreshes + 1
    if req.headers.authorization then return 400, "with a token" end
    task.sleep(delay)
    return { access = good, refresh = "r2", expires_in = 3600 }
  end)
  srv:route("GET", "/x", function(req)
    return req.headers.authorization == "Bearer " .. good and 200 or 401, ""
  end)
  me:logout()
  me:login()
  clock.advance(40) -- an older token that is refused is renewed
  return clock, srv
end

local function ask(into, i) task.spawn(function() into[i] = api:get("/x").status end) end

local function all_are(list, count, want)
  expect(#list).is(count)
  for i = 1, count do expect(list[i]).is(want) end
end

it("axios: five parallel 401s are one refresh", function()
  local clock = open()
  local got = {}
  for i = 1, 5 do ask(got, i) end
  clock.advance(2)
  all_are(got, 5, 200)
  expect(refreshes).is(1)
end)

it("axios-auth-refresh#120, axios#3327: a refresh by the same client does not wait for itself", function()
  local clock = open()
  local got = {}
  ask(got, 1)
  clock.advance(2)
  all_are(got, 1, 200)
end)

it("axios-auth-refresh#90: requests that get a 401 during the refresh are not forgotten", function()
  local clock = open()
  local got = {}
  ask(got, 1)
  clock.advance(0.5)
  for i = 2, 9 do ask(got, i) end
  clock.advance(1)
  all_are(got, 9, 200)
  expect(refreshes).is(1)
end)

it("axios#5700: a 401 whose cause is not the token is asked twice, not for ever", function()
  local clock, srv = open()
  srv:route("GET", "/never", function() return 401, "" end)
  local before, status = #srv.requests, nil
  task.spawn(function() status = api:get("/never").status end)
  clock.advance(60)
  expect(status).is(401)
  expect(#srv.requests - before).is(3) -- the request, the refresh, the request
end)

-- When the second request came, after a first that was answered with this Retry-After.
local function second_after(value, status)
  local clock = test.clock { at = "2026-03-01T12:00:00Z" }
  local srv = test.server { host = "after.test" }
  local times = {}
  srv:route("GET", "/", function()
    times[#times + 1] = timer.now()
    if #times == 1 then return status or 503, "", { ["Retry-After"] = value } end
    return "fine"
  end)
  local res
  task.spawn(function() res = http.get("http://after.test/", { timeout = 20, breaker = false }) end)
  clock.advance(25)
  return times[2] and times[2] - times[1], res and res.status
end

it("undici 6: a Retry-After that is a date is obeyed", function()
  local waited, status = second_after "Sun, 01 Mar 2026 12:00:05 GMT"
  expect(status).is(200)
  expect(waited > 3.9 and waited < 5.2).is(true)
end)

it("ky: a Retry-After that is no time is none, and no wait of 24 days", function()
  local waited, status = second_after "soon"
  expect(status).is(200)
  expect(waited < 1).is(true)
end)

it("got#602, ky: a Retry-After beyond the deadline gives the answer at once", function()
  local waited, status = second_after "3600"
  expect(waited).is_nil()
  expect(status).is(503)
end)

it("opossum: a first call that fails opens no breaker", function()
  test.clock()
  local srv = test.server { host = "breaker.test" }
  local count = 0
  srv:route("GET", "/", function() count = count + 1 return count > 9 and 200 or 500, "" end)
  for _ = 1, 9 do http.get("http://breaker.test/", { retries = 0 }) end
  expect(http.get("http://breaker.test/", { retries = 0 }).status).is(200)
end)

it("perfect-debounce#64: flush runs once, and leaves nobody waiting", function()
  local clock = test.clock()
  local runs, got = 0, {}
  local d = rate.debounce(function(x) runs = runs + 1 return x end, 1)
  for i = 1, 3 do task.spawn(function() got[i] = d:call(i) end) end
  clock.advance(0)
  expect(d:flush():await()).is(3)
  clock.advance(5)
  expect(runs).is(1)
  all_are(got, 3, 3)
end)

it("lodash#5708: who calls last gets the result of its own arguments", function()
  local clock = test.clock()
  local got = {}
  local d = rate.debounce(function(x) return x end, 1, { leading = true })
  for i = 1, 2 do task.spawn(function() got[i] = d:call(i) end) end
  clock.advance(2)
  expect(table.concat(got, " ")).is "1 2"
end)

it("eventsource: a 503 is no end of the stream", function()
  local clock = test.clock()
  local srv = test.server { host = "stream.test" }
  local asked, heard = 0, nil
  srv:route("GET", "/", function()
    asked = asked + 1
    if asked ~= 2 then return asked == 1 and 503 or 204, "" end
    return 200, "id: 1\ndata: there\n\n", { ["Content-Type"] = "text/event-stream" }
  end)
  task.spawn(function()
    for event in http.events "http://stream.test/" do heard = event.data end
  end)
  clock.advance(10)
  expect(heard).is "there"
end)

it("htmx-ext#184: a stream without ids says that events may come twice", function()
  local clock = test.clock()
  local srv = test.server { host = "twice.test" }
  local asked, gaps = 0, {}
  srv:route("GET", "/", function()
    asked = asked + 1
    if asked == 3 then return 204, "" end
    return 200, "data: again\n\n", { ["Content-Type"] = "text/event-stream" }
  end)
  task.spawn(function()
    for event in http.events "http://twice.test/" do gaps[#gaps + 1] = tostring(event.gap) end
  end)
  clock.advance(10)
  expect(table.concat(gaps, " ")).is "nil true"
end)
