-- Retries, deadlines, breakers and streams under test.clock: minutes pass in milliseconds.
local test = require "tidelock.test"
local http = require "tidelock.http"
local task = require "tidelock.task"
local timer = require "tidelock.timer"
local expect = test.expect

-- Runs `call` in a task, lets so many seconds pass, and returns what it has returned.
local function after(clock, seconds, call)
  local result
  task.spawn(function() result = table.pack(call()) end)
  clock.advance(seconds)
  return result
end

test.describe("http under a clock", function()
  test.it("Retry-After is waited for by the clock", function()
    local clock, count = test.clock(), 0
    local srv = test.server()
    srv:route("GET", "/", function()
      count = count + 1
      if count == 1 then return 503, "", { ["Retry-After"] = "20" } end
      return "well"
    end)
    local result = after(clock, 19, function() return http.get(srv.url .. "/") end)
    expect(result).is_nil()
    expect(count).is(1)
    local again = after(clock, 2, function() end)
    expect(#again).is(0)
    expect(count).is(2)
  end)

  test.it("a breaker lets a probe through after 5 s, and forgets after 30 s", function()
    local clock, status, count = test.clock(), 500, 0
    local srv = test.server()
    srv:route("GET", "/", function()
      count = count + 1
      return status, ""
    end)
    local function get() return http.get(srv.url .. "/", { retries = 0 }) end
    local function fail(times)
      after(clock, 0.1, function() for _ = 1, times do get() end end)
    end
    fail(9)
    clock.advance(31)
    fail(9)
    expect(count).is(18)
    fail(1)
    expect(after(clock, 1, get)[2].code).is "UNAVAILABLE"
    expect(after(clock, 1, get)[2].retry_after < 4).is(true)
    status = 200
    clock.advance(4)
    expect(after(clock, 1, get)[1].status).is(200)
    expect(after(clock, 1, get)[1].status).is(200)
  end)

  test.it("a fake server begins with a closed breaker", function()
    local clock, count = test.clock(), 0
    local srv = test.server()
    srv:route("GET", "/", function()
      count = count + 1
      return 500, ""
    end)
    after(clock, 1, function() for _ = 1, 12 do http.get(srv.url .. "/", { retries = 0 }) end end)
    expect(count).is(10)
    srv:close()
    srv = test.server()
    srv:route("GET", "/", "well")
    expect(after(clock, 1, function() return http.get(srv.url .. "/") end)[1].body).is "well"
  end)

  test.it("the timeout of a call is the clock's", function()
    local clock = test.clock()
    local srv = test.server()
    srv:route("GET", "/", function() task.sleep(100) end)
    local began = timer.now()
    local result = after(clock, 31, function()
      local _, err = http.get(srv.url .. "/")
      return err, timer.now() - began
    end)
    expect(result[1].code).is "TIMEOUT"
    expect(result[2] >= 30 and result[2] < 30.5).is(true)
  end)

  test.it("an attempt's timeout and the back-off between attempts, too", function()
    local clock, count = test.clock(), 0
    local srv = test.server()
    srv:route("GET", "/", function()
      count = count + 1
      task.sleep(100)
    end)
    local result = after(clock, 60, function()
      return http.get(srv.url .. "/", { attempt_timeout = 10, timeout = 50 })
    end)
    expect(result[2].code).is "TIMEOUT"
    expect(count).is(3)
  end)

  -- A call of 2 s, with a middleware that takes so many seconds before it hands on; the server answers
  -- after `answers` seconds. Returns the error, the seconds that it took, and how many requests came.
  local function call_through(seconds, answers, options)
    local clock, count = test.clock(), 0
    local srv = test.server()
    srv:route("GET", "/", function()
      count = count + 1
      task.sleep(answers)
    end)
    local api, began = http.client { base_url = srv.url, timeout = 2 }, timer.now()
    api:use(function(req, next)
      task.sleep(seconds)
      return next(req)
    end, { per_attempt = true })
    local result = after(clock, 60, function()
      local _, err = api:get("/", options)
      return err, timer.now() - began
    end)
    return result[1], result[2], count
  end

  for _, limit in ipairs { 20, 1 } do
    test.it(("of a call whose attempts have %d s middleware takes the time, too"):format(limit), function()
      local err, took, count = call_through(1.5, 100, { attempt_timeout = limit })
      expect(err.code).is "TIMEOUT"
      expect(took >= 2 and took < 2.2).is(true)
      expect(count).is(1)
    end)
  end

  test.it("a middleware of each attempt that takes all of it hands on to nobody", function()
    local err, took, count = call_through(3, 0, { retries = 5 })
    expect(err.code).is "TIMEOUT"
    expect(err.phase).is "middleware"
    expect(err.sent).is "no"
    expect(took >= 3 and took < 3.2).is(true)
    expect(count).is(0)
  end)
end)
