-- tidelock.test: tests of scripts, run by `tidelock test PATH...`.
--
--   local test = require "tidelock.test"
--   local expect = test.expect
--   test.describe("a list", function()
--     test.it("starts empty", function() expect(#{}).is(0) end)
--   end)
--
-- describe and it only collect; when the file has loaded, the tests run one after the other,
-- each in the task that on_start is, so that they may wait. Prints a line for each.
local core = require "tidelock.test.core"
local script = require "tidelock.script"
local task = require "tidelock.task"
local json = require "tidelock.json"

local M = { timeout = 30 }
core.begin()

local tests, path, hooks = {}, {}, { before = {}, after = {} }

--- Names a group; groups nest.
---@param name string
---@param fn function
function M.describe(name, fn)
  path[#path + 1] = name
  local before, after = #hooks.before, #hooks.after
  fn()
  path[#path] = nil
  while #hooks.before > before do table.remove(hooks.before) end
  while #hooks.after > after do table.remove(hooks.after) end
end

--- Runs before each test that follows in this group.
---@param fn function
function M.before_each(fn) table.insert(hooks.before, fn) end

--- Runs after each test that follows in this group, failed or not.
---@param fn function
function M.after_each(fn) table.insert(hooks.after, fn) end

--- A test. It fails when it raises, or does not end within `test.timeout` seconds.
---@param name string
---@param fn function
function M.it(name, fn)
  local names = table.move(path, 1, #path, 1, {})
  names[#names + 1] = name
  tests[#tests + 1] = {
    name = table.concat(names, " "),
    fn = fn,
    before = table.move(hooks.before, 1, #hooks.before, 1, {}),
    after = table.move(hooks.after, 1, #hooks.after, 1, {}),
  }
end

-- --- expectations ---------------------------------------------------------------------------

--- Tables, and the views and drafts of state, which are compared with them by content.
local function has_parts(value)
  if type(value) == "table" then return true end
  local kind = type(value) == "userdata" and getmetatable(value)
  return kind == "view" or kind == "draft"
end

local function show(value)
  if type(value) == "string" then return ("%q"):format(value) end
  if has_parts(value) then
    local text = json.encode(value)
    if text then return text end
  end
  return tostring(value)
end

local function same(a, b)
  if not (has_parts(a) and has_parts(b)) then return rawequal(a, b) or a == b end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end
M.same = same

local function fail(fmt, ...) error(fmt:format(...), 4) end

local matchers = {}

function matchers.is(value, want)
  if not (rawequal(value, want) or value == want) then
    fail("expected %s, got %s", show(want), show(value))
  end
end

function matchers.is_not(value, unwanted)
  if rawequal(value, unwanted) or value == unwanted then fail("did not expect %s", show(value)) end
end

function matchers.equals(value, want)
  if not same(value, want) then fail("expected %s, got %s", show(want), show(value)) end
end

function matchers.is_true(value)
  if not value then fail("expected something true, got %s", show(value)) end
end

function matchers.is_nil(value)
  if value ~= nil then fail("expected nil, got %s", show(value)) end
end

function matchers.matches(value, pattern)
  if not tostring(value):find(pattern) then fail("expected %s to match %q", show(value), pattern) end
end

function matchers.contains(value, part)
  if not tostring(value):find(part, 1, true) then
    fail("expected %s to contain %q", show(value), part)
  end
end

function matchers.is_close(value, want, tolerance)
  if type(value) ~= "number" or math.abs(value - want) > tolerance then
    fail("expected %s within %s of %s", show(value), show(tolerance), show(want))
  end
end

--- value is a function; it must raise, with text that contains `part`.
function matchers.raises(value, part)
  local ok, err = pcall(value)
  if ok then fail("expected an error%s, but none was raised", part and (" with " .. show(part)) or "") end
  if part and not tostring(err):find(part, 1, true) then
    fail("expected an error with %q, got %s", part, tostring(err))
  end
end

---@class tidelock.Expectation
---@field is fun(want: any) raw or == equality
---@field is_not fun(unwanted: any)
---@field equals fun(want: any) deep equality of plain tables
---@field is_true fun()
---@field is_nil fun()
---@field matches fun(pattern: string) a Lua pattern
---@field contains fun(part: string)
---@field is_close fun(want: number, tolerance: number)
---@field raises fun(part?: string)

---@param value any
---@return tidelock.Expectation
function M.expect(value)
  return setmetatable({}, {
    __index = function(_, name)
      local matcher = matchers[name]
      if not matcher then error("no expectation called " .. tostring(name), 2) end
      return function(...) matcher(value, ...) end
    end,
  })
end

--- Waits until fn returns something true, and returns that; raises after `seconds`.
---@param fn function
---@param seconds? number 5
---@return any
function M.wait_for(fn, seconds)
  local timer = require "tidelock.timer"
  local deadline = timer.now() + (seconds or 5)
  while true do
    local value = fn()
    if value then return value end
    if timer.now() > deadline then error("waited in vain for what was expected", 2) end
    task.sleep(0.005)
  end
end

-- --- running --------------------------------------------------------------------------------

-- What lies below a test's own function says nothing about it.
local function described(err)
  local trace = debug.traceback(""):gsub("\n\t%[C%]: in function 'xpcall'.*", "")
  return tostring(err) .. trace:gsub("\n\t%[C%]: in function 'error'", "")
end

-- Runs fn within M.timeout; returns nil, or what went wrong, as text.
local function protected(fn)
  local fine, failure, err = pcall(task.with_timeout, M.timeout, function()
    local ok, text = xpcall(fn, described)
    return ok or text
  end)
  if not fine then return tostring(failure) end
  if failure == true then return nil end
  return failure or tostring(err)
end

local function run(test)
  local function body()
    for _, fn in ipairs(test.before) do fn() end
    test.fn()
  end
  local failure = protected(body)
  for _, fn in ipairs(test.after) do
    local why = protected(fn)
    failure = failure or why
  end
  core.count(not failure)
  print((failure and "not ok %s" or "ok %s"):format(test.name))
  if failure then print("    " .. failure:gsub("\n", "\n    ")) end
  return not failure
end

script.on_start(function()
  local failed = false
  core.plan(#tests)
  for _, test in ipairs(tests) do
    if not run(test) then failed = true end
  end
  script.exit(failed and 1 or 0)
end)

return M
