-- test.clock of tidelock.test: the time of one test stands still, and goes on as the test says.
local core = require "tidelock.test.clock.core"
local checks = require "tidelock.options.core"
local date = require "tidelock.date"

local M = {}

local longest = 1e9
local names = { "at", "zone" }

-- "2026-03-29T00:30:00" in the zone, with Z or +01:00 elsewhere, or seconds. The seconds may be left out.
local function read_time(at, zone)
  if type(at) == "number" then return at end
  local text = tostring(at):gsub("^(%d+%-%d%d%-%d%d[T ]%d%d:%d%d)(Z?)$", "%1:00%2")
  local seconds, err = date.parse(text, { zone = zone or "local" })
  if not seconds then
    local example = "2026-03-29T00:30:00"
    error(("test.clock: at is like \"%s\", not %s (%s)"):format(example, checks.cut(at), err.message), 3)
  end
  return seconds
end

local function check_seconds(what, seconds, low)
  local problem = checks.number_problem(seconds, { least = low, most = longest })
  if problem then
    error(("clock.%s takes a number of seconds from %d to %d: it %s"):format(what, low, longest, problem), 3)
  end
end

local clock = {}

--- Runs all that is due within so many seconds, in order.
---@param seconds number
function clock.advance(seconds, none)
  checks.none("clock.advance", none)
  check_seconds("advance", seconds, 0)
  core.advance(seconds)
end

--- Sets the wall clock alone, by so many seconds.
---@param seconds number
function clock.step(seconds, none)
  checks.none("clock.step", none)
  check_seconds("step", seconds, -longest)
  core.step(seconds)
end

--- The machine sleeps so long.
---@param seconds number
function clock.suspend(seconds, none)
  checks.none("clock.suspend", none)
  check_seconds("suspend", seconds, 0)
  core.suspend(seconds)
end

checks.strict("a clock", clock)

function M.open(options, none)
  checks.check("test.clock", options, names)
  checks.none("test.clock", none)
  options = options or {}
  if options.zone ~= nil and type(options.zone) ~= "string" then
    error("test.clock: zone is a name like \"Europe/Berlin\", not a " .. type(options.zone), 2)
  end
  local ok, err = core.open(options.zone)
  if not ok then error("test.clock: " .. err.message, 2) end
  if options.at ~= nil then core.set_wall(read_time(options.at, options.zone)) end
  return clock
end

M.functions = clock

M.is_open = core.is_open

--- The test is over.
M.close = core.close

return M
