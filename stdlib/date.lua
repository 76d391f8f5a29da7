-- tidelock.date: times as RFC 3339 writes them, calendar arithmetic in time zones, and times told
-- relative to now. A time is a number of seconds since 1970 began, as os.time has it. See docs/date.md.
local core = require "tidelock.date.core"
local checks = require "tidelock.options.core"
local errors = require "tidelock.errors"
local languages = require "tidelock.date.languages"
local rfc3339 = require "tidelock.date.rfc3339"
local zones = require "tidelock.date.zone"

---@type tidelock.date see meta/date.lua
local M = { languages = languages }

local DAY = 86400
local digits_rule = { least = 0, most = rfc3339.MOST_DIGITS, whole = true }

-- --- what is checked ------------------------------------------------------------------------

-- Level 1 is the line of the function that calls this one.
local function misuse(level, fmt, ...) error("date." .. fmt:format(...), level + 1) end

local function check_seconds(what, value)
  if type(value) == "number" then return end
  misuse(3, "%s: a time is a number of seconds, not a %s", what, type(value))
end

local function fail(code, fmt, ...) return nil, errors.new { code = code, message = fmt:format(...) } end

local function out_of_range() return fail("INVALID", "the time lies outside of the years 0000 to 9999") end

local function in_range(seconds) return seconds >= rfc3339.FIRST and seconds < rfc3339.LAST + 1 end

-- The options, and the zone among them.
local function read_options(what, options, names)
  checks.check("date." .. what, options, names, 3)
  local name = options and options.zone
  if name ~= nil and type(name) ~= "string" then
    misuse(3, "%s: zone is a string, not a %s", what, type(name))
  end
  return options or {}, zones.find(name)
end

-- --- RFC 3339 -------------------------------------------------------------------------------

function M.parse(text, options)
  if type(text) ~= "string" then misuse(2, "parse: a text is expected, not a %s", type(text)) end
  local given, zone, err = read_options("parse", options, { "zone" })
  if not zone then return nil, err end
  local seconds, open = rfc3339.read(text)
  if not seconds then return fail("DECODE", 'no time of RFC 3339: "%s": %s', checks.cut(text), open) end
  if not open then return seconds end
  if not given.zone then
    return fail("DECODE", 'no time of RFC 3339: "%s": it has no offset from UTC', checks.cut(text))
  end
  local whole = math.floor(seconds)
  return zones.resolve(zone, whole) + (seconds - whole)
end

function M.format(seconds, options)
  check_seconds("format", seconds)
  local given, zone, err = read_options("format", options, { "zone", "digits" })
  if not zone then return nil, err end
  local digits = given.digits
  local problem = digits ~= nil and checks.number_problem(digits, digits_rule)
  if problem then misuse(2, "format: digits %s", problem) end
  local text = rfc3339.write(seconds, function(at) return (zone:at(at)) end, digits, zone == zones.UTC)
  if not text then return out_of_range() end
  return text
end

-- --- fields ---------------------------------------------------------------------------------

-- The whole part, and the fraction, 0 for an integer.
local function split(seconds)
  local whole = math.floor(seconds)
  return whole, seconds - whole
end

function M.fields(seconds, options)
  check_seconds("fields", seconds)
  local _, zone, err = read_options("fields", options, { "zone" })
  if not zone then return nil, err end
  if not in_range(seconds) then return out_of_range() end
  local whole, fraction = split(seconds)
  local offset, dst, name = zone:at(whole)
  local shown = whole + offset
  local days, of_day = shown // DAY, shown % DAY
  local year, month, day = core.civil(days)
  return {
    year = year, month = month, day = day,
    hour = of_day // 3600, minute = of_day % 3600 // 60, second = of_day % 60 + fraction,
    weekday = (days + 3) % 7 + 1, yearday = days - core.days(year, 1, 1) + 1,
    offset = offset, dst = dst, zone = name,
  }
end

local bounds = {
  { "year", 0, 9999 }, { "month", 1, 12 }, { "day", 1, 31 }, { "hour", 0, 23 }, { "minute", 0, 59 },
}

-- nil and the name of the field that cannot be.
local function read_fields(fields)
  local values = { hour = 0, minute = 0 }
  for _, bound in ipairs(bounds) do
    local name, value = bound[1], fields[bound[1]]
    if value == nil then value = values[name] end
    value = math.tointeger(value)
    if not value or value < bound[2] or value > bound[3] then return nil, name end
    values[name] = value
  end
  if values.day > rfc3339.month_length(values.year, values.month) then return nil, "day" end
  values.second = fields.second == nil and 0 or fields.second
  local is_second = type(values.second) == "number" and values.second >= 0 and values.second < 60
  if not is_second then return nil, "second" end
  return values
end

function M.time(fields, options)
  if type(fields) ~= "table" then misuse(2, "time: a table of fields is expected, not a %s", type(fields)) end
  local _, zone, err = read_options("time", options, { "zone" })
  if not zone then return nil, err end
  local v, wrong = read_fields(fields)
  if not v then return fail("INVALID", "there is no such %s", wrong) end
  local second, fraction = split(v.second)
  local shown = core.days(v.year, v.month, v.day) * DAY + v.hour * 3600 + v.minute * 60 + second
  return zones.resolve(zone, shown) + fraction
end

-- --- arithmetic -----------------------------------------------------------------------------

local calendar_units, clock_units = { "years", "months", "weeks", "days" }, { "hours", "minutes", "seconds" }
local all_units = { "years", "months", "weeks", "days", "hours", "minutes", "seconds" }
local in_seconds = { hours = 3600, minutes = 60, seconds = 1 }
local MOST = 1e12 -- of any unit: beyond it all results are out of range

-- A local time, moved by months and days; the day of a month that has fewer is its last.
local function move_local(shown, months, days)
  local date, of_day = shown // DAY, shown % DAY
  if months ~= 0 then
    local year, month, day = core.civil(date)
    local count = year * 12 + month - 1 + months
    year, month = count // 12, count % 12 + 1
    date = core.days(year, month, math.min(day, rfc3339.month_length(year, month)))
  end
  return (date + days) * DAY + of_day
end

-- A time in whole seconds, moved in the zone. Where it stays in place its offset stays as well.
local function move(whole, months, days, zone)
  if months == 0 and days == 0 then return whole end
  local offset = zone:at(whole)
  return zones.resolve(zone, move_local(whole + offset, months, days), offset)
end

local function read_amount(what, amounts, unit, is_whole)
  local value = amounts[unit]
  if value == nil then return 0 end
  local fits = type(value) == "number" and (not is_whole or math.tointeger(value))
  if not fits then misuse(4, "%s: %s is a %snumber", what, unit, is_whole and "whole " or "") end
  return is_whole and math.tointeger(value) or value
end

-- Months, days and seconds; nil where one is beyond all bounds.
local function read_amounts(amounts)
  local read = {}
  for _, unit in ipairs(calendar_units) do read[unit] = read_amount("add", amounts, unit, true) end
  for _, unit in ipairs(clock_units) do read[unit] = read_amount("add", amounts, unit, false) end
  for _, value in pairs(read) do
    if not (value >= -MOST and value <= MOST) then return nil end
  end
  local exact = 0
  for _, unit in ipairs(clock_units) do exact = exact + read[unit] * in_seconds[unit] end
  return read.years * 12 + read.months, read.weeks * 7 + read.days, exact
end

local function is_reachable(months, days)
  return math.abs(months) < 12 * 10000 and math.abs(days) < 366 * 10000
end

function M.add(seconds, amounts, options)
  check_seconds("add", seconds)
  if type(amounts) ~= "table" then
    misuse(2, "add: a table like { days = 1 } is expected, not a %s", type(amounts))
  end
  checks.check("date.add", amounts, all_units, 2)
  local _, zone, err = read_options("add", options, { "zone" })
  if not zone then return nil, err end
  local months, days, exact = read_amounts(amounts)
  if not months or not in_range(seconds) or not is_reachable(months, days) then return out_of_range() end
  local whole, fraction = split(seconds)
  local result = move(whole, months, days, zone) + fraction + exact
  if not in_range(result) then return out_of_range() end
  return result
end

-- The largest number of units, in the direction of `sign`, that does not lead beyond the end.
local function count_units(guess, sign, reaches)
  while guess ~= 0 and not reaches(guess) do guess = guess - sign end
  return guess
end

-- The day that it is in the zone, as days since 1970 began.
local function day_in(zone, seconds)
  local whole = math.floor(seconds)
  return (whole + (zone:at(whole))) // DAY
end

local function months_between(from, to, zone, sign)
  local year, month = core.civil(day_in(zone, from))
  local to_year, to_month = core.civil(day_in(zone, to))
  return count_units((to_year - year) * 12 + to_month - month, sign, function(months)
    return (to - move(from, months, 0, zone)) * sign >= 0
  end)
end

local function days_between(from, to, months, zone, sign)
  local guess = day_in(zone, to) - day_in(zone, move(from, months, 0, zone))
  return count_units(guess, sign, function(days)
    return (to - move(from, months, days, zone)) * sign >= 0
  end)
end

local function parts_of(count, size, sign)
  count = count * sign
  return sign * (count // size), sign * (count % size)
end

-- hours, minutes, seconds of the rest, those above `rank` left out.
local function clock_parts(rest, rank, sign)
  local hours, minutes, whole = 0, 0, sign * math.floor(rest * sign)
  local fraction = rest - whole
  if rank <= 5 then hours, whole = parts_of(whole, 3600, sign) end
  if rank <= 6 then minutes, whole = parts_of(whole, 60, sign) end
  return hours, minutes, whole + fraction
end

local function rank_of(largest)
  for i, unit in ipairs(all_units) do
    if unit == (largest == nil and "years" or largest) then return i end
  end
  misuse(3, "difference: largest is one of %s", table.concat(all_units, ", "))
end

function M.difference(from, to, options)
  check_seconds("difference", from)
  check_seconds("difference", to)
  local given, zone, err = read_options("difference", options, { "zone", "largest" })
  if not zone then return nil, err end
  local rank = rank_of(given.largest)
  if not in_range(from) or not in_range(to) then return out_of_range() end
  local sign = to < from and -1 or 1
  local begin, fraction = split(from)
  local target = to - fraction
  local months = rank <= 2 and months_between(begin, target, zone, sign) or 0
  local days = rank <= 4 and days_between(begin, target, months, zone, sign) or 0
  local rest = target - move(begin, months, days, zone)
  local result = { years = 0, months = months, weeks = 0, days = days }
  if rank == 1 then result.years, result.months = parts_of(months, 12, sign) end
  if rank == 3 then result.weeks, result.days = parts_of(days, 7, sign) end
  result.hours, result.minutes, result.seconds = clock_parts(rest, rank, sign)
  return result
end

-- --- the start of a unit --------------------------------------------------------------------

local weekdays = {
  monday = 0, tuesday = 1, wednesday = 2, thursday = 3, friday = 4, saturday = 5, sunday = 6,
}

-- The first day of the unit that a day lies in, both in days since 1970 began.
local first_day = {
  day = function(days) return days end,
  week = function(days, starts) return days - (days + 3 - starts) % 7 end,
  month = function(days)
    local year, month = core.civil(days)
    return core.days(year, month, 1)
  end,
  year = function(days) return core.days(core.civil(days), 1, 1) end,
}

function M.start_of(seconds, unit, options)
  check_seconds("start_of", seconds)
  local find = first_day[unit]
  if not find then misuse(2, "start_of: the unit is day, week, month or year") end
  local given, zone, err = read_options("start_of", options, { "zone", "week_starts" })
  if not zone then return nil, err end
  local starts = weekdays[given.week_starts == nil and "monday" or given.week_starts]
  if not starts then misuse(2, "start_of: week_starts is a weekday like monday") end
  if not in_range(seconds) then return out_of_range() end
  local whole = math.floor(seconds)
  local shown = whole + (zone:at(whole))
  return zones.first_from(zone, find(shown // DAY, starts) * DAY)
end

-- --- relative to now ------------------------------------------------------------------------

local function find_language(name)
  local found = languages[name]
  while not found and name:find "-" do
    name = name:match "^(.*)%-"
    found = languages[name]
  end
  return found
end

-- The unit to tell a difference in, and how many.
local function choose_unit(parts)
  for _, unit in ipairs { "years", "months" } do
    if parts[unit] ~= 0 then return unit, math.abs(parts[unit]) end
  end
  local days = math.abs(parts.days)
  if days >= 7 then return "weeks", days // 7 end
  for _, unit in ipairs { "days", "hours", "minutes" } do
    if parts[unit] ~= 0 then return unit, math.abs(parts[unit]) end
  end
  return "seconds", math.floor(math.abs(parts.seconds))
end

local function tell(name, language, side, unit, count)
  if type(language.plural) ~= "function" then
    error(("date.languages: %s has no function `plural`"):format(checks.cut(name)), 3)
  end
  local category = language.plural(count)
  local texts = language[side] and language[side][unit]
  local text = texts and (texts[category] or texts.other)
  if type(text) ~= "string" then
    error(("date.languages: %s has no text for %s.%s.%s"):format(checks.cut(name), side, unit,
      checks.cut(category)), 3)
  end
  return (text:gsub("{n}", ("%d"):format(count)))
end

function M.relative(seconds, options)
  check_seconds("relative", seconds)
  local given, zone, err = read_options("relative", options, { "now", "language", "zone" })
  if not zone then return nil, err end
  local now, name = given.now, given.language
  if now == nil then now = os.time() end
  if name == nil then name = "en" end
  check_seconds("relative", now)
  if type(name) ~= "string" then misuse(2, "relative: language is a string, not a %s", type(name)) end
  local language = find_language(name)
  if not language then return fail("NOT_FOUND", 'date.languages has no "%s"', checks.cut(name)) end
  local parts, why = M.difference(now, seconds, { zone = given.zone })
  if not parts then return nil, why end
  local unit, count = choose_unit(parts)
  if count == 0 then return language.now end
  return tell(name, language, seconds < now and "past" or "future", unit:sub(1, -2), count)
end

return checks.strict("tidelock.date", M)
