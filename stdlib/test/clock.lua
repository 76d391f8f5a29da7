-- test.clock of tidelock.test: the time of one test stands still, and goes on as the test says.
local core = require "tidelock.test.clock.core"
local checks = require "tidelock.options.core"

local M = {}

local longest = 1e9
local names = { "at", "zone" }

-- "2026-03-29T00:30:00", with Z or +01:00 where it is not the zone's own time, or seconds.
local function read_time(at)
  if type(at) == "number" then return at end
  local pattern = "^(%d+)%-(%d%d)%-(%d%d)[T ](%d%d):(%d%d):?(%d*)(.*)$"
  local y, m, d, hour, min, sec, rest = tostring(at):match(pattern)
  local sign, hours, minutes = (rest or ""):match "^([+-])(%d%d):(%d%d)$"
  if not y or not (rest == "" or rest == "Z" or sign) then
    error("test.clock: at is like \"2026-03-29T00:30:00\", not " .. checks.cut(at), 3)
  end
  local fields = { year = y, month = m, day = d, hour = hour, min = min, sec = tonumber(sec) or 0 }
  if rest == "" then return os.time(fields) end
  local offset = sign and (hours * 3600 + minutes * 60) * (sign == "-" and -1 or 1) or 0
  return M.utc(fields) - offset
end

-- The time of a date in UTC, by days since 1970.
function M.utc(f)
  local y, m = f.year + 0, f.month + 0
  if m <= 2 then y, m = y - 1, m + 12 end
  local days = 365 * y + y // 4 - y // 100 + y // 400 + (153 * (m - 3) + 2) // 5 + f.day - 1 - 719468
  return math.tointeger(days) * 86400 + f.hour * 3600 + f.min * 60 + f.sec
end

local function check_seconds(what, seconds, low)
  if type(seconds) ~= "number" or not (seconds >= low and seconds <= longest) then
    error(("clock.%s takes a number of seconds from %g to %d, not %s"):format(
      what, low, longest, checks.cut(seconds)), 3)
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
  if options.at ~= nil then core.set_wall(read_time(options.at)) end
  return clock
end

M.functions = clock

M.is_open = core.is_open

--- The test is over.
M.close = core.close

return M
