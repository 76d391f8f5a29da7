-- tidelock.test: tests of scripts, run by `tidelock test PATH...`.
--
--   local test = require "tidelock.test"
--   local expect = test.expect
--   test.describe("a list", function()
--     test.it("starts empty", function() expect(#{}).is(0) end)
--   end)
--
-- describe and it only collect; when the file has loaded, the tests run one after the other,
-- each in a task of its own, so that they may wait. Prints a line for each.
local core = require "tidelock.test.core"
local script = require "tidelock.script"
local task = require "tidelock.task"
local tasks = require "tidelock.task.core"
local json = require "tidelock.json"
local errors = require "tidelock.errors"
local checks = require "tidelock.options.core"
local clocks = require "tidelock.test.clock"
-- Loaded when a test asks: it brings the server along.
local servers

-- The fields that a file may set. A value is checked at the line that sets it.
local settable = { timeout = 30 }
local M = {}
core.begin()

local longest = 1e9

local function set_field(_, name, value)
  if name ~= "timeout" then
    rawset(M, name, value)
    return
  end
  if type(value) ~= "number" then error("test.timeout is a number of seconds, not a " .. type(value), 2) end
  if not (value > 0 and value <= longest) then
    error(("test.timeout is more than 0 and at most %d seconds, not %s"):format(longest, value), 2)
  end
  settable.timeout = value
end

local function get_field(_, name)
  if settable[name] then return settable[name] end
  local shown = checks.cut(name)
  error(("tidelock.test has no function '%s'%s"):format(shown, checks.suggest(shown, M)), 2)
end

local in_test = false
local tests, path, hooks = {}, {}, { before = {}, after = {} }

local function kind_of(value) return value == nil and "nil" or "a " .. type(value) end

local function check_test(what, name, fn, none)
  if type(name) ~= "string" or type(fn) ~= "function" then
    error(("test.%s takes a name and a function, not %s and %s"):format(what, kind_of(name), kind_of(fn)), 3)
  end
  if none ~= nil then error(("test.%s takes no options"):format(what), 3) end
end

local function check_hook(what, fn)
  if type(fn) ~= "function" then error(("test.%s takes a function, not %s"):format(what, kind_of(fn)), 3) end
end

--- Names a group; groups nest.
---@param name string
---@param fn function
function M.describe(name, fn, none)
  check_test("describe", name, fn, none)
  path[#path + 1] = name
  local before, after = #hooks.before, #hooks.after
  fn()
  path[#path] = nil
  while #hooks.before > before do table.remove(hooks.before) end
  while #hooks.after > after do table.remove(hooks.after) end
end

--- Runs before each test that follows in this group.
---@param fn function
function M.before_each(fn)
  check_hook("before_each", fn)
  table.insert(hooks.before, fn)
end

--- Runs after each test that follows in this group, failed or not.
---@param fn function
function M.after_each(fn)
  check_hook("after_each", fn)
  table.insert(hooks.after, fn)
end

--- A test. It fails when it raises, or does not end within `test.timeout` seconds, or when a
--- handler, timer, task or subscriber raises while it runs and nobody catches that.
---@param name string
---@param fn function
function M.it(name, fn, none)
  check_test("it", name, fn, none)
  local names = table.move(path, 1, #path, 1, {})
  names[#names + 1] = name
  tests[#tests + 1] = {
    name = table.concat(names, " "),
    own = name,
    fn = fn,
    before = table.move(hooks.before, 1, #hooks.before, 1, {}),
    after = table.move(hooks.after, 1, #hooks.after, 1, {}),
  }
end

-- --- expectations ---------------------------------------------------------------------------

-- Tables, views and drafts: they are compared by content.
local function has_parts(value)
  if type(value) == "table" then return true end
  local kind = type(value) == "userdata" and getmetatable(value)
  return kind == "view" or kind == "draft"
end

local function show_value(value)
  if type(value) == "string" then return ("%q"):format(value) end
  if has_parts(value) then
    local text = json.encode(value)
    if text then return text end
  end
  return tostring(value)
end

-- The text of an error; also of a plain table with a message, as scripts may raise it.
local function error_text(err)
  local meta = type(err) == "table" and getmetatable(err)
  if type(err) ~= "table" or meta then return tostring(err) end
  if type(err.message) ~= "string" then return show_value(err) end
  return (err.code and tostring(err.code) .. ": " or "") .. err.message
end

local function is_deep_equal(a, b)
  if not (has_parts(a) and has_parts(b)) then return rawequal(a, b) or a == b end
  for key, value in pairs(a) do
    if not is_deep_equal(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end
M.same = is_deep_equal

local function fail_test(fmt, ...) error(fmt:format(...), 4) end

-- The text that a matcher searches: a string, or the text of an error. Other values are a mistake of
-- the test, since the text of nil or of a table has no meaning.
local function text_in(what, value)
  if type(value) == "string" then return value end
  local meta = getmetatable(value)
  if type(value) == "table" and (meta == "error" or type(meta) == "table" and meta.__tostring) then
    return tostring(value)
  end
  error(("%s looks into a text or an error, not a %s: %s"):format(what, type(value), show_value(value)), 4)
end

local function need_type(what, kind, value)
  if type(value) ~= kind then
    error(("%s takes a %s, not a %s: %s"):format(what, kind, type(value), show_value(value)), 4)
  end
end

local matchers = {}

function matchers.is(value, want)
  if not (rawequal(value, want) or value == want) then
    fail_test("expected %s, got %s", show_value(want), show_value(value))
  end
end

function matchers.is_not(value, unwanted)
  if rawequal(value, unwanted) or value == unwanted then fail_test("did not expect %s", show_value(value)) end
end

function matchers.equals(value, want)
  if not is_deep_equal(value, want) then
    fail_test("expected %s, got %s", show_value(want), show_value(value))
  end
end

function matchers.is_true(value)
  if not value then fail_test("expected something true, got %s", show_value(value)) end
end

function matchers.is_nil(value)
  if value ~= nil then fail_test("expected nil, got %s", show_value(value)) end
end

function matchers.matches(value, pattern)
  need_type("matches", "string", pattern)
  local fine, found = pcall(string.find, text_in("matches", value), pattern)
  if not fine then fail_test("%q is no pattern: %s", pattern, found) end
  if not found then fail_test("expected %s to match %q", show_value(value), pattern) end
end

function matchers.contains(value, part)
  need_type("contains", "string", part)
  if not text_in("contains", value):find(part, 1, true) then
    fail_test("expected %s to contain %q", show_value(value), part)
  end
end

function matchers.is_close(value, want, tolerance)
  need_type("is_close", "number", want)
  need_type("is_close", "number", tolerance)
  if type(value) ~= "number" or math.abs(value - want) > tolerance then
    fail_test("expected %s within %s of %s", show_value(value), show_value(tolerance), show_value(want))
  end
end

--- value is a function; it must raise, with text that contains `part`.
function matchers.raises(value, part)
  local meta = type(value) == "table" and getmetatable(value)
  if not (meta and meta.__call) then need_type("raises", "function", value) end
  if part ~= nil then need_type("raises", "string", part) end
  local ok, err = pcall(value)
  if ok then
    fail_test("expected an error%s, but none was raised", part and (" with " .. show_value(part)) or "")
  end
  if part and not error_text(err):find(part, 1, true) then
    fail_test("expected an error with %q, got %s", part, error_text(err))
  end
end

---@param value any
---@return tidelock.Expectation
function M.expect(value)
  return setmetatable({}, {
    __index = function(_, name)
      local matcher = matchers[name]
      if not matcher then
        local shown = checks.cut(name)
        error(("no expectation is called %s%s"):format(shown, checks.suggest(shown, matchers)), 2)
      end
      return function(...) matcher(value, ...) end
    end,
  })
end

--- Waits until fn returns something true, and returns that; raises after `seconds`.
---@param fn function
---@param seconds? number 5
---@return any
function M.wait_for(fn, seconds, none)
  checks.none("test.wait_for", none)
  check_hook("wait_for", fn)
  if seconds ~= nil and type(seconds) ~= "number" then
    error("wait_for takes seconds, not a " .. type(seconds), 2)
  end
  if seconds and not (seconds >= 0 and seconds <= longest) then
    error(("wait_for takes 0 to %d seconds, not %s"):format(longest, seconds), 2)
  end
  local deadline = tasks.now_real() + (seconds or 5)
  while true do
    local value = fn()
    if value then return value end
    if tasks.now_real() > deadline then error("waited in vain for what was expected", 2) end
    tasks.sleep_real(0.005)
  end
end

--- Stops the time of this test until it ends: timers, waits and the wall clock stand, and go on as the
--- test says. See docs/tasks.md.
---@param options? tidelock.ClockOptions
---@return tidelock.Clock
function M.clock(options, none)
  if not in_test then error("test.clock is for a test that runs, not for its file", 2) end
  return clocks.open(options, none)
end

--- A server in this process, without a port, until the test ends. See docs/tasks.md.
---@param options? tidelock.FakeServerOptions
---@return tidelock.FakeServer
function M.server(options, none)
  if not in_test then error("test.server is for a test that runs, not for its file", 2) end
  servers = servers or require "tidelock.test.server"
  return servers.open(options, none)
end

--- The uncaught errors of handlers, timers, tasks and subscribers since the test began, as one text;
--- nil: none. Errors that were read here do not fail the test.
---@return string?
function M.uncaught() return core.uncaught() end

-- --- running --------------------------------------------------------------------------------

-- Removes the lines of this file from a trace.
local function without_us(trace)
  return (trace:gsub("\n\tstdlib/test%.lua:[^\n]*", ""):gsub("\n\t%[C%]: in function 'error'", ""))
end

-- The first line in the trace outside stdlib: "x_test.lua:12: ".
local function script_line(trace)
  for line in trace:gmatch "\n\t([^\n]+)" do
    local where = line:match "^([^%[].-:%d+: )in "
    if where and not where:find "^stdlib/" then return where end
  end
  return ""
end

-- Shows an error in a task of its own: its __tostring may raise or never end.
local function safe_error_text(err)
  if type(err) ~= "table" then return error_text(err) end
  local saying = task.spawn(error_text, err)
  local fine, text = pcall(saying.await, saying)
  return fine and text or "(an error that cannot be shown)"
end

local function describe_failure(err, body)
  local trace = without_us(tasks.trace(body) or "")
  local text = safe_error_text(err)
  if type(err) ~= "string" then text = script_line(trace) .. text end
  return trace == "" and text or text .. "\n" .. trace
end

-- By the system's clock: a test's own may stand.
local function out_of_time()
  tasks.sleep_real(settable.timeout)
  local message = ("not done within %g s"):format(settable.timeout)
  if clocks.is_open() then message = message .. "; its clock stands but for clock.advance" end
  return nil, errors.new { code = "TIMEOUT", message = message }
end

-- Runs fn within test.timeout; returns nil, or the text of the failure. `own` names the task.
local function run_protected(fn, own)
  local ended = {}
  local body = task.spawn(function()
    fn()
    return ended
  end, own)
  local fine, value, late = pcall(task.race, { body, out_of_time })
  if fine and value == ended then return nil end
  if not fine then return describe_failure(value, body) end
  pcall(body.await, body) -- it is cancelled; its trace is known once it has ended
  return describe_failure(late, body)
end

local function run_test(test)
  core.begins(test.name)
  in_test = true
  local failure = run_protected(function()
    for _, fn in ipairs(test.before) do fn() end
    test.fn()
  end, test.fn)
  for _, fn in ipairs(test.after) do
    local why = run_protected(fn, fn)
    failure = failure or why
  end
  if servers then servers.close() end
  clocks.close()
  in_test = false
  task.sleep(0) -- tasks that the test has spawned begin, and may fail
  local uncaught = core.uncaught()
  if uncaught and not failure then failure = "raised, and nobody caught it: " .. uncaught end
  core.ends(not failure)
  core.end_line()
  print((failure and "not ok %s" or "ok %s"):format(test.name))
  if failure then print("    " .. failure:gsub("\n", "\n    ")) end
  return not failure
end

-- The ways in which a name may match --only, the closest first. The first way in which any test
-- matches selects the tests.
local fits = {
  function(test, only) return test.name == only end,
  function(test, only) return test.own == only end,
  function(test, only) return test.name:sub(1, #only + 1) == only .. " " end, -- a group
  function(test, only) return test.name:find(only, 1, true) end,
  function(test, only)
    local fine, found = pcall(string.find, test.name, only)
    return fine and found
  end,
}

local function choose_tests(only)
  if not only then return tests end
  for _, fit in ipairs(fits) do
    local found = {}
    for _, one in ipairs(tests) do
      if fit(one, only) then found[#found + 1] = one end
    end
    if #found > 0 then return found end
  end
  for _, one in ipairs(tests) do
    core.offer(one.name)
    core.offer(one.own)
  end
  return {}
end

script.on_start(function()
  local failed, running = false, choose_tests(core.only())
  core.plan(#running)
  for _, one in ipairs(running) do
    if not run_test(one) then failed = true end
  end
  script.exit(failed and 1 or 0)
end)

return setmetatable(M, { __index = get_field, __newindex = set_field })
