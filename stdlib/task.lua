-- tidelock.task: concurrent tasks. All run in the script's Lua state; a task runs until it waits.
local core = require "tidelock.task.core"
local errors = require "tidelock.errors"
local checks = require "tidelock.options.core"

local M = { spawn = core.spawn, sleep = core.sleep }

local function is_task(value)
  return type(value) == "userdata" and getmetatable(value) == "task"
end

-- None of these functions takes options: further arguments raise.
local function take_no_options(what, count)
  if count > 0 then error(what .. " takes no options", 3) end
end

local function check_members(what, members)
  if type(members) ~= "table" then
    error(what .. " takes a table of functions or tasks, not a " .. type(members), 3)
  end
  for key, member in pairs(members) do
    if type(member) ~= "function" and not is_task(member) then
      error(("%s: member %s is neither a function nor a task, but a %s"):format(
        what, checks.cut(key), type(member)), 3)
    end
  end
end

-- Runs all members concurrently. `ended(key, ok, ...)` is called at each one's end, and returns true to
-- stop. Then, or when the caller is cancelled, the remaining members are cancelled.
local function run_until(members, ended)
  local group, tasks, keys = core.group(), {}, {}
  for key, member in pairs(members) do
    local task = is_task(member) and member or core.spawn(member)
    tasks[#tasks + 1] = task
    keys[group:add(task)] = key
  end
  local function report_end(number, ...) return ended(keys[number], ...) end
  local ok, err = pcall(function()
    for _ = 1, #tasks do
      if report_end(group:next()) then return end
    end
  end)
  for _, task in ipairs(tasks) do task:cancel() end
  if not ok then error(err, 0) end
end

--- Runs all members side by side and waits for all of them. When one fails (raises, or returns
--- nil and an error) the others are cancelled, and its error is raised or returned.
---@param members table<any, function|tidelock.Task>
---@return table<any, any>? results the first value that each member returned, under its key
---@return tidelock.Error? err
function M.all(members, ...)
  check_members("all", members)
  take_no_options("task.all", select("#", ...))
  local results, failure = {}, nil
  run_until(members, function(key, ok, value, err)
    if not ok then failure = { raised = true, value = value } end
    if ok and value == nil and err ~= nil then failure = { value = err } end
    results[key] = value
    return failure ~= nil
  end)
  if not failure then return results end
  if failure.raised then error(failure.value, 0) end
  return nil, failure.value
end

--- Waits for the first member that ends, well or not; the others are cancelled.
---@param members table<any, function|tidelock.Task> at least one
---@return any ... its results; its error is raised
function M.race(members, ...)
  check_members("race", members)
  take_no_options("task.race", select("#", ...))
  if next(members) == nil then error("race takes at least one function or task", 2) end
  local winner
  run_until(members, function(_, ...)
    winner = table.pack(...)
    return true
  end)
  if not winner[1] then error(winner[2], 0) end
  return table.unpack(winner, 2, winner.n)
end

--- Runs fn for at most so many seconds; then it is cancelled.
---@param seconds number
---@param fn function|tidelock.Task
---@return any ... the results of fn, or nil and a TIMEOUT error
function M.with_timeout(seconds, fn, ...)
  take_no_options("task.with_timeout", select("#", ...))
  if type(seconds) ~= "number" or (type(fn) ~= "function" and not is_task(fn)) then
    error("with_timeout takes seconds and a function or a task", 2)
  end
  local problem = checks.number_problem(seconds, {})
  if problem then error("with_timeout takes seconds and a function or a task: seconds " .. problem, 2) end
  return M.race {
    fn,
    function()
      core.sleep(seconds)
      return nil, errors.new { code = "TIMEOUT", message = ("not done within %g s"):format(seconds) }
    end,
  }
end

return M
