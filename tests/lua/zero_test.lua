-- A zero byte cuts nothing off: a text is carried whole, or refused with words that show it.
local env = require "tidelock.env"
local errors = require "tidelock.errors"
local http = require "tidelock.http"
local json = require "tidelock.json"
local log = require "tidelock.log"
local schema = require "tidelock.schema"
local script = require "tidelock.script"
local server = require "tidelock.server"
local socket = require "tidelock.socket"
local store = require "tidelock.store"
local task = require "tidelock.task"
local test = require "tidelock.test"
local timer = require "tidelock.timer"
local expect = test.expect

local ODD, SHOWN = "a\0b", "a\\x00b"
local function nothing() end

local backend = server.listen("backend")
backend:get("/query", function(req) return { value = req.query[ODD], cut = req.query.a } end)
backend:post("/body", function(req) return #req.body .. req.body end)
backend:get("/header", function() return 200, "x", { ["X-Odd"] = ODD } end)
local io = backend:io()
io:on("connection", function(sock)
  sock:on(ODD, function(text, ack) ack(ODD, text, { [ODD] = ODD }) end)
  sock:on("a", function(_, ack) ack "cut" end)
  sock:on("whole", function(ack)
    sock:emit(ODD, ODD)
    ack()
  end)
end)

local odd = store.define("odd", { initial = { [ODD] = { [ODD] = 1 }, a = 2 }, history = { count = 5 } })
local chat = socket.connect("chat", { url = "http://127.0.0.1:1", auto_connect = false })

local count = 0
local function connection(more)
  count = count + 1
  local all = { url = "http://127.0.0.1:1", auto_connect = false }
  for key, value in pairs(more) do all[key] = value end
  return socket.connect("c" .. count, all)
end

local function refused(what, call, word)
  test.it(what, function()
    expect(call).raises(word or "holds a zero byte")
    expect(call).raises "zero_test.lua"
  end)
end

test.describe("carried whole:", function()
  test.it("events, their arguments and acks", function()
    local client = socket.connect("client", { url = backend.url })
    local got
    client:on(ODD, function(text) got = text end)
    client:on("a", function() got = "cut" end)
    expect(client:wait(5)).is_true()
    local name, text, both = client:call(ODD, "x\0y")
    expect { name, text, both }.equals { ODD, "x\0y", { [ODD] = ODD } }
    client:call "whole"
    test.wait_for(function() return got end)
    expect(got).is(ODD)
    client:disconnect()
  end)
  test.it("queries, by either client, and bodies", function()
    local res = http.get(backend.url .. "/query", { query = { [ODD] = "x\0y" } })
    expect(res:json()).equals { value = "x\0y" }
    expect(http.post(backend.url .. "/body", ODD).body).is("3" .. ODD)
  end)
  test.it("state, its paths, selectors and history", function()
    expect(odd:get(ODD, ODD)).is(1)
    odd:set { [ODD] = { [ODD] = ODD } }
    expect(odd:get(ODD, ODD)).is(ODD)
    odd:change(function(d) d[ODD][ODD] = "z\0" end)
    expect(odd:get()).equals { [ODD] = { [ODD] = "z\0" }, a = 2 }
    local seen
    odd:subscribe(ODD, function(value) seen = value[ODD] end)
    odd:change(function(d) d[ODD][ODD] = "y\0" end)
    test.wait_for(function() return seen end)
    expect(seen).is "y\0"
    odd:undo()
    expect(odd:get(ODD, ODD)).is "z\0"
  end)
  test.it("JSON, and what is kept", function()
    expect(json.decode(json.encode { [ODD] = ODD })).equals { [ODD] = ODD }
    expect(json.decode('{"a\0b":1}')).is_nil()
    expect(json.decode("[1]\0")).is_nil()
    script.keep[ODD] = ODD
    expect(script.keep[ODD]).is(ODD)
    expect(script.keep.a).is_nil()
  end)
  test.it("errors, their texts and traces", function()
    local err = errors.new { code = "IO", message = ODD, detail = "d\0e", data = { [ODD] = ODD } }
    expect { err.message, err.detail, err.data[ODD] }.equals { ODD, "d\0e", ODD }
    expect(tostring(err)).is("IO: " .. ODD .. " (detail: d\0e)")
    expect(tostring(errors.wrap(err, "SAVE", ODD))).contains("SAVE: " .. ODD .. " <- IO: " .. ODD)
    expect(errors.is(err, "IO\0x")).is(false)
    expect(debug.traceback(ODD)).contains(ODD .. "\nstack traceback:")
    expect(select(2, pcall(error, ODD, 0))).is(ODD)
  end)
  test.it("an error that ends a task", function()
    local failing = task.spawn(function() error(ODD, 0) end)
    expect(select(2, pcall(failing.await, failing))).is(ODD)
    local _, err = task.with_timeout(1, function() return nil, errors.new { code = "IO", message = ODD } end)
    expect(tostring(err)).is("IO: " .. ODD)
  end)
  test.it("names of the environment, keys of records", function()
    expect(env.get "HOME\0x").is_nil()
    local _, err = schema.record({ [ODD] = schema.integer() }):check { [ODD] = "s" }
    expect(tostring(err)).contains "a?b"
    log.info(ODD, { [ODD] = ODD })
  end)
end)

test.describe("refused:", function()
  local texts = { "url", "namespace", "path", "query", "subprotocols", "proxy", "ca", "cert", "key",
    "key_password", "pin", "ciphers" }
  for _, name in ipairs(texts) do
    refused(name, function() connection { [name] = "/" .. ODD } end, name .. " holds a zero byte")
  end
  refused("a header", function() connection { headers = { x = ODD } } end, "header x holds a")
  refused("a header's name", function() connection { headers = { [ODD] = "x" } } end, SHOWN .. " holds")
  refused("a list of subprotocols", function()
    connection { protocol = "websocket", subprotocols = { "b", ODD } }
  end, "subprotocols must be names, without zero bytes")
  local choices = { parser = "json", protocol = "websocket", share = "send", frames = "text" }
  for name, value in pairs(choices) do
    local said = name .. " cannot be " .. value .. "\\x00x"
    refused(name, function() connection { [name] = value .. "\0x" } end, said)
  end
  refused("a transport", function() connection { transports = { "polling\0x" } } end, '"polling\\x00x"')
  refused("an option", function() connection { ["share\0x"] = "send" } end, 'unknown option "share\\x00x"')
  refused("an option of stdlib's", function() server.listen("o", { ["port\0x"] = 1 }) end, '"port\\x00x"')
  refused("a name", function() socket.connect(ODD, { url = "http://127.0.0.1:1" }) end, SHOWN)
  refused("a target", function() socket.attach("a:" .. ODD) end, SHOWN)
  refused("a store", function() store.define(ODD, { initial = {} }) end, SHOWN)
  refused("a store's target", function() store.attach("a:" .. ODD) end, SHOWN)
  refused("who shares a store", function() store.define("s", { share = "read\0x" }) end, '"read\\x00x"')
  refused("what is persisted", function()
    store.define("s", { initial = { [ODD] = 1 }, persist = { ODD } })
  end, "without zero bytes, not \"" .. SHOWN)
  refused("an action", function() odd:change(ODD, nothing) end, "the action's name holds a zero byte")
  refused("a timer", function() timer.every(ODD, 1, nothing) end, SHOWN)
  refused("a server", function() server.listen(ODD) end, SHOWN)
  refused("a server's host", function() server.listen("o", { host = "::1\0x" }) end, "host holds a zero")
  refused("a server's hosts", function() server.listen("o", { hosts = { "a", ODD } }) end, "zero")
  refused("a server's origins", function() server.listen("o", { origins = "http://" .. ODD }) end, "zero")
  refused("a code", function() errors.new { code = "IO\0X" } end, "IO\\x00X")
  refused("a severity", function() errors.new { code = "IO", severity = "low\0" } end, "low\\x00")
  refused("a field of an error", function() errors.new { code = "IO", ["data\0"] = 1 } end, "data\\x00")
  refused("a module", function() require("tidelock.json\0x") end, "name holds a zero byte")
  refused("a field of a connection", function() return chat["state\0x"] end, "state\\x00x")
  refused("a proxy", function() http.get("http://127.0.0.1:1", { proxy = "http://" .. ODD }) end)
  test.it("parts of a request", function()
    local url = "http://127.0.0.1:1/"
    for _, options in ipairs { { url = url .. ODD }, { url = url, method = ODD },
      { url = url, headers = { x = ODD } }, { url = url, headers = { [ODD] = "x" } } } do
      local res, err = http.request(options)
      expect { res == nil, err.code }.equals { true, "INVALID" }
      expect(err.message).contains "zero byte"
    end
  end)
  test.it("a header of an answer", function()
    expect(http.get(backend.url .. "/header").status).is(500)
    test.uncaught()
  end)
end)
