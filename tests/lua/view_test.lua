-- Views: what a script sees of immutable state.
local core = require "tidelock.test.core"
local http = require "tidelock.http"
local json = require "tidelock.json"
local log = require "tidelock.log"
local server = require "tidelock.server"
local socket = require "tidelock.socket"
local test = require "tidelock.test"
local expect = test.expect
local value = core.value

local web = server.listen("web", { port = 0 })
web:post("/back", function(req) return value { got = req:json() } end)
web:io():on("connection", function(peer)
  peer:on("echo", function(item, ack) ack(value { got = item }) end)
end)

local function state()
  return value {
    messages = { { id = 1, text = "one" }, { id = 2, text = "two" } },
    ai = { busy = false, progress = 0.5 },
    name = "x", count = 3, tags = json.array {},
  }
end

test.describe("a view", function()
  test.it("is read like a table", function()
    local v = state()
    expect(type(v)).is("userdata")
    expect(v.name).is("x")
    expect(math.type(v.count)).is("integer")
    expect(v.ai.busy).is(false)
    expect(v.messages[2].text).is("two")
    expect(v.messages[2.0].text).is("two")
    expect(#v.messages).is(2)
    expect(#v.tags).is(0)
    for _, key in ipairs { "none", 1, 1.5, true } do expect(v[key]).is_nil() end
    for _, key in ipairs { "x", 0, -1, 3, 1.5, math.mininteger, math.huge, 0 / 0 } do
      expect(v.messages[key]).is_nil()
    end
  end)

  test.it("is looped over", function()
    local v, keys, ids = state(), {}, {}
    for key, item in pairs(v) do
      keys[#keys + 1] = key
      expect(rawequal(item, v[key]) or item == v[key]).is_true()
    end
    table.sort(keys)
    expect(keys).equals { "ai", "count", "messages", "name", "tags" }
    for i, message in ipairs(v.messages) do ids[i] = message.id end
    expect(ids).equals { 1, 2 }
    for i, message in pairs(v.messages) do ids[i] = message.text end
    expect(ids).equals { "one", "two" }
    for _ in pairs(v.tags) do error("nothing is in it") end
    expect(value { a = { 1, json.null, 3 } }.a[2]).is(json.null)
  end)

  test.it("goes into table.concat and table.unpack", function()
    local list = value { "a", "b", 3 }
    expect(table.concat(list, "-")).is("a-b-3")
    expect({ table.unpack(list, 2) }).equals { "b", 3 }
    expect(table.move(list, 1, 3, 1, {})).equals { "a", "b", 3 }
    expect(select("#", table.unpack(list))).is(3)
  end)

  test.it("cannot be written to, and says how to", function()
    local v = state()
    for _, write in ipairs {
      function() v.name = "y" end,
      function() v.ai.busy = true end,
      function() v.messages[1] = nil end,
      function() table.insert(v.messages, {}) end,
      function() table.remove(v.messages) end,
      function() table.sort(value { 2, 1 }) end,
      function() table.move({ 1 }, 1, 1, 1, v.messages) end,
    } do
      expect(write).raises "change(function(draft)"
    end
    expect(function() rawset(v, "name", 1) end).raises "table expected"
    expect(function() next(v) end).raises "table expected"
    expect(function() rawlen(v) end).raises "table or string expected"
    expect(function() setmetatable(v, {}) end).raises "table expected"
    expect(getmetatable(v)).is "view"
    expect(v).equals(state())
  end)

  test.it("is the same as another of the same node", function()
    local v = state()
    expect(v.ai == v.ai).is_true()
    expect(v == state()).is(false)
    local changed = core.change(v, function(d) d.ai.busy = true end)
    expect(changed.messages == v.messages).is_true()
    expect(changed.ai == v.ai).is(false)
    expect(changed == v).is(false)
    expect(v.ai ~= 1 and v.ai ~= {} and v.ai ~= "x").is_true()
  end)

  test.it("shows its content, shortened", function()
    expect(tostring(value { 1, "two", { a = true } })).is '[1,"two",{"a":true}]'
    expect(tostring(value { 0 / 0, math.huge, json.null })).matches "^%[%-?nan,inf,null%]$"
    local long = {}
    for i = 1, 10000 do long[i] = ("text %d"):format(i) end
    local text = tostring(value { long = long, last = 1 })
    expect(#text < 260).is_true()
    expect(text).contains "…"
    expect(#tostring(value { ("é"):rep(1000) }) < 260).is_true()
    expect(utf8.len(tostring(value { ("é"):rep(1000) }))).is_true()
    expect(tostring(value { "\xff" })).is "[(1 bytes)]"
  end)

  test.it("goes as it is where values go", function()
    local v = state()
    expect(json.decode(json.encode(v))).equals(core.copy(v))
    expect(json.encode { part = v.ai.progress, list = v.messages[1] }).contains '"list":{'
    expect(json.encode(v.tags)).is "[]"
    expect(json.is_array(v.messages)).is_true()
    expect(json.is_array(v)).is(false)
    expect(json.encode(v, { pretty = true })).contains "\n"
    log.debug("seen", v.ai)
    local text, err = json.encode { deep = value { a = { 1 / 0 } } }
    expect(text).is_nil()
    expect(err.message).is "deep: a[1]: NaN and infinity are no JSON numbers"
    expect(value { kept = v.ai }.kept == v.ai).is_true() -- shared
  end)

  test.it("goes out as a body, as an event", function()
    local v = state()
    local response = http.post(web.url .. "/back", { json = v.messages })
    expect(response:json()).equals { got = v.messages }
    local chat = socket.connect("chat", { url = web.url })
    test.wait_for(function() return chat.state == "connected" end)
    expect(chat:call("echo", v)).equals { got = v }
    chat:disconnect()
  end)

  test.it("is copied into a plain table", function()
    local copy = core.copy(state())
    expect(type(copy.messages[1])).is "table"
    expect(copy).equals(state())
    expect(json.encode(copy.tags)).is "[]"
    copy.messages[1].text = "changed"
    expect(state().messages[1].text).is "one"
  end)

  test.it("keeps what it shows when the rest is gone", function()
    local part = state().messages[1]
    collectgarbage()
    collectgarbage()
    expect(part.text).is "one"
  end)
end)

test.describe("what can be kept", function()
  local function refused(x, text)
    local v, err = value(x)
    expect(v).is_nil()
    expect(err.code).is "INVALID"
    expect(err.message).is(text)
  end

  test.it("raises with the path of the value that cannot", function()
    refused({ a = { 1, { b = print } } }, "a[2].b: a function cannot be kept")
    refused(print, "the value: a function cannot be kept")
    refused({ a = coroutine.create(print) }, "a: a coroutine cannot be kept")
    refused({ 1, nil, 3 }, "[2]: a hole in an array; json.null can fill it")
    refused({ [2] = 1 }, "[1]: a hole in an array; json.null can fill it")
    refused({ a = { 1, x = 2 } }, "a.x: a string key in an array")
    refused({ a = json.object { 1 } }, "a[1]: an array item in an object")
    refused({ a = { [true] = 1 } }, "a: a key that is neither a string nor an array's index")
    local cycle = { list = {} }
    cycle.list[1] = cycle
    refused(cycle, "list[1]: a table that contains itself")
  end)

  test.it("nests 512 deep", function()
    local function nest(n)
      local t = {}
      for _ = 2, n do t = { t } end
      return t
    end
    expect(value(nest(512))).is_not(nil)
    local v, err = value(nest(513))
    expect(v).is_nil()
    expect(err.code).is "TOO_LARGE"
    v, err = value { value(nest(512)) }
    expect(v).is_nil()
    expect(err.code).is "TOO_LARGE"
    expect(json.encode(core.copy(value(nest(512))))).is_not(nil)
  end)

  test.it("is any string, any number; null in an object is absent", function()
    local v = value {
      bytes = "\0\xff", big = math.maxinteger, nan = 0 / 0, gone = json.null, list = { json.null } }
    expect(v.bytes).is "\0\xff"
    expect(v.big).is(math.maxinteger)
    expect(v.nan ~= v.nan).is_true()
    expect(v.gone).is_nil()
    expect(v.list[1]).is(json.null)
    expect(value "x").is "x"
    expect(value(json.null)).is(json.null)
  end)
end)
