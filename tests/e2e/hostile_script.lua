-- A script that calls whatever there is with whatever nobody expects: every function of every
-- module and every method of every handle, as hostile_test.sh lists them, with values of `pool`
-- and with what earlier calls gave. It does so at its top level, in tasks, in tasks that are
-- cancelled, in handlers, in on_stop, and over reloads. SEED says in which order.
local env = require "tidelock.env"
local script = require "tidelock.script"
local store = require "tidelock.store"
local task = require "tidelock.task"
local timer = require "tidelock.timer"

local STEPS, URL = tonumber(env.get "STEPS"), env.get "URL"
local progress = store.define("progress", { initial = { steps = 0, loads = 0 }, share = "read" })
local state = tonumber(env.get "SEED") * 1000003 + script.generation
local function roll(n)
  state = state * 6364136223846793005 + 1442695040888963407
  return (state >> 33) % n + 1
end

--- what is called
local modules = {}
for name in env.get("MODULES"):gmatch "%S+" do modules[name] = require("tidelock." .. name) end
local functions, methods = {}, {}
for name, field in env.get("FUNCTIONS"):gmatch "(%l+)%.([%a_]+)" do
  if modules[name] then functions[#functions + 1] = { modules[name], field } end
end
for field in env.get("METHODS"):gmatch "%S+" do methods[#methods + 1] = field end

--- with what
local function raises() error "hostile" end
local function raises_table() error(setmetatable({}, { __tostring = raises })) end
local function raises_nil() error(nil) end
local function loops() while true do end end
local function waits() task.sleep(0.001) end
local function swaps() return coroutine.wrap(function() coroutine.yield(1) task.sleep(0) end)() end
local function numbered() return setmetatable({}, { __tostring = function() return 1 end }) end
local cyclic = {}
cyclic.self, cyclic[1] = cyclic, cyclic
local deep = {}
for _ = 1, 3000 do deep = { deep } end
local function with(events, fn)
  local mt = {}
  for event in events:gmatch "%S+" do mt[event] = fn end
  return setmetatable({ 1, 2, a = 3, hostile = true }, mt)
end
local ALL = "__index __newindex __pairs __len __tostring __name __close __eq __lt __le __concat "
  .. "__call __unm __mode"
local dead = coroutine.create(raises)
coroutine.resume(dead)
local plain = table.pack(
  nil, true, false, 0 / 0, math.huge, -math.huge, -0.0, math.mininteger, math.maxinteger, 2 ^ 53,
  1e-300, -1, 0, 0.01, "", "\0\0a\0", ("x"):rep(1 << 20), "\xff\xfe\x80", "%s%n%d%99999d",
  "a\r\nb: c", ("../"):rep(9), "connect", URL, "ws" .. URL:sub(5), cyclic, deep, dead, print,
  string.rep, pcall, error, load, coroutine.yield, setmetatable, task.sleep, task.spawn, raises,
  raises_table, raises_nil, waits, script.keep, _G)
local pool = {
  function() return plain[roll(plain.n)] end,
  function() return plain[roll(plain.n)] end,
  function() return roll(100) end,
  function() return "name" .. roll(6) end,
  function() return "/" .. roll(5) end,
  function() return "warden:" .. ({ "chat", "shared", "none" })[roll(3)] end,
  function() return {} end,
  function() return { 1, nil, 3 } end,
  function() return { [math.huge] = 1, [1.5] = 2, [true] = 3 } end,
  function() return { raises, waits, raises_nil } end,
  function() return { a = waits, b = raises_table } end,
  function() return with(ALL, raises) end,
  function() return with(ALL, raises_table) end,
  function() return with(ALL, waits) end,
  function() return with(ALL, swaps) end,
  function() return with("__pairs", function(t) return next, with(ALL, raises), t end) end,
  function() return with("__tostring __name", numbered) end,
  function() return with("__len", function() return 1 << 40 end) end,
  function() return with("__index", cyclic) end,
  function() return with("__metatable", raises) end,
  function() return coroutine.create(waits) end,
  function() return coroutine.running() end,
  function() return coroutine.wrap(waits) end,
  function() return function(...) return ... end end,
  function() return modules.socket end,
}

--- An options table: some of the names that there are, with anything.
local fields, any, steps, remember = {}, nil, nil, nil
for name in env.get("FIELDS"):gmatch "%S+" do fields[#fields + 1] = name end
local function options(some)
  local t = { url = roll(2) == 1 and URL or nil, initial = roll(2) == 1 and {} or nil }
  for _ = 1, roll(4) do t[fields[roll(#fields)]] = some() end
  return t
end
pool[#pool + 1] = function() return options(any) end
pool[#pool + 1] = function() return { options(any), options(any) } end
-- Functions that call on, wherever they are called.
local depth = 0
local function reenters(...)
  if depth >= 3 then return ... end
  depth = depth + 1
  remember(...)
  pcall(steps, 2)
  depth = depth - 1
  return ...
end
for _ = 1, 4 do
  pool[#pool + 1] = function() return reenters end
  pool[#pool + 1] = function() return with(ALL, reenters) end
  pool[#pool + 1] = function() return options(function() return with(ALL, reenters) end) end
end
local looping = {
  function() return loops end, function() return with(ALL, loops) end,
  function() return function() while true do pcall(task.sleep, 1) end end end,
}

--- What calls gave, by kind, so that no kind crowds out another.
local KINDS = { "await", "stop", "on_drop", "undo", "route", "of", "sockets", "join", "request",
  "json", "off", "send", "call", "subscribe", "check" }
local handles, kinds, MOST = {}, {}, 12
local function kind_of(value)
  if type(value) ~= "userdata" and (type(value) ~= "table" or rawget(value, "hostile")) then return nil end
  if getmetatable(value) == nil then return nil end
  for _, name in ipairs(KINDS) do
    local ok, found = pcall(function() return value[name] end)
    if ok and found then return name end
  end
  return "other"
end
function remember(...)
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    local kind = kind_of(value)
    if kind and not handles[kind] then handles[kind], kinds[#kinds + 1] = {}, kind end
    local list = handles[kind]
    if list then list[#list < MOST and #list + 1 or roll(MOST)] = value end
  end
end
local function handle()
  if #kinds == 0 then return nil end
  local list = handles[kinds[roll(#kinds)]]
  return list[roll(#list)]
end
local may_loop = false
function any()
  local n = roll(100)
  if may_loop and n == 1 then return looping[roll(#looping)]() end
  if n > 75 then return handle() end
  return pool[roll(#pool)]()
end

--- Arguments that make sense, by the names of functions and methods: without them hardly any call
--- would get past its checks. n: a name, s: a text, d: a short time, i: a count, f: a function,
--- o: options, v: a value, u: a URL, e: an event, k: a key, t: functions, g: a handle, h: two of them,
-- p: a pattern, m: a WebSocket's handlers, c, w, x, l, r: options of a connection, a plain one, a
-- store, of nothing, the fields of a record, y: a schema
local made = {
  n = function() return "name" .. roll(6) end,
  s = function()
    return ({ "a", "", "name2", ("x"):rep(70000), "/1", "warden:shared", "warden:chat" })[roll(7)]
  end,
  d = function() return roll(20) / 1000 end,
  i = function() return roll(5) end,
  f = function() return ({ reenters, reenters, waits, raises, function(...) return ... end })[roll(5)] end,
  o = function() return options(any) end,
  v = function() return ({ 1, "x", { a = { 1, { b = 2 } } }, {}, true })[roll(5)] end,
  u = function() return URL .. "/" .. roll(5) end,
  e = function()
    return ({ "connect", "disconnect", "say", "message", "connection", "connect_error" })[roll(6)]
  end,
  k = function() return ({ "a", "b", "c", { "b", "c" }, "url" })[roll(5)] end,
  t = function() return { reenters, waits, function() return 1 end } end,
  h = function() return { handle(), handle() } end,
  p = function() return ({ "/a", "/:id", "/*rest", "/ws", "/admin" })[roll(5)] end,
  m = function() return { open = reenters, message = reenters, close = reenters } end,
  c = function() return { url = URL, reconnect = { delay = 0.01 }, timeout = 0.3, share = "control",
    transports = { ({ "websocket", "polling" })[roll(2)] }, retries = roll(2) - 1, auth = reenters } end,
  w = function() return { url = "ws" .. URL:sub(5) .. "/ws", protocol = "websocket", deflate = true } end,
  x = function()
    return { initial = { a = 1, b = { c = { 1, 2 } }, url = "" }, persist = roll(2) == 1, share = "write" }
  end,
  g = handle,
  l = function() return {} end,
  r = function() return { a = modules.schema.string(), b = modules.schema.any() } end,
  y = function() return modules.schema.union { modules.schema.string(), modules.schema.lazy(reenters) } end,
}
local shapes = {}
for names, shape in ([[
  connect:nc connect:nw define:nx attach:s listen:nl spawn:fv sleep:d all:t race:t with_timeout:df
  every:ndf every:df after:df request:c get:u post:us put:usl delete:u head:u patch:us client:l
  on:ef on:efl once:ef on_any:f prepend_any:f off_any:f off:e on_state:f on_drop:f
  on_any_outgoing:f emit:nv emit:nvf send:s call:nv timeout:d wait:d change:f change:nf set:v
  subscribe:kf subscribe:f subscribe:ff get:k load:k undo:i reset: history: flush: on_error:f
  trace:f copy:g derive:hf is_view:g on_start:f on_stop:f on_notice:f grace:d keep_options:l
  version:if probation: on_line:f on_end:f encode:v encode:g decode:s array:l object:l bytes:i
  hex:i info:s info:sv error:sv string: number: integer: any: literal:s enum:l array:y tuple:h
  map:yy record:r union:h lazy:f refine:fs transform:f default:v catch:v check:v check:g assert:v
  is:v extend:r pick:l optional: describe:s json_schema: route:npf get:pf post:pf use:f use:ff
  websocket:pm io: io:o of:p to:n except:n join:n leave:n disconnect: close: sockets: socket:s
  await: cancel: stop: clear: ping: stats: new:s wrap:gs binary:s error:iss connections:
]]):gmatch "([%a_]+):(%a*)" do
  shapes[names] = shapes[names] or {}
  table.insert(shapes[names], shape)
end
local function arguments(name)
  local args, list = {}, shapes[name]
  if not list or roll(4) == 1 then
    local n = roll(6) - 1
    for i = 1, n do args[i] = any() end
    return args, n
  end
  local shape = list[roll(#list)]
  for i = 1, #shape do args[i] = roll(6) == 1 and any() or made[shape:sub(i, i)]() end
  return args, #shape
end

--- one call
local function step()
  local self, field, fn
  if roll(3) == 1 or #kinds == 0 then
    local one = functions[roll(#functions)]
    field = one[2]
    fn = one[1][field]
  else
    self = handle()
    for _ = 1, 20 do
      field = methods[roll(#methods)]
      local ok, found = pcall(function() return self[field] end)
      fn = ok and found or nil
      if fn then break end
    end
  end
  local args, n = arguments(field)
  if self ~= nil and roll(10) > 1 then remember(select(2, pcall(fn, self, table.unpack(args, 1, n))))
  else remember(select(2, pcall(fn, table.unpack(args, 1, n)))) end
end

function steps(n) for _ = 1, n do step() end end

local function in_turn()
  progress:change("step", function(draft) draft.steps = draft.steps + 10 end)
  steps(10)
end

local function cancelled()
  local victim = task.spawn(function()
    local closing <close> = setmetatable({}, { __close = function() steps(5) end }) -- luacheck: ignore
    task.sleep(roll(3) / 1000)
    steps(5)
    task.sleep(1)
  end)
  task.sleep(0.002)
  victim:cancel()
end

script.on_start(function()
  progress:change("load", function(draft) draft.loads = draft.loads + 1 end)
  remember(task.spawn(waits))
  while progress:get("steps") < STEPS do
    task.spawn(in_turn)
    if roll(4) == 1 then task.spawn(cancelled) end
    if roll(150) == 1 then script.reload() end
    task.sleep(0.001)
  end
end)
timer.every("tick", 0.05, function() steps(3) end)
script.on_stop(function() steps(50) end)

-- The top level: it may not loop, or nothing would ever run.
if roll(2) == 1 then pcall(script.probation, false) end
local function declare(module, name, ...) remember(select(2, pcall(modules[module][name], ...))) end
for i = 1, 4 do declare("socket", "connect", "name" .. i, i == 4 and made.w() or made.c()) end
for i = 1, 2 do declare("store", "define", "name" .. i, made.x()) end
declare("server", "listen", "name1", {})
declare("socket", "attach", "warden:chat")
declare("store", "attach", "warden:shared")
steps(script.generation == 1 and 10 or 60) -- a first load that fails is not tried again
may_loop = true
