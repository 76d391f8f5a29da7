-- An option that there is not raises wherever a function takes options, with the one that was
-- probably meant; so does an argument where there are none.
local test = require "tidelock.test"
local http = require "tidelock.http"
local input = require "tidelock.input"
local json = require "tidelock.json"
local schema = require "tidelock.schema"
local script = require "tidelock.script"
local server = require "tidelock.server"
local socket = require "tidelock.socket"
local store = require "tidelock.store"
local task = require "tidelock.task"
local timer = require "tidelock.timer"
local checks = require "tidelock.options.core"
local expect = test.expect

local web = server.listen("web")
local io = web:io()
local cors = server.listen("cors")
local s_store = store.define("watched", { initial = { n = 1 } })

local function nothing() end
local count = 0
local function connection(more)
  count = count + 1
  local all = { url = "http://127.0.0.1:1", auto_connect = false }
  for key, value in pairs(more or {}) do all[key] = value end
  return socket.connect("c" .. count, all)
end

-- NAME, call, what the error says
local function refused(name, call, ...)
  local words = { ... }
  test.it(name, function()
    for _, word in ipairs(words) do expect(call).raises(word) end
    expect(call).raises "options_test.lua" -- the line of the script
  end)
end

test.describe("an option that there is not", function()
  local s
  test.before_each(function() s = connection() end)
  refused("of on", function()
    s:on("x", nothing, { serail = true })
  end, "socket:on", 'option "serail"', 'did you mean "serial"')
  refused("of once", function()
    s:once("x", nothing, { seriel = true })
  end, "socket:once", 'did you mean "serial"')
  refused("far from any", function()
    s:on("x", nothing, { priority = 1 })
  end, 'unknown option "priority"')
  refused("that is no name", function() s:on("x", nothing, { true }) end, 'unknown option "1"')
  refused("of the wrong type", function() s:on("x", nothing, { serial = "yes" }) end, "true or false")
  refused("no table at all", function() s:on("x", nothing, true) end, "table expected")
  local others = { "on_any", "prepend_any", "on_any_outgoing", "prepend_any_outgoing", "on_state", "on_drop" }
  for _, name in ipairs(others) do
    refused("of " .. name, function()
      s[name](s, nothing, { Serial = true })
    end, "socket:" .. name, 'did you mean "serial"')
  end
  refused("of connect", function() connection { namspace = "/x" } end, 'did you mean "namespace"')
  refused("of a table in connect", function()
    connection { reconnect = { maxdelay = 1 } }
  end, 'did you mean "max_delay"')
  refused("of attach", function()
    socket.attach("a:b", { share = "send" })
  end, "socket.attach takes no options")
  refused("of a store's attach", function()
    store.attach("a:b", { share = "read" })
  end, "store.attach takes no options")
  refused("of a trace", function()
    store.trace(nothing, { name = "x" })
  end, "store.trace takes no options")
  refused("of a store", function() store.define("s", { intial = {} }) end, 'did you mean "initial"')
  refused("of a derived store's subscribe", function()
    store.derive({}, nothing):subscribe(nothing, { fire_imediately = true })
  end, 'did you mean "fire_immediately"')
  refused("of a line's handler", function()
    input.on_line(nothing, { seral = false })
  end, "input.on_line", 'did you mean "serial"')
  refused("of the input's end", function()
    input.on_end(nothing, { serial = false })
  end, "input.on_end takes no options")
  refused("of a timer", function()
    timer.after(1, nothing, { name = "x" })
  end, "timer.after takes no options")
  refused("of one that repeats", function()
    timer.every(1, nothing, { immediate = true })
  end, "timer.every takes no options")
  refused("of one with a name", function()
    timer.every("t", 1, nothing, { immediate = true })
  end, "timer.every takes no options")
  refused("of on_start", function()
    script.on_start(nothing, { once = true })
  end, "script.on_start takes no options")
  refused("of on_stop", function()
    script.on_stop(nothing, { timeout = 1 })
  end, "script.on_stop takes no options")
  refused("of on_notice", function()
    script.on_notice(nothing, {})
  end, "script.on_notice takes no options")
  refused("of keep_options", function()
    script.keep_options { persists = true }
  end, 'did you mean "persist"')
  refused("of grace", function() script.grace(1, {}) end, "script.grace takes no options")
  refused("of version", function() script.version(1, nothing, {}) end, "script.version takes no options")
  refused("of exit", function() script.exit(0, { now = true }) end, "script.exit takes no options")
  refused("of sleep", function() task.sleep(0, { exact = true }) end, "task.sleep takes no options")
  refused("of all", function() task.all({}, { limit = 1 }) end, "task.all takes no options")
  refused("of race", function() task.race({ nothing }, { limit = 1 }) end, "task.race takes no options")
  refused("of with_timeout", function()
    task.with_timeout(1, nothing, { code = 1 })
  end, "task.with_timeout takes no options")
  refused("of encode", function() json.encode({}, { prety = true }) end, 'did you mean "pretty"')
  refused("of listen", function()
    server.listen("o", { prot = 1 })
  end, "server.listen", 'did you mean "port"')
  refused("of listen, with a value that cannot be", function()
    server.listen("o", { port = 70000 })
  end, "server.listen: port must be 0 to 65535, not 70000")
  refused("of listen, a number below 0", function()
    server.listen("o", { idle_timeout = -0.5 })
  end, "server.listen: idle_timeout must be 0 to 86400, not -0.5")
  refused("of listen, of another type", function()
    server.listen("o", { host = 5 })
  end, "server.listen: host is a string, not a number")
  refused("of listen, a list of other things", function()
    server.listen("o", { origins = { 1 } })
  end, "server.listen: origins is a string or a list of strings")
  refused("of listen, which are no table", function()
    server.listen("o", 5)
  end, "options are a table, not a number")
  refused("of a server's io, an origin that is none", function()
    cors:io { cors = "elsewhere" }
  end, 'server:io: cors: "elsewhere" is no origin')
  for what, wrong in pairs { ["a table of names"] = { origin = "https://x.y" }, ["a number"] = 5,
    ["a list with a number"] = { "https://x.y", 5 } } do
    refused("of a server's io, whose cors is " .. what, function() cors:io { cors = wrong } end,
      "io: option cors must be an origin, or a list of them")
  end
  refused("a name that there is already", function()
    server.listen "web"
  end, 'server "web" is declared twice')
  refused("a name that is none", function() server.listen "a b" end, 'server name "a b"')
  refused("of a choice, with what there is", function()
    connection { share = "raed" }
  end, "share cannot be raed: it is none, hear, send or control")
  refused("of a choice, with what was meant", function()
    connection { parser = "mspack" }
  end, 'did you mean "msgpack"', "json or msgpack")
  refused("of listen, a second one", function() server.listen("o", {}, {}) end, "takes no options")
  refused("of io", function() web:io { pingInterval = 1 } end, "server:io", 'did you mean "ping_interval"')
  refused("of a route", function() web:get("/", nothing, { cors = "*" }) end, "server:get takes no options")
  refused("of a middleware", function() web:use(nothing, { path = "/" }) end, "server:use takes no options")
  refused("of a WebSocket", function()
    web:websocket("/", { mesage = nothing })
  end, "server:websocket", 'did you mean "message"')
  refused("of a namespace", function()
    io:on("connection", nothing, { serial = true })
  end, "namespace:on takes no options")
  refused("of a namespace's middleware", function() io:use(nothing, {}) end, "namespace:use takes no options")
  refused("of a string", function() schema.string { nonemty = true } end, "schema.string", 'mean "nonempty"')
  refused("of a number", function() schema.number { maximum = 1 } end, "schema.number", 'option "maximum"')
  refused("of an integer", function() schema.coerce.integer { mim = 1 } end, 'did you mean "min"')
  refused("of a date", function() schema.coerce.date { asume_utc = true } end, 'did you mean "assume_utc"')
  refused("of an array", function() schema.array(schema.any(), { length = 1 }) end, 'option "length"')
  refused("of a tuple", function() schema.tuple({}, { rset = schema.any() }) end, 'did you mean "rest"')
  refused("of a map", function() schema.map(schema.any(), { keys = schema.any() }) end, 'mean "key"')
  refused("of a boolean", function() schema.boolean { strict = true } end, "schema.boolean takes no options")
  refused("of null", function() schema.null {} end, "schema.null takes no options")
  refused("of any", function() schema.any {} end, "schema.any takes no options")
  refused("of a literal", function() schema.literal(1, {}) end, "schema.literal takes no options")
  refused("of an enum", function() schema.enum({ 1 }, {}) end, "schema.enum takes no options")
  refused("of a record", function()
    schema.record({}, { strict = true })
  end, "schema.record takes no options")
  refused("of a union", function() schema.union({ schema.any() }, {}) end, "schema.union takes no options")
  refused("of a tagged union", function() schema.tagged_union("t", {}, {}) end, "takes no options")
  refused("of lazy", function() schema.lazy(nothing, "x", {}) end, "schema.lazy takes no options")
  refused("of send", function()
    connection { protocol = "websocket" }:send("x", { binery = true })
  end, 'did you mean "binary"')
end)

test.describe("an unknown word is reported with the nearest one", function()
  local function meant(name, fn, word)
    test.it(name, function() expect(fn).raises(('(did you mean "%s"?)'):format(word)) end)
  end
  meant("a protocol", function() connection { protocol = "websokcet" } end, "websocket")
  meant("a transport", function() connection { transports = { "poling" } } end, "polling")
  meant("a parser", function() connection { parser = "msgpak" } end, "msgpack")
  meant("frames", function() connection { protocol = "websocket", frames = "binray" } end, "binary")
  meant("who shares a connection", function() connection { share = "contorl" } end, "control")
  meant("who shares a store", function() store.define("w", { share = "raed" }) end, "read")
  meant("a format", function() schema.string { format = "emial" } end, "email")
  meant("a field of a record", function() schema.record { name = schema.any() }:pick { "nmae" } end, "name")
  meant("a field of a connection", function() return connection().transprot end, "transport")
  meant("a method of a connection", function() connection():emti "x" end, "emit")
  meant("an expectation", function() expect(1).equal(1) end, "equals")
  meant("a module", function() require "tidelock.strore" end, "tidelock.store")
  test.it("and with none where none is near", function()
    local _, err = pcall(connection, { parser = "xml" })
    expect(err:find "did you mean").is_nil()
  end)
end)

test.describe("what is right", function()
  test.it("is taken", function()
    local s = connection()
    s:on("x", nothing, { serial = true })
    s:on("x", nothing, {})
    s:once("x", nothing, nil)
    s:on_state(nothing, { serial = false })
  end)
  test.it("is checked for stdlib by the same words", function()
    checks.check("f", nil, { "a" })
    checks.check("f", { a = 1 }, { "a" })
    expect(function() checks.check("f", { colour = 1 }, { "color" }, 1) end)
      .raises 'f: unknown option "colour" (did you mean "color"?)'
    expect(function() checks.check("f", 1, { "color" }) end).raises("f: options are a table, not a number")
  end)
end)

-- Each function of each module is either called here with an option that there is not, or known to
-- take none. One that is new belongs in one of the two.
test.describe("every function of every module:", function()
  local taking = {
    ["errors.new"] = function() require("tidelock.errors").new { code = "IO", mesage = "x" } end,
    ["http.cache"] = function() http.cache { max_entrys = 1 } end,
    ["http.client"] = function() http.client { base = "http://x" } end,
    ["http.download"] = function() http.download("http://127.0.0.1:1", { file = "x", tiemout = 1 }) end,
    ["http.cookies"] = function() http.cookies("o", { persit = true }) end,
    ["http.request"] = function() http.request { url = "http://127.0.0.1:1", tiemout = 1 } end,
    ["input.on_line"] = function() input.on_line(nothing, { seral = true }) end,
    ["json.encode"] = function() json.encode({}, { prety = true }) end,
    ["schema.array"] = function() schema.array(schema.any(), { mx = 1 }) end,
    ["schema.integer"] = function() schema.integer { mn = 1 } end,
    ["schema.map"] = function() schema.map(schema.any(), { mx = 1 }) end,
    ["schema.number"] = function() schema.number { mx = 1 } end,
    ["schema.string"] = function() schema.string { mx = 1 } end,
    ["schema.tuple"] = function() schema.tuple({}, { rst = 1 }) end,
    ["script.keep_options"] = function() script.keep_options { persit = true } end,
    ["server.listen"] = function() server.listen("o", { prt = 1 }) end,
    ["socket.connect"] = function() connection { ulr = "x" } end,
    ["store.define"] = function() store.define("o", { intial = {} }) end,
  }
  for _, verb in ipairs { "get", "head", "post", "put", "patch", "delete", "pages", "items", "events" } do
    taking["http." .. verb] = function() http[verb]("http://127.0.0.1:1", { tiemout = 1 }) end
  end
  local other = [[
    env.get errors.codes errors.is errors.wrap input.on_end json.array json.decode json.is_array
    json.null json.object log.debug log.error log.info log.warn random.bytes random.hex random.uuid
    schema.any schema.boolean schema.coerce schema.enum schema.is_schema schema.lazy schema.literal
    schema.null schema.record schema.tagged_union schema.union script.args script.cpu_limit
    http.last_id script.exit script.generation script.grace script.keep script.name script.on_notice
    script.on_start script.on_stop script.orphans script.probation script.reload script.version
    server.binary server.error socket.attach socket.binary store.attach store.copy store.derive
    store.is_view store.trace task.all task.race task.sleep task.spawn task.with_timeout timer.after
    timer.every timer.now]]
  local known = {}
  for name in other:gmatch "%S+" do known[name] = true end
  local modules = "env errors http input json log random schema script server socket store task timer"
  for module in modules:gmatch "%S+" do
    for name in pairs(require("tidelock." .. module)) do
      local full = module .. "." .. name
      if taking[full] then
        refused("of " .. full, taking[full], full == "errors.new" and "no field 'mesage'" or "option")
      else
        test.it(full .. " takes none", function() expect(known[full]).is_true() end)
      end
    end
  end
end)

test.describe("tables within options:", function()
  local wrong = {
    reconnect = "dealy", heartbeat = "intervall", buffer = "cuont", deflate = "levle",
  }
  for name, key in pairs(wrong) do
    refused("connect's " .. name, function()
      connection { protocol = "websocket", [name] = { [key] = 1 } }
    end, "socket.connect: " .. name, "did you mean")
  end
  refused("a store's history", function()
    store.define("o", { initial = {}, history = { cuont = 1 } })
  end, "store.define: history", 'did you mean "count"')
  refused("schema.coerce.number", function() schema.coerce.number { mx = 1 } end, "coerce.number", "option")
  refused("a store's subscribe", function()
    s_store:subscribe("n", nothing, { equal = nothing })
  end, "store:subscribe", 'did you mean "equals"')
  refused("a store's subscribe to all", function()
    s_store:subscribe(nothing, { fire_immediatly = true })
  end, "store:subscribe", 'did you mean "fire_immediately"')
  refused("a derived value's subscribe", function()
    store.derive({ s_store }, nothing):subscribe(nothing, { equls = nothing })
  end, 'did you mean "equals"')
  refused("a derived value's, which is no table", function()
    store.derive({ s_store }, nothing):subscribe(nothing, true)
  end, "options are a table, not a boolean")
  refused("derive", function()
    store.derive({ s_store }, nothing, { equals = nothing })
  end, "takes no options")
  refused("an event stream's reconnect", function()
    http.events("http://127.0.0.1:1", { reconnect = { dealy = 1 } })
  end, "reconnect has no option 'dealy'", 'did you mean "delay"')
  local api = http.client { base_url = "http://127.0.0.1:1" }
  for _, verb in ipairs { "get", "head", "post", "put", "patch", "delete", "pages", "items", "events" } do
    refused("a client's " .. verb, function() api[verb](api, "/", { tiemout = 1 }) end, "option 'tiemout'")
  end
  refused("a client's request", function()
    api:request { url = "/", tiemout = 1 }
  end, 'did you mean "timeout"')
  refused("a table as a body", function()
    http.post("http://127.0.0.1:1", { name = "x" })
  end, "post has no option 'name'", "a table as the body goes as json = {...}")
  refused("volatile:send", function()
    connection { protocol = "websocket" }.volatile:send("x", { binry = true })
  end, 'did you mean "binary"')
  refused("test.it", function() test.it("x", nothing, { timeout = 1 }) end, "test.it takes no options")
  refused("test.describe", function() test.describe("x", nothing, {}) end, "test.describe takes no options")
  refused("test.wait_for", function() test.wait_for(nothing, 1, {}) end, "test.wait_for takes no options")
end)
