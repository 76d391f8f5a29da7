-- Retries of HTTP requests: what is tried again, how often, when, and what the caller gets. The names of
-- the tests say which peer does otherwise.
local test = require "tidelock.test"
local http = require "tidelock.http"
local server = require "tidelock.server"
local task = require "tidelock.task"
local timer = require "tidelock.timer"
local expect = test.expect

local srv = server.listen("http", {})
local served, keys, at = {}, {}, {}

-- Answers `status` to the first `times` requests of that name, with Retry-After from the query.
srv:route("*", "/fail/:name/:status/:times", function(req)
  local name = req.params.name
  served[name] = (served[name] or 0) + 1
  keys[name] = keys[name] or {}
  at[name] = at[name] or {}
  table.insert(keys[name], req.headers["idempotency-key"] or false)
  table.insert(at[name], timer.now())
  if served[name] > tonumber(req.params.times) then return "well" end
  local after = req.query.after
  return tonumber(req.params.status), "number " .. served[name], after and { ["Retry-After"] = after } or {}
end)
srv:route("*", "/stall/:name/:times", function(req)
  local name = req.params.name
  served[name] = (served[name] or 0) + 1
  if served[name] <= tonumber(req.params.times) then task.sleep(5) end
  return "well"
end)

-- Breakers have tests of their own.
local api = http.client { breaker = false }

local unique = 0
local function path(status, times, after)
  unique = unique + 1
  local name = "n" .. unique
  return ("%s/fail/%s/%d/%d%s"):format(srv.url, name, status, times, after and "?after=" .. after or ""), name
end

test.describe("http retries", function()
  for _, status in ipairs { 408, 425, 429, 500, 502, 503, 504 } do
    test.it(("%d is tried again, 2 times by default"):format(status), function()
      local url, name = path(status, 2, "0")
      expect(api:get(url).body).is "well"
      expect(served[name]).is(3)
      url, name = path(status, 99, "0")
      local res = api:get(url)
      expect(res.status).is(status)
      expect(res.body).is "number 3" -- the last
      expect(served[name]).is(3)
    end)
  end

  for _, status in ipairs { 400, 401, 403, 404, 409, 413, 422, 501, 505 } do
    test.it(("%d is not tried again"):format(status), function()
      local url, name = path(status, 99, "0")
      expect(api:get(url).status).is(status)
      expect(served[name]).is(1)
    end)
  end

  test.it("expect changes nothing: its error has the last response", function()
    local url, name = path(503, 99, "0")
    local res, err = api:get(url, { expect = "2xx" })
    expect(res).is_nil()
    expect(err.code).is "HTTP"
    expect(err.response.body).is "number 3"
    expect(served[name]).is(3)
    url = path(503, 1, "0")
    expect(api:get(url, { expect = 200 }).body).is "well"
  end)

  test.it("retries of a request override those of its client; 0 is none", function()
    local url, name = path(503, 99, "0")
    expect(api:get(url, { retries = 0 }).body).is "number 1"
    expect(served[name]).is(1)
    local quiet = http.client { retries = 0, breaker = false }
    url, name = path(503, 99, "0")
    quiet:get(url)
    expect(served[name]).is(1)
    quiet:get(url, { retries = 4 })
    expect(served[name]).is(6)
    url, name = path(503, 99, "0")
    http.get(url, { breaker = false })
    expect(served[name]).is(3)
  end)

  for _, method in ipairs { "HEAD", "PUT", "DELETE", "OPTIONS" } do
    test.it(method .. " is tried again", function()
      local url, name = path(503, 1, "0")
      expect(api:request { method = method, url = url }.status).is(200)
      expect(served[name]).is(2)
    end)
  end

  test.it("a POST is not repeated: it may have been applied", function()
    for _, method in ipairs { "POST", "PATCH", "REPORT" } do
      local url, name = path(503, 99, "0")
      expect(api:request { method = method, url = url }.status).is(503)
      expect(served[name]).is(1)
    end
    local res, err = api:post(srv.url .. "/stall/post/9", { attempt_timeout = 0.1, timeout = 2 })
    expect(res).is_nil()
    expect(err.code).is "TIMEOUT"
    expect(served.post).is(1)
  end)

  test.it("a POST that was not sent is tried again", function()
    local attempts = 0
    local closed = http.client { base_url = "http://127.0.0.1:1", breaker = false }
    closed:use(function(req, next)
      attempts = attempts + 1
      return next(req)
    end, { per_attempt = true })
    local res, err = closed:post("/", "text")
    expect(res).is_nil()
    expect(err.code).is "CONNECT"
    expect(err.sent).is "no"
    expect(attempts).is(3)
  end)

  test.it("an idempotency key makes a POST one that can be repeated, with the same key", function()
    local url, name = path(503, 2, "0")
    expect(api:post(url, { idempotency_key = true, json = 1 }).status).is(200)
    expect(#keys[name]).is(3)
    expect(#keys[name][1] >= 32).is(true)
    expect(keys[name][2]).is(keys[name][1])
    expect(keys[name][3]).is(keys[name][1])
    local second, second_name = path(503, 0)
    api:post(second, { idempotency_key = true })
    expect(keys[second_name][1] ~= keys[name][1]).is(true)
    url, name = path(503, 1, "0")
    api:post(url, { idempotency_key = "order-7" })
    expect(keys[name]).equals { "order-7", "order-7" }
    url, name = path(503, 1, "0")
    api:post(url, { headers = { ["idempotency-key"] = "mine" } })
    expect(keys[name]).equals { "mine", "mine" }
    url, name = path(503, 0)
    api:post(url)
    expect(keys[name]).equals { false }
  end)

  test.it("a client may give each of its requests a key", function()
    local keyed = http.client { idempotency_key = true, breaker = false }
    local url, name = path(503, 1, "0")
    keyed:post(url)
    keyed:post(url)
    expect(keys[name][1]).is(keys[name][2])
    expect(keys[name][2] ~= keys[name][3]).is(true)
    url, name = path(503, 0)
    keyed:post(url, { idempotency_key = false })
    expect(keys[name]).equals { false }
    expect(function() http.client { idempotency_key = "x" } end).raises "key of its own"
    expect(function() api:post("/", { idempotency_key = "" }) end).raises "empty"
    expect(function() api:post("/", { idempotency_key = 5 }) end).raises "idempotency_key"
  end)

  test.it("Retry-After is obeyed: seconds, and a date (undici reads no dates)", function()
    local url, name = path(503, 1, "1")
    api:get(url)
    local gap = at[name][2] - at[name][1]
    expect(gap > 0.95 and gap < 3).is(true)
    local date = os.date("!%a,%%20%d%%20%b%%20%Y%%20%H:%M:%S%%20GMT", os.time() + 2)
    url, name = path(429, 1, date)
    api:get(url)
    gap = at[name][2] - at[name][1]
    expect(gap > 0.9 and gap < 4).is(true)
  end)

  test.it("a date that is past, and 0, are obeyed at once", function()
    for _, after in ipairs { "0", "Sun,%2006%20Nov%201994%2008:49:37%20GMT" } do
      local url, name = path(503, 2, after)
      api:get(url)
      expect(at[name][3] - at[name][1] < 0.4).is(true)
    end
  end)

  test.it("garbage in Retry-After waits as if there were none (ky: 24.8 days)", function()
    for _, after in ipairs { "soon", "-1", "1e9", "", "NaN" } do
      local url, name = path(503, 1, after)
      local began = timer.now()
      expect(api:get(url).status).is(200)
      expect(served[name]).is(2)
      expect(timer.now() - began < 2).is(true)
    end
  end)

  test.it("a Retry-After beyond the deadline gives the last response now (ky waits 3600 s)", function()
    local url, name = path(503, 99, "3600")
    local began = timer.now()
    expect(api:get(url).body).is "number 1"
    expect(served[name]).is(1)
    url, name = path(503, 99, "2")
    expect(api:get(url, { timeout = 1.5 }).body).is "number 1"
    expect(served[name]).is(1)
    expect(timer.now() - began < 1).is(true)
  end)

  test.it("the timeout spans all attempts and waits (ky and got time each alone)", function()
    local began = timer.now()
    local limits = { timeout = 0.5, attempt_timeout = 0.2, retries = 50 }
    local res, err = api:get(srv.url .. "/stall/whole/99", limits)
    expect(res).is_nil()
    expect(err.code).is "TIMEOUT"
    local took = timer.now() - began
    expect(took < 1.5).is(true)
    expect(served.whole >= 1 and served.whole <= 3).is(true)
  end)

  test.it("attempt_timeout ends an attempt, and the next may succeed", function()
    expect(api:get(srv.url .. "/stall/short/1", { attempt_timeout = 0.1 }).body).is "well"
    expect(served.short).is(2)
  end)

  test.it("waits are random shares of 0.5 s and 1 s: full jitter", function()
    local seen, most = {}, 0
    for i = 1, 12 do
      seen[i] = function()
        local url, name = path(503, 1)
        api:get(url)
        local gap = at[name][2] - at[name][1]
        most = math.max(most, gap)
        return gap
      end
    end
    local gaps = task.all(seen)
    local least = math.huge
    for _, gap in ipairs(gaps) do least = math.min(least, gap) end
    expect(most < 1).is(true)
    expect(most - least > 0.05).is(true)
  end)

  test.it("sent is what is known of all attempts together", function()
    local attempts = 0
    local odd = http.client { breaker = false, retries = 1 }
    odd:use(function(req, next)
      attempts = attempts + 1
      if attempts == 2 then req.url = "http://127.0.0.1:1/" end
      return next(req)
    end, { per_attempt = true })
    local _, err = odd:get(path(503, 99, "0"))
    expect(err.code).is "CONNECT"
    expect(err.sent).is "yes"
  end)

  test.it("a budget bounds the retries of an origin, not each call alone", function()
    local own = server.listen("budget", {})
    local count = 0
    own:get("/", function()
      count = count + 1
      return 503, "", { ["Retry-After"] = "0" }
    end)
    local calls = {}
    for i = 1, 200 do calls[i] = function() return http.get(own.url .. "/", { breaker = false }) end end
    task.all(calls)
    expect(count).is(300) -- 100 retries, not 400
    own:close()
  end)

  test.it("a cancelled call is not tried again", function()
    local url, name = path(503, 99)
    local waiting = task.spawn(function() return api:get(url, { retries = 20 }) end)
    test.wait_for(function() return served[name] end)
    waiting:cancel()
    expect(pcall(waiting.await, waiting)).is(false)
    local before = served[name]
    task.sleep(0.6)
    expect(served[name]).is(before)
  end)

  test.it("misuse raises", function()
    for _, bad in ipairs { -1, 1.5, "2", 1000 } do
      expect(function() api:get("/", { retries = bad }) end).raises "retries"
    end
    expect(function() api:get("/", { attempt_timeout = 0 }) end).raises "attempt_timeout"
    expect(function() api:get("/", { breaker = 1 }) end).raises "breaker"
  end)
end)

test.describe("http breakers", function()
  local function origin()
    unique = unique + 1
    local own = server.listen("breaker" .. unique, {})
    local state = { status = 500, count = 0 }
    own:route("*", "/", function()
      state.count = state.count + 1
      if state.stall then task.sleep(5) end
      return state.status, "said"
    end)
    state.get = function(options)
      options = options or {}
      options.retries = options.retries or 0
      return http.get(own.url .. "/", options)
    end
    state.close = function() own:close() end
    return state
  end

  local function fail(state, count)
    for _ = 1, count do state.get() end
  end

  test.it("10 calls that failed open it: the next is UNAVAILABLE at once, and not sent", function()
    local o = origin()
    fail(o, 9)
    expect(o.get().status).is(500)
    local res, err = o.get()
    expect(res).is_nil()
    expect(err.code).is "UNAVAILABLE"
    expect(err.sent).is "no"
    expect(err.recoverable).is(true)
    expect(err.retry_after > 0 and err.retry_after <= 5).is(true)
    expect(o.count).is(10)
    expect(o.get { breaker = false }.status).is(500)
    expect(o.count).is(11)
    o.close()
  end)

  test.it("one of 4 calls that failed opens nothing; half do", function()
    local o = origin()
    o.status = 200
    fail(o, 12)
    o.status = 500
    fail(o, 11)
    expect(o.get().status).is(500) -- 12 of 24
    expect(select(2, o.get()).code).is "UNAVAILABLE"
    o.close()
  end)

  test.it("4xx do not count, but 408 and 429", function()
    for _, status in ipairs { 400, 401, 404, 422, 425 } do
      local o = origin()
      o.status = status
      fail(o, 12)
      expect(o.get().status).is(status)
      o.close()
    end
    for _, status in ipairs { 408, 429, 503, 501 } do
      local o = origin()
      o.status = status
      fail(o, 10)
      expect(select(2, o.get()).code).is "UNAVAILABLE"
      o.close()
    end
  end)

  test.it("own cancellations do not count", function()
    local o = origin()
    o.stall = true
    for _ = 1, 12 do task.with_timeout(0.01, function() return o.get() end) end
    o.stall, o.status = false, 200
    expect(o.get().status).is(200)
    o.close()
  end)

  test.it("it counts calls, not attempts", function()
    local o = origin()
    for _ = 1, 4 do o.get { retries = 2 } end
    expect(o.count).is(12)
    expect(o.get().status).is(500)
    o.close()
  end)

  test.it("failed connections count", function()
    for _ = 1, 10 do http.get("http://127.0.0.1:2/", { retries = 0 }) end
    local _, err = http.get("http://127.0.0.1:2/", { retries = 0 })
    expect(err.code).is "UNAVAILABLE"
    _, err = http.get("http://127.0.0.1:3/", { retries = 0 })
    expect(err.code).is "CONNECT"
  end)

  test.it("after 5 s one probe decides; others are refused meanwhile", function()
    local o = origin()
    fail(o, 10)
    local _, err = o.get()
    task.sleep(err.retry_after + 0.05)
    local results = task.all {
      function() return o.get { retries = 2 } end,
      function() return { refused = select(2, o.get()) } end,
    }
    expect(results[1].status).is(500)
    expect(results[2].refused.code).is "UNAVAILABLE"
    expect(o.count).is(11) -- a probe has no retries
    _, err = o.get()
    expect(err.retry_after > 4).is(true)
    task.sleep(err.retry_after + 0.05)
    o.status = 200
    expect(o.get().status).is(200)
    expect(o.get().status).is(200)
    o.close()
  end)
end)
