-- Looks at the modules as they are at run time: functions without annotations, annotations without
-- functions, options that are not taken. Runs in a task, because some things are there only then.
local cache = require "tidelock.cache"
local http = require "tidelock.http"
local rate = require "tidelock.rate"
local rules = require "rules"
local schema = require "tidelock.schema"
local script = require "tidelock.script"
local server = require "tidelock.server"
local socket = require "tidelock.socket"
local query = require "tidelock.query"
local store = require "tidelock.store"
local task = require "tidelock.task"
local timer = require "tidelock.timer"

local M = {}

-- tidelock.test runs tests from script.on_start and then ends the script, which this one must not.
local function without_start(name)
  local on_start = script.on_start
  script.on_start = function() end
  local module = require(name)
  script.on_start = on_start
  return module
end

---@param name string without "tidelock."
function M.load(name)
  if name == "test" then return without_start "tidelock.test" end
  return require("tidelock." .. name)
end

-- --- one of each class ----------------------------------------------------------------------

local function nothing() end

-- What a client and a server have once they are connected.
local function connect(found)
  local srv = server.listen("api", {})
  local io = srv:io()
  io:on("connection", function(sock) found["tidelock.server.Socket"] = sock end)
  srv:websocket("/ws", { open = function(ws) found["tidelock.server.WebSocket"] = ws end })
  srv:get("/", function(req)
    found["tidelock.server.Request"] = req
    return "here"
  end)
  srv:get("/pieces", function() return function(out) found["tidelock.server.Stream"] = out end end)
  assert(http.get(srv.url .. "/pieces"))
  found["tidelock.http.Response"] = assert(http.get(srv.url))
  local chat = socket.connect("chat", { url = srv.url })
  local plain = socket.connect("plain", { url = srv.url .. "/ws", protocol = "websocket" })
  assert(chat:wait(10) and plain:wait(10))
  while not (found["tidelock.server.Socket"] and found["tidelock.server.WebSocket"]) do task.sleep(0.01) end
  found["tidelock.server.Server"], found["tidelock.server.Namespace"] = srv, io
  found["tidelock.server.Broadcast"] = io:to "room"
  found["tidelock.server.TimedSocket"] = found["tidelock.server.Socket"]:timeout(1)
  found["tidelock.Socket"], found["tidelock.VolatileSocket"] = chat, chat.volatile
  found["tidelock.TimedSocket"] = chat:timeout(1)
  found["tidelock.fs.Folder"] = require("tidelock.fs").folder "tests/check/api"
  found.plain = plain
  found["tidelock.Handler"] = chat:on("event", nothing)
end

---@return table<string, any> found by the name of the class
function M.samples()
  local found = {}
  connect(found)
  local kept = store.define("api", {})
  found["tidelock.Store"], found["tidelock.Derived"] = kept, store.derive({ kept }, function() end)
  found["tidelock.Cache"] = cache.open "api"
  found["tidelock.Timer"], found["tidelock.Task"] = timer.after(60, nothing), task.spawn(nothing)
  found["tidelock.http.Client"] = http.client {}
  found["tidelock.Session"] = require("tidelock.session").define "api"
  found["tidelock.Query"] = query.define("api", { fetch = nothing })
  found["tidelock.http.Cache"] = http.cache()
  found["tidelock.http.Cookies"] = http.cookies()
  found["tidelock.http.EventSource"] = http.events("api", "http://127.0.0.1:1/")
  found["tidelock.Schema"], found["tidelock.schema.coerce"] = schema.any(), schema.coerce
  found["tidelock.Mutation"] = require("tidelock.outbox").define("api",
    { repeats = "safe", send = function() return true end })
  found["tidelock.Entry"] = found["tidelock.Mutation"]:post {}
  found["tidelock.Limited"] = rate.debounce(nothing, 60)
  found["tidelock.Run"] = found["tidelock.Limited"]()
  found["tidelock.Bucket"], found["tidelock.Semaphore"] = rate.bucket { rate = 1 }, rate.semaphore(1)
  found["tidelock.Clock"] = require("tidelock.test.clock").functions
  found["tidelock.FakeServer"] = setmetatable({ url = "", host = "", requests = {} },
    { __index = require("tidelock.test.server").class })
  found["tidelock.Expectation"] = M.load("test").expect(1)
  return found
end

-- --- functions ------------------------------------------------------------------------------

local function of_value(value, key)
  local fine, got = pcall(function() return value[key] end)
  if fine then return got end
  return nil -- such a key raises
end

local function check_there(say, samples, module, item)
  local class = item.class
  local sample = class == module.class and module.loaded or samples[class.name]
  if sample == nil then return say(module, item, "the probe has no " .. class.name) end
  if type(of_value(sample, item.name)) ~= "function" then say(module, item, "there is no such function") end
end

-- Fields of modules, and those that a class always has.
local function check_fields(say, samples, module, item)
  local sample = item == module.class and module.loaded or samples[item.name]
  if item.kind ~= "class" or sample == nil then return end
  for _, field in ipairs(item.fields) do
    local optional = field.optional or field.type:find "%?$"
    if not optional and of_value(sample, field.name) == nil then
      say(module, item, "there is no field " .. field.name)
    end
  end
end

-- Tables that show their functions: all of them must be annotated.
local function check_annotated(say, module, class, shown)
  local known = {}
  for _, item in ipairs(module.items) do
    if item.class == class then known[item.name] = true end
  end
  for _, field in ipairs(class.fields) do known[field.name] = true end
  for name in pairs(shown) do
    if not known[name] and not name:find "^__" then
      say(module, class, "has no annotation for " .. name)
    end
  end
end

-- Classes written in Lua whose metatables hold nothing but what scripts may call.
local open = { ["tidelock.Schema"] = true, ["tidelock.Derived"] = true,
  ["tidelock.http.Client"] = true, ["tidelock.http.Cache"] = true, ["tidelock.http.Response"] = true,
  ["tidelock.http.Cookies"] = true }

local function check_all_annotated(say, samples, module, item)
  if item == module.class then return check_annotated(say, module, item, module.loaded) end
  local sample = samples[item.name]
  if item.name == "tidelock.schema.coerce" then return check_annotated(say, module, item, sample) end
  if open[item.name] then check_annotated(say, module, item, getmetatable(sample).__index) end
end

-- --- options --------------------------------------------------------------------------------

local function declare(options) return socket.connect("options", options) end
local function inside(name)
  return function(options) return declare { url = "ws://127.0.0.1:1", [name] = options } end
end
-- Where the options of a class go.
local function takers(samples)
  local s = samples
  return {
    ["tidelock.errors.new"] = function(o) return require("tidelock.errors").new(o) end,
    ["tidelock.crypto.base64"] = function(o) return require("tidelock.crypto").base64_encode("", o) end,
    ["tidelock.date.InZone"] = function(o) return require("tidelock.date").fields(0, o) end,
    ["tidelock.date.ParseOptions"] = function(o) return require("tidelock.date").parse("", o) end,
    ["tidelock.date.FormatOptions"] = function(o) return require("tidelock.date").format(0, o) end,
    ["tidelock.date.DifferenceOptions"] = function(o) return require("tidelock.date").difference(0, 0, o) end,
    ["tidelock.date.StartOptions"] = function(o) return require("tidelock.date").start_of(0, "day", o) end,
    ["tidelock.date.RelativeOptions"] = function(o) return require("tidelock.date").relative(0, o) end,
    ["tidelock.date.Amounts"] = function(o) return require("tidelock.date").add(0, o) end,
    ["tidelock.fs.Most"] = function(o) return require("tidelock.fs").read("", o) end,
    ["tidelock.fs.MakeOptions"] = function(o) return require("tidelock.fs").mkdir("", o) end,
    ["tidelock.json.options"] = function(o) return require("tidelock.json").encode({}, o) end,
    ["tidelock.input.options"] = function(o) return require("tidelock.input").on_line(nothing, o) end,
    ["tidelock.script.KeepOptions"] = function(o) return script.keep_options(o) end,
    ["tidelock.http.Common"] = function(o) return http.client(o) end,
    ["tidelock.http.ClientOptions"] = function(o) return http.client(o) end,
    ["tidelock.http.CacheLimits"] = function(o) return http.cache(o) end,
    ["tidelock.http.CookiesOptions"] = function(o) return http.cookies("api", o) end,
    ["tidelock.http.DownloadOptions"] = function(o)
      o.file = o.file or "x"
      return http.download("http://127.0.0.1:1/", o)
    end,
    ["tidelock.http.Options"] = function(o) return http.get("", o) end,
    ["tidelock.http.Request"] = function(o) return http.request(o) end,
    ["tidelock.http.EventsOptions"] = function(o) return http.events("http://127.0.0.1:1/", o) end,
    ["tidelock.http.Reconnect"] = function(o) return http.events("http://x/", { reconnect = o }) end,
    ["tidelock.SocketOptions"] = declare,
    ["tidelock.Reconnect"] = inside "reconnect",
    ["tidelock.Heartbeat"] = function(o)
      return declare { url = "ws://127.0.0.1:1", protocol = "websocket", heartbeat = o }
    end,
    ["tidelock.SocketBuffer"] = inside "buffer",
    ["tidelock.Deflate"] = inside "deflate",
    ["tidelock.HandlerOptions"] = function(o) return s["tidelock.Socket"]:on("x", nothing, o) end,
    ["tidelock.SendOptions"] = function(o) return s.plain:send("x", o) end,
    ["tidelock.session.Options"] = function(o) return require("tidelock.session").define("options", o) end,
    ["tidelock.CacheOptions"] = function(o) return cache.open("options", o) end,
    ["tidelock.cache.SetOptions"] = function(o) return cache.open("api"):set("a", 1, o) end,
    ["tidelock.query.Options"] = function(o) return query.define("options", o) end,
    ["tidelock.StoreOptions"] = function(o) return store.define("options", o) end,
    ["tidelock.store.HistoryOptions"] = function(o) return store.define("options", { history = o }) end,
    ["tidelock.store.SubscribeOptions"] = function(o) return s["tidelock.Store"]:subscribe(nothing, o) end,
    ["tidelock.schema.string"] = function(o) return schema.string(o) end,
    ["tidelock.schema.number"] = function(o) return schema.coerce.number(o) end,
    ["tidelock.schema.array"] = function(o) return schema.array(schema.any(), o) end,
    ["tidelock.schema.tuple"] = function(o) return schema.tuple({}, o) end,
    ["tidelock.schema.map"] = function(o) return schema.map(schema.any(), o) end,
    ["tidelock.schema.date"] = function(o) return schema.coerce.date(o) end,
    ["tidelock.server.Options"] = function(o) return server.listen("options", o) end,
    ["tidelock.server.IoOptions"] = function(o) return s["tidelock.server.Server"]:io(o) end,
    ["tidelock.server.PartLimits"] = function(o) return s["tidelock.server.Request"].multipart(o) end,
    ["tidelock.server.WebSocketHandlers"] = function(o)
      return s["tidelock.server.Server"]:websocket("/x", o)
    end,
  }
end

-- Whether a function refuses an option because of its name. The value is of no type that any has,
-- so that nothing is declared.
local function refuses(take, name)
  local fine, err = pcall(take, { [name] = coroutine.create(nothing) })
  return not fine and tostring(err):find("option '?\"?" .. name) ~= nil
    or not fine and tostring(err):find("no field '" .. name) ~= nil
end

local function check_options(say, all, module, item)
  if not table.concat(item.doc, " "):find "Other names raise" then return end
  local take = all[item.name]
  if not take then return say(module, item, "the probe does not know where these options go") end
  for _, field in ipairs(item.fields) do
    if refuses(take, field.name) then say(module, item, "there is no option " .. field.name) end
  end
  if not refuses(take, "qwertz") then say(module, item, "other names do not raise") end
end

-- --- all of it ------------------------------------------------------------------------------

---@param modules table[]
---@param registered string[] names of functions and options in the C sources
---@return string[] problems
function M.check(modules, registered)
  local problems, samples, annotated = {}, M.samples(), {}
  local options = takers(samples)
  local function say(module, item, text) problems[#problems + 1] = rules.at(module, item, text) end
  for _, module in ipairs(modules) do
    module.loaded = M.load(module.name)
    for _, item in ipairs(module.items) do
      annotated[item.name] = true
      if item.kind == "function" then check_there(say, samples, module, item) end
      if item.kind == "class" then
        for _, field in ipairs(item.fields) do annotated[field.name] = true end
        check_fields(say, samples, module, item)
        check_all_annotated(say, samples, module, item)
        check_options(say, options, module, item)
      end
    end
  end
  for _, name in ipairs(registered) do
    if not annotated[name] then
      problems[#problems + 1] = ("the sources have %s, stdlib/meta has not"):format(name)
    end
  end
  return problems
end

return M
