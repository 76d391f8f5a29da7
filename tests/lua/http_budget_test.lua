-- Whose calls a breaker hears of, and who pays and fills the budget of retries.
local test = require "tidelock.test"
local http = require "tidelock.http"
local server = require "tidelock.server"
local expect = test.expect

-- A server that answers with `status`, each second request with 200 where `flaky`.
local function origin(name)
  local own = server.listen(name, {})
  local o = { status = 500, count = 0, close = function() own:close() end }
  own:get("/", function()
    o.count = o.count + 1
    if o.flaky and o.count % 2 == 0 then return "well" end
    return o.status, "said", { ["Retry-After"] = "0" }
  end)
  function o.url() return own.url .. "/" end
  function o.client(options)
    options.base_url = own.url
    return http.client(options)
  end
  return o
end

local function is_refused(o)
  local _, err = o.client { retries = 0 }:get "/"
  return err and err.code == "UNAVAILABLE"
end

test.describe("a breaker", function()
  for _, retries in ipairs { 0, 1 } do
    test.it(("hears nothing of calls with breaker = false and %d retries"):format(retries), function()
      local o = origin("unguarded" .. retries)
      local plain = o.client { breaker = false, retries = retries }
      local layered = o.client { breaker = false, retries = retries }
      layered:use(function(req, next) return next(req) end)
      o.status = 503
      for _ = 1, 12 do
        plain:get "/"
        layered:get "/"
      end
      expect(is_refused(o)).is_nil()
      o.close()
    end)
  end

  test.it("hears nothing of what middleware answers itself", function()
    local o = origin "made_up"
    local api, reached = o.client { retries = 1 }, false
    api:use(function(req, next)
      if reached then return next(req) end
      return { status = 503, headers = { ["Retry-After"] = "0" } }
    end, { per_attempt = true })
    for _ = 1, 12 do api:get "/" end
    expect(o.count).is(0)
    expect(is_refused(o)).is_nil()
    reached = true
    for _ = 1, 9 do api:get("/", { retries = 0 }) end
    expect(is_refused(o)).is(true)
    o.close()
  end)

  test.it("hears how the server answered, not what middleware made of it", function()
    local o = origin "hidden"
    local api = o.client { retries = 0 }
    api:use(function(req, next)
      local res, err = next(req)
      if not res then return nil, err end
      return { status = res.status == 503 and 200 or 503 }
    end, { per_attempt = true })
    o.status = 200
    for _ = 1, 12 do api:get "/" end
    expect(is_refused(o)).is_nil()
    o.status = 503
    for _ = 1, 13 do api:get "/" end
    expect(is_refused(o)).is(true)
    o.close()
  end)
end)

test.describe("the budget of retries", function()
  test.it("is full at most, whatever the core is told of what was taken", function()
    local core = require "tidelock.http.core"
    local o = origin "core"
    o.status = 200
    local url = o.url()
    for _, taken in ipairs { 1e300, 1e9, math.huge, -1e300, 0 / 0 } do
      local request = { url = url, headers = {}, taken = taken, redirects = taken, max_connections = taken,
        more = true }
      local res = core.request(request)
      expect(res and res.status).is(200)
    end
    local taken = 0
    while core.take(url) do taken = taken + 5 end
    expect(taken).is(500)
    o.close()
  end)

  for _, guarded in ipairs { true, false } do
    test.it("is filled by calls that succeed, with breaker = " .. tostring(guarded), function()
      local o = origin("budget_" .. tostring(guarded))
      o.status, o.flaky = 503, true
      local api, failed = o.client { breaker = guarded, retries = 1 }, 0
      for _ = 1, 150 do
        if api:get "/".status ~= 200 then failed = failed + 1 end
      end
      expect(failed).is(0)
      o.close()
    end)
  end
end)
