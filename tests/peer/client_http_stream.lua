-- Bodies that are read as they come: run by http_stream_test.sh against http_stream_server.js, three ways:
-- our own HTTP/1.1 over TCP and over TLS, and curl's, which `http2` asks for.
local env = require "tidelock.env"
local http = require "tidelock.http"
local task = require "tidelock.task"
local test = require "tidelock.test"
local timer = require "tidelock.timer"
local expect = test.expect

local plain = "http://127.0.0.1:" .. env.get "PLAIN"
local ca = env.get "FOLDER" .. "/ca.pem"
local ways = {
  tcp = { base = plain },
  tls = { base = "https://localhost:" .. env.get "TLS", ca = ca },
  curl = { base = "https://localhost:" .. env.get "TLS", ca = ca, http2 = true },
}

local way
local function get(path, more)
  local options = { ca = way.ca, http2 = way.http2, stream = true }
  for name, value in pairs(more or {}) do options[name] = value end
  return http.get(way.base .. path, options)
end

-- By another name of the host: over a connection of its own.
local elsewhere = plain:gsub("127.0.0.1", "localhost")
local function state() return assert(http.get(elsewhere .. "/state")):json() end

-- All connections but the one that asks, and those that are kept, are gone.
local function wait_until_open(count)
  test.wait_for(function() return state().open <= count end)
end

local function about(what, fn)
  for _, name in ipairs { "tcp", "tls", "curl" } do
    test.it(name .. ": " .. what, function()
      way = ways[name]
      fn(name)
    end)
  end
end

test.describe("streams", function()
  about("a body comes in pieces, and max_body does not count", function()
    local res = assert(get("/mib/8", { max_body = 1000 }))
    expect(res.status).is(200)
    expect(res.headers["content-length"]).is(tostring(8 << 20))
    expect(res.body).is_nil()
    local size, count = 0, 0
    for chunk in res:chunks() do
      size, count = size + #chunk, count + 1
      expect(#chunk <= 1 << 20).is(true)
    end
    expect(size).is(8 << 20)
    expect(count > 1).is(true)
    expect(res:read()).is_nil()
  end)

  about("lines come without LF and CRLF; a lone CR is no line end", function()
    local lines = {}
    for line in assert(get "/lines"):lines() do lines[#lines + 1] = line end
    expect(lines).equals { "one", "two", "", "four\r", "five\rstill five", "", "last" }
  end)

  about("an empty body, and none, have no pieces and no lines", function()
    for _, path in ipairs { "/empty/", "/gone/" } do
      for _, each in ipairs { "chunks", "lines" } do
        local res, count = assert(get(path)), 0
        for _ in res[each](res) do count = count + 1 end
        expect(count).is(0)
      end
    end
  end)

  about("a redirect is followed", function()
    local res = assert(get "/to/mib")
    expect(res.url).contains "/mib/1"
    local size = 0
    for chunk in res:chunks() do size = size + #chunk end
    expect(size).is(1 << 20)
  end)

  about("what nobody reads is left to the server: it has to wait", function(name)
    local res = assert(get("/pour/" .. name))
    expect(#res:read() > 0).is(true)
    task.sleep(0.3)
    local poured = state().poured[name]
    expect(poured < 64 << 20).is(true) -- the buffers of two kernels, and of curl's HTTP
    task.sleep(0.3)
    expect(state().poured[name]).is(poured)
    local size = 0
    while size < poured + (1 << 20) do size = size + #res:read() end
    expect(state().poured[name] > poured).is(true)
    res:close()
    wait_until_open(3)
  end)

  about("close ends the connection; reading then is ABORTED", function(name)
    local res = assert(get("/pour/" .. name))
    res:read()
    res:close()
    res:close()
    local chunk, err = res:read()
    expect(chunk).is_nil()
    expect(err.code).is "ABORTED"
    wait_until_open(3)
  end)

  about("break, an error and a cancelled task end the connection", function(name)
    for _ in assert(get("/pour/" .. name)):chunks() do break end -- luacheck: ignore
    expect(pcall(function()
      for _ in assert(get("/pour/" .. name)):chunks() do error "mine" end
    end)).is(false)
    local result, err = task.with_timeout(0.3, function()
      for _ in assert(get "/stall/"):chunks() do end -- luacheck: ignore
      return true
    end)
    expect(result).is_nil()
    expect(err.code).is "TIMEOUT"
    wait_until_open(3)
  end)

  about("one that is dropped unread ends with its garbage", function(name)
    assert(get("/pour/" .. name))
    collectgarbage()
    collectgarbage()
    wait_until_open(3)
  end)

  about("another task may close it: who reads gets ABORTED", function()
    local res = assert(get "/stall/")
    expect(res:read()).is "part"
    local reader = task.spawn(function() return select(2, res:read()).code end)
    task.sleep(0.02)
    expect(function() res:read() end).raises "another task reads"
    res:close()
    expect(reader:await()).is "ABORTED"
  end)

  about("a body that is cut raises: it did not just end", function()
    local res = assert(get "/cut/")
    expect(res:read()).is "part"
    local chunk, err = res:read()
    expect(chunk).is_nil()
    expect(err.code).is "RESET"
    expect(err.sent).is "yes"
    for _, each in ipairs { "chunks", "lines" } do
      res = assert(get "/cut/")
      local ok, why = pcall(function()
        for _ in res[each](res) do end -- luacheck: ignore
      end)
      expect(ok).is(false)
      expect(why.code).is "RESET"
    end
  end)

  about("idle_timeout ends a body of which nothing comes", function()
    local began = timer.now()
    local res = assert(get("/stall/", { idle_timeout = 0.2 }))
    expect(res:read()).is "part"
    local chunk, err = res:read()
    expect(chunk).is_nil()
    expect(err.code).is "TIMEOUT"
    expect(err.phase).is "body"
    expect(timer.now() - began < 5).is(true)
    wait_until_open(3)
  end)

  about("idle_timeout counts from piece to piece, and not while nobody reads", function(name)
    local res, size = assert(get("/drip/5", { idle_timeout = 0.4 })), 0
    for chunk in res:chunks() do size = size + #chunk end
    expect(size).is(5)
    res = assert(get("/pour/" .. name, { idle_timeout = 0.2 }))
    res:read()
    task.sleep(0.5)
    for _ = 1, 20 do expect(#assert(res:read()) > 0).is(true) end
    res:close()
  end)

  about("a timeout that is given spans the body (ky's ends with the headers)", function()
    local res = assert(get("/drip/100", { timeout = 0.4 }))
    local err
    repeat
      local chunk
      chunk, err = res:read()
    until not chunk
    expect(err.code).is "TIMEOUT"
    local whole, why = get("/stall/", { stream = false, timeout = 0.3 })
    expect(whole).is_nil()
    expect(why.code).is "TIMEOUT"
  end)

  about("a head that does not come is a TIMEOUT", function()
    local res, err = get("/silent/", { timeout = 0.2 })
    expect(res).is_nil()
    expect(err.code).is "TIMEOUT"
    expect(err.phase).is "response"
  end)

  about("retries go on until there is a head that stays", function(name)
    local res = assert(get("/flaky/" .. name))
    expect(res.status).is(200)
    expect(res:read()).is "well"
    expect(state().served[name]).is(3)
    wait_until_open(3)
  end)

  about("another status than expected is an error with the beginning of its body", function(name)
    local res, err = get("/never/" .. name, { expect = "2xx" })
    expect(res).is_nil()
    expect(err.status).is(404)
    expect(err.response.body).is "not here"
    wait_until_open(3)
  end)

  about("gzip is undone piece by piece, with little memory", function()
    local size, most = 0, 0
    for chunk in assert(get "/packed/64"):chunks() do
      size, most = size + #chunk, math.max(most, #chunk)
    end
    expect(size).is(64 << 20)
    expect(most <= (way == ways.curl and 24 or 6) << 20).is(true)
  end)

  about("at most so many connections to a host: others wait for their turn", function(name)
    if name == "curl" then way = ways.tls end -- which has one for each request
    local limited = http.client { ca = way.ca, base_url = way.base, max_connections = 3 }
    local members, tag = {}, "limited-" .. name
    for i = 1, 12 do
      members[i] = function() return assert(limited:get("/tag/" .. tag .. "/50")).body end
    end
    local results = assert(task.all(members))
    for i = 1, 12 do expect(results[i]).is "." end
    expect(state().most[tag]).is(3)
  end)

  about("who waits for a connection too long hears of it, and a stream holds one", function()
    local limited = http.client { ca = way.ca, http2 = way.http2, base_url = way.base, max_connections = 1 }
    local stream = assert(limited:get("/stall/", { stream = true }))
    local res, err = limited:get("/empty/", { timeout = 0.2, retries = 0 })
    expect(res).is_nil()
    expect(err.code).is "TIMEOUT"
    expect(err.phase).is "queue"
    expect(err.sent).is "no"
    local waiting = task.spawn(function() return limited:get "/empty/".status end)
    local cancelled = task.spawn(function() return limited:get "/empty/".status end)
    task.sleep(0.05)
    cancelled:cancel()
    stream:close()
    expect(waiting:await()).is(200)
    expect(limited:get "/empty/".status).is(200)
  end)

  about("keep_alive_timeout: how long a connection is kept unused", function(name)
    if name == "curl" then return end -- it keeps none
    local function ask(tag, limit)
      assert(get("/tag/" .. tag, { stream = false, keep_alive_timeout = limit }))
      return function() return state().tagged[tag] end
    end
    local long = ask("long-" .. name, 30)
    task.sleep(0.3)
    expect(long()).is(1)
    local short = ask("short-" .. name, 0.2)
    expect(short()).is(1)
    test.wait_for(function() return short() == 0 end)
    local none = ask("none-" .. name, 0)
    test.wait_for(function() return none() == 0 end)
    -- Another request that has no limit takes it as well, while it is kept.
    assert(get("/tag/again-" .. name, { stream = false, keep_alive_timeout = 5 }))
    assert(get("/tag/again-" .. name, { stream = false }))
    expect(state().most["again-" .. name]).is(1)
  end)

  about("on_progress counts what is sent of a body, up to the whole", function()
    local seen, body = {}, ("x"):rep(8 << 20)
    local res = assert(http.put(way.base .. "/swallow", body, { ca = way.ca, http2 = way.http2,
      on_progress = function(done, total) seen[#seen + 1] = { done, total } end }))
    expect(res.body).is(tostring(8 << 20))
    expect(#seen >= 2).is(true)
    for i, one in ipairs(seen) do
      expect(one[2]).is(8 << 20)
      expect(one[1] > (i > 1 and seen[i - 1][1] or 0)).is(true)
    end
    expect(seen[#seen][1]).is(8 << 20)
    seen = {}
    assert(http.post(way.base .. "/swallow", "small", { ca = way.ca, http2 = way.http2,
      on_progress = function(done, total) seen[#seen + 1] = { done, total } end }))
    expect(seen).equals { { 5, 5 } }
  end)

  about("on_progress counts what comes of an answer, as it is on the wire", function()
    for _, stream in ipairs { false, true } do
      local last, total
      local function note(done, all)
        expect(done > (last or 0)).is(true)
        last, total = done, all
      end
      local res = assert(get("/mib/4", { stream = stream, on_progress = note }))
      if stream then for _ in res:chunks() do end end -- luacheck: ignore
      expect(last).is(4 << 20)
      expect(total).is(4 << 20)
      last = nil
      res = assert(get("/packed/8", { stream = stream, on_progress = note }))
      if stream then for _ in res:chunks() do end end -- luacheck: ignore
      expect(last < 1 << 20).is(true)
      expect(total).is_nil()
    end
  end)

  about("json of a stream raises", function()
    local res = assert(get "/lines")
    expect(function() res:json() end).raises "chunks"
    res:close()
  end)

  about("middleware gets streams, and may answer with a whole body", function()
    local api = http.client { ca = way.ca, http2 = way.http2, stream = true, base_url = way.base }
    local seen
    api:use(function(req, next)
      if req.url:find "/own" then return { status = 200, body = "a\r\nb" } end
      local res, err = next(req)
      seen = res and res.status
      return res, err
    end)
    local lines = {}
    for line in api:get "/lines":lines() do lines[#lines + 1] = line end
    expect(#lines).is(7)
    expect(seen).is(200)
    lines = {}
    for line in api:get "/own":lines() do lines[#lines + 1] = line end
    expect(lines).equals { "a", "b" }
    local res = api:get "/own"
    expect(res:read()).is "a\r\nb"
    expect(res:read()).is_nil()
  end)
end)
