-- The deadline of a call: what uses it up, and what comes when it is over.
local test = require "tidelock.test"
local http = require "tidelock.http"
local core = require "tidelock.http.core"
local server = require "tidelock.server"
local task = require "tidelock.task"
local timer = require "tidelock.timer"
local expect = test.expect

local srv = server.listen("deadline", {})
local count = 0

local function keep_busy(seconds)
  local stop = timer.now() + seconds
  repeat until timer.now() >= stop
end

-- Answers the first request with 503, and a turn begins that is longer than what is left of its call.
srv:get("/busy", function()
  count = count + 1
  if count > 1 then task.sleep(5) end
  task.spawn(function()
    task.sleep(0.03)
    keep_busy(0.2)
  end)
  return 503, "busy"
end)

-- Sends with a wait of 0.06 s before the second attempt.
local function send_to_busy(send, options)
  local share = core.share
  core.share, count = function() return 0.12 end, 0
  options.timeout = 0.15
  local began = timer.now()
  local res, err = send(srv.url .. "/busy", options)
  core.share = share
  expect(err).is_nil()
  expect(res.status).is(503)
  expect(count).is(1)
  expect(timer.now() - began < 2).is(true)
  return res
end

test.describe("a wait before a retry that ends after the deadline", function()
  test.it("gives the answer that there is: no attempt without a limit", function()
    expect(send_to_busy(http.get, {}).body).is "busy"
    expect(send_to_busy(http.get, { attempt_timeout = 1 }).body).is "busy"
  end)

  test.it("is no other with middleware", function()
    local api = http.client {}
    api:use(function(req, next) return next(req) end)
    api:use(function(req, next) return next(req) end, { per_attempt = true })
    expect(send_to_busy(function(url, options) return api:get(url, options) end, {}).body).is "busy"
  end)

  test.it("leaves the body of a stream to be read", function()
    expect(send_to_busy(http.get, { stream = true }):read()).is "busy"
  end)
end)
