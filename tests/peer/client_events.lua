-- Server-sent events against events_server.js. The names of the tests say which peer does otherwise.
local env = require "tidelock.env"
local http = require "tidelock.http"
local task = require "tidelock.task"
local test = require "tidelock.test"
local timer = require "tidelock.timer"
local expect = test.expect

local base = "http://127.0.0.1:" .. env.get "PORT"
local elsewhere = "http://localhost:" .. env.get "PORT"

local unique = 0
local function name_of()
  unique = unique + 1
  return "n" .. unique
end

local function state(name) return http.get(elsewhere .. "/state/" .. name):json() end

local function url_of(kind, more)
  local name = name_of()
  return ("%s/%s/%s%s"):format(base, kind, name, more or ""), name
end

-- What a loop gives until it ends: the events' data, the error, the events.
local function collect(url, options, most)
  local data, all = {}, {}
  local ok, err = pcall(function()
    for event in http.events(url, options) do
      data[#data + 1], all[#all + 1] = event.data, event
      if #all == most then break end
    end
  end)
  return data, not ok and err or nil, all
end

local quick = { reconnect = { delay = 0.01 } }

test.describe("events", function()
  test.it("have type, data and id; a stream goes on after its last id until 204", function()
    local url, name = url_of("ids", "/2/5")
    local data, err, all = collect(url)
    expect(err).is_nil()
    expect(data).equals { "n1", "n2", "n3", "n4", "n5" }
    expect(all[3]).equals { type = "message", data = "n3", id = "3" }
    local asked = {}
    for i, one in ipairs(state(name).served) do asked[i] = one.id or "none" end
    expect(asked).equals { "none", "2", "4", "5" }
    expect(state(name).served[1].accept).is "text/event-stream"
  end)

  test.it("the names of the standard: event, data lines, id that lasts, comments, retry", function()
    local data, err, all = collect((url_of "drip"))
    expect(err).is_nil()
    expect(data).equals { "a\nb", "c" }
    expect(all[1].type).is "tick"
    expect(all[2].type).is "message"
    expect(all[2].id).is "7"
  end)

  for _, code in ipairs { 408, 425, 429, 500, 502, 503, 504, 529 } do
    test.it(code .. " is tried again (eventsource closes for good on 503)", function()
      local url, name = url_of("status", ("/%d/2"):format(code))
      local data, err = collect(url, quick)
      expect(err).is_nil()
      expect(data).equals { "well" }
      expect(#state(name).served).is(4)
    end)
  end

  for _, code in ipairs { 400, 401, 403, 404, 410, 201, 206 } do
    test.it(code .. " ends with an error", function()
      local url, name = url_of("code", "/" .. code)
      local data, err = collect(url, quick)
      expect(data).equals {}
      expect(err.code).is "HTTP"
      expect(err.status).is(code)
      expect(#state(name).served).is(1)
    end)
  end

  test.it("Retry-After is obeyed", function()
    local began = timer.now()
    local data = collect((url_of "after"), quick)
    expect(data).equals { "well" }
    expect(timer.now() - began >= 1).is(true)
  end)

  test.it("a connection that is refused is tried again, as often as attempts says", function()
    local began, states = timer.now(), {}
    local _, err = collect("http://127.0.0.1:1/x", { reconnect = { delay = 0.01, attempts = 3 },
      on_state = function(name) states[#states + 1] = name end })
    expect(err.code).is "CONNECT"
    expect(table.concat(states, " ")).is "connecting reconnecting reconnecting reconnecting closed"
    expect(timer.now() - began < 5).is(true)
    _, err = collect("http://127.0.0.1:1/x", { reconnect = false })
    expect(err.code).is "CONNECT"
  end)

  test.it("a stream without ids repeats after a reconnection (htmx-ext): it is told as a gap", function()
    local gaps = {}
    local data, err, all = collect((url_of "noids"), { on_state = function(name, info)
      if name == "connected" then gaps[#gaps + 1] = info.gap or false end
    end })
    expect(err).is_nil()
    expect(data).equals { "a", "a" }
    expect(all[1].gap).is_nil()
    expect(all[2].gap).is(true)
    expect(gaps).equals { false, true }
  end)

  test.it("an empty id takes it back", function()
    local url, name = url_of "lost"
    local _, _, all = collect(url)
    expect(all[1].id).is "1"
    expect(all[2].id).is_nil()
    expect(all[3].gap).is(true)
    expect(state(name).served[2].id).is_nil()
  end)

  test.it("an id with NUL is ignored", function()
    local url, name = url_of "nul"
    local _, _, all = collect(url)
    expect(all[2].id).is "5"
    expect(state(name).served[2].id).is "5"
  end)

  for _, kind in ipairs { "control", "large" } do
    test.it("an id that no header can have is not sent: " .. kind, function()
      local url, name = url_of(kind)
      local data, err, all = collect(url)
      expect(err).is_nil()
      expect(data).equals { "a", "b" }
      expect(state(name).served[2].id).is_nil()
      expect(all[2].gap).is(true)
    end)
  end

  test.it("an id goes out as the UTF-8 that came", function()
    local url, name = url_of "utf8"
    local _, _, all = collect(url)
    expect(all[1].id).is "ä€"
    local sent = state(name).served[2].id -- node reads headers as latin1
    local bytes = {}
    for _, code in utf8.codes(sent) do bytes[#bytes + 1] = string.char(code) end
    expect(table.concat(bytes)).is "ä€"
  end)

  test.it("an id from before this process is sent first (MCP SDK 2809)", function()
    local url, name = url_of("ids", "/3/9")
    local data = collect(url, { last_id = "7" })
    expect(data).equals { "n8", "n9" }
    expect(state(name).served[1].id).is "7"
  end)

  test.it("the last event of a CR-only stream comes at once (eventsource-parser holds it)", function()
    expect((collect((url_of "cr"), { idle_timeout = 5 }, 2))).equals { "one", "two" }
  end)

  test.it("a byte order mark is dropped", function() expect((collect((url_of "bom")))).equals { "a" } end)

  test.it("cut at each byte: what was whole comes once before, and all of it after", function()
    local length = #"retry: 100\nevent: tick\nid: 7\ndata: a\ndata: b\n\n: comment\n\ndata: c\n\n"
    for at = 0, length - 1, 5 do
      local url = url_of("cut", "/" .. at)
      local data, err = collect(url, { reconnect = { delay = 0.001 } })
      expect(err).is_nil()
      local before = at >= length and { "a\nb", "c" } or at >= 47 and { "a\nb" } or {}
      table.move({ "a\nb", "c" }, 1, 2, #before + 1, before)
      expect(data).equals(before)
    end
  end)

  test.it("1e6 tiny events come, all of them", function()
    local count, turns = 0, 0
    local beat = timer.every(0.05, function() turns = turns + 1 end)
    for event in http.events((url_of("flood", "/1000000"))) do
      count = count + (event.data == "" and 1 or 0)
    end
    beat:stop()
    expect(count).is(1000000)
    expect(turns > 0).is(true) -- others have their turns meanwhile
  end)

  test.it("a line without end, and an event without end, are TOO_LARGE", function()
    for _, kind in ipairs { "endless", "manylines" } do
      local _, err = collect((url_of(kind)), { max_event = 100000 })
      expect(err.code).is "TOO_LARGE"
      expect(tostring(err)).matches "max_event"
    end
    local _, err = collect((url_of "endless"))
    expect(tostring(err)).matches "1048576 bytes"
  end)

  test.it("what is not read is not taken from the server", function()
    local url, name = url_of "pour"
    for _ in http.events(url) do
      local before
      repeat
        before = state(name).served[1].written
        task.sleep(0.2)
      until state(name).served[1].written == before
      break
    end
    expect(state(name).served[1].written < 20000).is(true)
    test.wait_for(function() return state(name).open <= 2 end) -- the loop has closed it
  end)

  test.it("gzip is undone as it comes", function()
    expect((collect((url_of "gzip")))).equals { "packed", "again" }
  end)

  for _, kind in ipairs { "/application-json", "/text-plain", "" } do
    test.it("another type ends with an error: " .. kind, function()
      local url, name = url_of("type", kind)
      local _, err = collect(url, quick)
      expect(err.code).is "DECODE"
      expect(#state(name).served).is(1)
    end)
  end

  test.it("the type may have parameters, and capitals", function()
    expect((collect((url_of "param")))).equals { "a" }
  end)

  test.it("redirects are followed, a circle is an error", function()
    expect((collect((url_of("to", "/bom"))))).equals {}
    expect((collect((url_of("to", "/once")), { reconnect = false }))).equals { "part", "[DONE]" }
    local _, err = collect((url_of "circle"), quick)
    expect(err ~= nil).is(true)
  end)

  test.it("a server that falls silent is left after idle_timeout", function()
    local url, name = url_of "silent"
    local _, err = collect(url, { idle_timeout = 0.1, reconnect = { delay = 0.01, attempts = 2 } })
    expect(err.code).is "TIMEOUT"
    expect(err.phase).is "body"
    expect(#state(name).served).is(3)
  end)

  test.it("timeout is that of the head: a stream lives longer", function()
    local _, err = collect((url_of "hang"), { timeout = 0.1, reconnect = false })
    expect(err.code).is "TIMEOUT"
    expect((collect((url_of "long"), { timeout = 0.4, reconnect = { delay = 0.01 } }))).equals { "1", "2", "3", "4" }
    local api = http.client { base_url = base, timeout = 0.4 }
    local data = {}
    for event in api:events("/long/" .. name_of()) do data[#data + 1] = event.data end
    expect(data).equals { "1", "2", "3", "4" }
  end)

  test.it("401 asks for another token, once", function()
    local asked = {}
    local url, name = url_of "auth"
    local data, err = collect(url, { headers = { Authorization = "Bearer old" }, reconnect = { delay = 0.01 },
      refused = function(token)
        asked[#asked + 1] = token
        return "fresh"
      end })
    expect(err).is_nil()
    expect(data).equals { "in" }
    expect(asked).equals { "old" }
    expect(state(name).served[2].auth).is "Bearer fresh"
    local _, why = collect((url_of "auth"), { refused = function() return "wrong" end })
    expect(why.status).is(401)
    _, why = collect((url_of "auth"), { refused = function() return nil, "no session" end })
    expect(why).is "no session"
    _, why = collect((url_of "auth"))
    expect(why.status).is(401)
  end)

  test.it("a client's refused, headers and middleware count", function()
    local api = http.client { base_url = base, headers = { Authorization = "Bearer old" },
      refused = function() return true end }
    local seen = 0
    api:use(function(req, next)
      seen = seen + 1
      if seen > 1 then req.headers.Authorization = "Bearer fresh" end
      return next(req)
    end)
    local data = {}
    for event in api:events("/auth/" .. name_of(), quick) do data[#data + 1] = event.data end
    expect(data).equals { "in" }
  end)

  test.it("a POST without ids ends with its stream, and is sent once", function()
    local url, name = url_of "once"
    local data, err = collect(url, { method = "POST", json = { prompt = "hi" } })
    expect(err).is_nil()
    expect(data).equals { "part", "[DONE]" }
    expect(#state(name).served).is(1)
    expect(state(name).served[1].body).is '{"prompt":"hi"}'
  end)

  test.it("a POST that breaks off is an error, not repeated unless it may", function()
    local url, name = url_of "broken"
    local data, err = collect(url, { method = "POST" })
    expect(data).equals { "part" }
    expect(err.code).is "RESET"
    expect(#state(name).served).is(1)
    url, name = url_of("status", "/503/9")
    _, err = collect(url, { method = "POST" })
    expect(err.status).is(503)
    expect(#state(name).served).is(1)
    url, name = url_of("status", "/503/2")
    expect((collect(url, { method = "POST", reconnect = { delay = 0.01 } }))).equals { "well" }
    expect(#state(name).served).is(4)
    url, name = url_of("ids", "/2/4")
    expect((collect(url, { method = "POST" }))).equals { "n1", "n2", "n3", "n4" }
    expect(state(name).served[2].id).is "2"
  end)

  test.it("reconnect = false: an end ends it, a break is an error", function()
    expect((collect((url_of("ids", "/2/9")), { reconnect = false }))).equals { "n1", "n2" }
    local _, err = collect((url_of "broken"), { reconnect = false })
    expect(err.code).is "RESET"
  end)

  test.it("a server that ends at once, again and again, is an error when attempts are used up", function()
    local url, name = url_of("status", "/200/9")
    local _, err = collect(url, quick)
    expect(err.code).is "DECODE"
    url, name = url_of "silent"
    _, err = collect(url, { idle_timeout = 0.05, reconnect = { delay = 0, attempts = 1 } })
    expect(err.code).is "TIMEOUT"
    expect(#state(name).served).is(2)
  end)

  test.it("break, an error and a cancelled task close the connection", function()
    local url, name = url_of "silent"
    local before = state(name).open
    local one = task.spawn(function() for _ in http.events(url) do end end)
    test.wait_for(function() return #state(name).served == 1 end)
    one:cancel()
    test.wait_for(function() return state(name).open <= before end)
    for _, wait in ipairs { "hang", "slowhead" } do
      local waiting = task.spawn(function() for _ in http.events((url_of(wait))) do end end)
      task.sleep(0.05)
      waiting:cancel()
    end
    test.wait_for(function() return state(name).open <= before end)
    pcall(function() for _ in http.events((url_of "pour")) do error "mine" end end)
    test.wait_for(function() return state(name).open <= before end)
  end)
end)
