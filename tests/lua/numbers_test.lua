-- Numbers that scripts give: one rule for every function and every option. A string is no number, nor
-- is NaN; none is negative, none infinite but where math.huge is documented; counts are whole.
local test = require "tidelock.test"
local checks = require "tidelock.options.core"
local http = require "tidelock.http"
local random = require "tidelock.random"
local script = require "tidelock.script"
local server = require "tidelock.server"
local socket = require "tidelock.socket"
local store = require "tidelock.store"
local task = require "tidelock.task"
local timer = require "tidelock.timer"
local expect = test.expect

local count = 0
local function fresh() count = count + 1 return "n" .. count end
local function nothing() end

local function connect(options)
  options.url, options.auto_connect = options.url or "http://127.0.0.1:1", false
  return socket.connect(fresh(), options)
end

local function plain() return connect { protocol = "websocket" } end

-- A function that passes the value as the option of that path: "buffer.count".
local function option(call, path)
  return function(value)
    local options = {}
    local at = options
    for name, more in path:gmatch "(%w[%w_]*)(%.?)" do
      if more == "" then at[name] = value else at[name] = {} at = at[name] end
    end
    return call(options)
  end
end

local function options(call, paths, rule, into)
  for path in paths:gmatch "[%w_.]+" do
    into[#into + 1] = { name = path, call = option(call, path), rule = rule }
  end
end

-- What else is refused, besides what nobody takes: `huge` math.huge, `zero` 0, `whole` 2.5; `fine` is taken.
local any, count_of, above = { huge = true }, { huge = true, whole = true }, { huge = true, zero = true }
local cases = {
  { name = "task.sleep", call = task.sleep, rule = any },
  { name = "task.with_timeout", call = function(v) return task.with_timeout(v, nothing) end, rule = any },
  { name = "timer.after", call = function(v) timer.after(v, nothing):stop() end, rule = any },
  { name = "timer.every", call = function(v) timer.every(v, nothing):stop() end, rule = above },
  { name = "a named timer", call = function(v) timer.every(fresh(), v, nothing):stop() end, rule = above },
  { name = "script.grace", call = script.grace, rule = any },
  { name = "script.exit", call = script.exit, rule = count_of, not_tried = true },
  { name = "random.bytes", call = random.bytes, rule = { huge = true, zero = true, whole = true } },
  { name = "random.hex", call = random.hex, rule = { huge = true, zero = true, whole = true } },
  { name = "test.wait_for", call = function(v) test.wait_for(function() return true end, v) end, rule = any },
  { name = "socket:wait", call = function(v) connect {}:wait(v) end, rule = {}, not_tried = true },
  { name = "socket:timeout", call = function(v) connect {}:timeout(v) end, rule = { zero = true } },
  { name = "socket:ping", call = function(v) plain():ping(v) end, rule = above },
  { name = "socket:disconnect", call = function(v) plain():disconnect(v) end,
    rule = { huge = true, zero = true, whole = true } },
}

local request = function(o) return http.get("http://127.0.0.1:1/", o) end
for _, call in ipairs { request, http.client } do
  options(call, "timeout", { zero = true }, cases)
  options(call, "connect_timeout", above, cases)
  options(call, "max_body", { huge = true, zero = true, whole = true }, cases)
  options(call, "redirects", count_of, cases)
end

options(connect, "timeout ack_timeout request_timeout reconnect.delay reconnect.max_delay buffer.age", any,
  cases)
options(connect, [[max_message max_tasks retries buffer.count buffer.bytes buffer.unsent deflate.threshold]],
  count_of, cases)
options(connect, "reconnect.jitter", any, cases)
options(connect, "reconnect.attempts", { whole = true }, cases)
options(connect, "deflate.client_max_window_bits deflate.server_max_window_bits deflate.level", count_of,
  cases)
local function with_heartbeat(o) o.protocol = "websocket" return connect(o) end
options(with_heartbeat, "heartbeat.interval heartbeat.timeout", above, cases)

local function define(o) o.initial = { n = 1 } return store.define(fresh(), o) end
options(define, "persist_delay", any, cases)
options(define, "version memory history.count history.bytes", count_of, cases)

local cache = require "tidelock.cache"
local opened = function(o) return cache.open(fresh(), o) end
options(opened, "max_entries max_bytes", { zero = true, whole = true }, cases)
options(opened, "ttl", { zero = true }, cases)
options(opened, "keep_stale", any, cases)

local listen = function(o) return server.listen(fresh(), o) end
options(listen, "port max_head max_body max_message max_backlog max_connections", count_of, cases)
options(listen, "head_timeout request_timeout idle_timeout write_timeout", any, cases)
local io = function(o) return server.listen(fresh(), {}):io(o) end
options(io, "ping_interval ping_timeout connect_timeout", above, cases)
options(io, "max_payload", { huge = true, zero = true, whole = true }, cases)

local schema = require "tidelock.schema"
options(schema.string, "min max", { whole = true }, cases)
options(function(o) return schema.array(schema.any(), o) end, "min max", { whole = true }, cases)
options(function(o) return schema.map(schema.any(), o) end, "min max", { whole = true }, cases)

local undone = store.define("undone", { initial = { n = 1 }, history = { count = 3 } })
cases[#cases + 1] = { name = "store:undo", call = function(v) undone:undo(v) end,
  rule = { huge = true, zero = true, whole = true } }

local never = {
  ["a string"] = "1", ["a word"] = "soon", nan = 0 / 0, ["another nan"] = -(0 / 0), negative = -1,
  ["a little negative"] = -0.001, ["minus huge"] = -math.huge, ["too large"] = 1e300, ["a boolean"] = true,
  ["a table"] = {} }

-- The error says what was wanted, or what came instead.
local function refuses(case, what, value)
  local ok, err = pcall(case.call, value)
  if ok then error(("%s took %s (%s)"):format(case.name, what, value), 0) end
  local words = type(value) == "number" and "not [-%d.ni]" or "number"
  if case.name == "task.with_timeout" and words == "number" then words = "takes seconds" end
  expect(tostring(err), case.name .. ", " .. what).matches(words)
end

test.describe("what is no number, or none that can be", function()
  for i, case in ipairs(cases) do
    test.it(("is refused: %s (%d)"):format(case.name, i), function()
      for what, value in pairs(never) do refuses(case, what, value) end
      if case.rule.huge then refuses(case, "math.huge", math.huge) end
      if case.rule.zero then refuses(case, "zero", 0) end
      if case.rule.whole then refuses(case, "a fraction", 1.5) end
    end)
  end
end)

test.describe("what is one", function()
  test.it("is taken, math.huge where it is documented", function()
    for _, case in ipairs(cases) do
      if not case.not_tried and not case.name:find "disconnect" and not case.name:find "undo" then
        for _, value in ipairs { 1, 1.0, not case.rule.huge and math.huge or nil } do
          local ok, err = pcall(case.call, value)
          if not ok and not tostring(err):find "deflate" and not tostring(err):find "bits" then
            error(("%s refused %s: %s"):format(case.name, value, err), 0)
          end
        end
      end
    end
  end)
end)

test.describe("the rule of stdlib", function()
  test.it("says what is wrong, to follow the name", function()
    local function says(value, rule, text) expect(checks.number_problem(value, rule)).is(text) end
    says(1, {}, nil)
    says(0, {}, nil)
    says(1e9, {}, nil)
    says("1", {}, "must be a number, not a string")
    says(nil, {}, "must be a number, not a nil")
    says(-1, {}, "must be 0 to 1000000000, not -1")
    says(0 / 0, { most = 5 }, "must be 0 to 5, not nan")
    says(math.huge, { most = 5 }, "must be 0 to 5, not inf")
    says(-math.huge, { huge = true }, "must be 0 to 1000000000 or math.huge, not -inf")
    says(math.huge, { huge = true }, nil)
    says(0, { above = true, most = 9 }, "must be more than 0 and at most 9, not 0")
    says(2.5, { whole = true }, "must be a whole number, not 2.5")
    says(2.0, { whole = true }, nil)
    says(0 / 0, { whole = true, most = 3 }, "must be 0 to 3, not nan")
    says(math.mininteger, { whole = true, most = 3 }, "must be 0 to 3, not -9223372036854775808")
  end)
end)
