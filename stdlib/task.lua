-- tidelock.task: work that waits, side by side. All of it runs in the script's one Lua state;
-- only waiting lets others run.
local core = require "tidelock.task.core"
local errors = require "tidelock.errors"

local M = { spawn = core.spawn, sleep = core.sleep }

local function runner(member)
  if type(member) == "function" then return member end
  return function() return member:await() end
end

-- Runs all members side by side. `ended(key, ok, ...)` hears each one's end and returns true
-- when enough has been heard; then, or when the caller is cancelled, the rest is cancelled.
local function run_until(members, ended)
  if type(members) ~= "table" then error("a table of functions or tasks is expected", 3) end
  local gate, tasks = core.gate(), {}
  local function hear(key, ...)
    if ended(key, ...) then gate:open() end
  end
  for key, member in pairs(members) do
    local run = runner(member)
    tasks[key] = core.spawn(function() hear(key, pcall(run)) end)
  end
  local ok, err = true, nil
  if next(tasks) ~= nil then ok, err = pcall(gate.wait, gate) end
  for key, task in pairs(tasks) do
    task:cancel()
    if type(members[key]) ~= "function" then members[key]:cancel() end
  end
  if not ok then error(err, 0) end
end

--- Runs all members side by side and waits for all of them. When one fails (raises, or returns
--- nil and an error) the others are cancelled: what it raised is raised, what it returned is
--- returned.
---@param members table<any, function|tidelock.Task>
---@return table<any, any>? results the first value that each member returned, under its key
---@return tidelock.Error? err
function M.all(members)
  local results, left, failure = {}, 0, nil
  for _ in pairs(members) do left = left + 1 end
  run_until(members, function(key, ok, value, err)
    left = left - 1
    if failure then return false end
    if not ok then failure = { raised = value } end
    if ok and value == nil and err ~= nil then failure = { returned = err } end
    results[key] = value
    return failure ~= nil or left == 0
  end)
  if not failure then return results end
  if failure.raised ~= nil then error(failure.raised, 0) end
  return nil, failure.returned
end

--- Waits for the first member that ends, well or not; the others are cancelled.
---@param members table<any, function|tidelock.Task> at least one
---@return any ... what it returned; what it raised is raised
function M.race(members)
  if type(members) == "table" and next(members) == nil then error("race: no members", 2) end
  local winner
  run_until(members, function(_, ...)
    winner = winner or table.pack(...)
    return true
  end)
  if not winner[1] then error(winner[2], 0) end
  return table.unpack(winner, 2, winner.n)
end

--- Runs fn for at most so many seconds; then it is cancelled.
---@param seconds number
---@param fn function
---@return any ... what fn returned, or nil and a TIMEOUT error
function M.with_timeout(seconds, fn)
  if type(seconds) ~= "number" or type(fn) ~= "function" then
    error("with_timeout takes seconds and a function", 2)
  end
  return M.race {
    fn,
    function()
      core.sleep(seconds)
      return nil, errors.new { code = "TIMEOUT", message = ("not done within %g s"):format(seconds) }
    end,
  }
end

return M
