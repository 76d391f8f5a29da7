-- Times as RFC 3339 writes them, a profile of ISO 8601: 2024-05-01T12:30:00.25+02:00. Pure.
local core = require "tidelock.date.core"

local M = {}

local MAX_LENGTH = 64 -- a fraction need not be longer

M.FIRST, M.LAST = -62167219200, 253402300799 -- the years 0000 to 9999

local lengths = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

---@param year integer
---@param month integer 1 to 12
---@return integer days
function M.month_length(year, month)
  local leap = month == 2 and year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  return leap and 29 or lengths[month]
end

-- --- reading --------------------------------------------------------------------------------

-- An offset from UTC in seconds; nil for any other text.
local function parse_offset(zone)
  if zone == "Z" or zone == "z" then return 0 end
  local sign, hours, minutes = zone:match "^([+-])(%d%d):(%d%d)$"
  hours, minutes = tonumber(hours), tonumber(minutes)
  if not sign or hours > 23 or minutes > 59 then return nil end
  return (sign == "-" and -60 or 60) * (hours * 60 + minutes)
end
M.parse_offset = parse_offset

-- A leap second is only valid at the end of a month in UTC; it gets the number of the next second.
local function is_leap_second(whole)
  if whole % 86400 ~= 0 then return false end
  local _, _, day = core.civil(whole // 86400)
  return day == 1
end

-- The number that two digits (as bytes) write; nil for other characters.
local function read_digits(a, b)
  if a >= 48 and a <= 57 and b >= 48 and b <= 57 then return a * 10 + b - 528 end -- 48 is 0
end

-- "2024-05-01" as days since 1970 began; or nothing, and what is wrong.
local function read_day(text)
  local c1, c2, y1, y2, dash, m1, m2, dash2, d1, d2 = text:byte(1, 10)
  if dash ~= 45 or dash2 ~= 45 then return nil, "it does not begin with a date" end
  local century, year = read_digits(c1, c2), read_digits(y1, y2)
  local month, day = read_digits(m1, m2), read_digits(d1, d2)
  if not (century and year and month and day) then return nil, "it does not begin with a date" end
  year = century * 100 + year
  if month < 1 or month > 12 then return nil, "there is no such month" end
  if day < 1 or day > M.month_length(year, month) then return nil, "there is no such day" end
  return core.days(year, month, day)
end

-- "T12:30:05", from the 11th character on, as seconds, and the seconds' digits; or what is wrong.
local function read_time(text)
  local t, h1, h2, colon, m1, m2, colon2, s1, s2 = text:byte(11, 19)
  if (t ~= 84 and t ~= 116 and t ~= 32) or colon ~= 58 or colon2 ~= 58 then
    return nil, nil, "there is no time behind the date"
  end
  local hour, minute, second = read_digits(h1, h2), read_digits(m1, m2), read_digits(s1, s2)
  if not (hour and minute and second) then return nil, nil, "there is no time behind the date" end
  if hour > 23 or minute > 59 or second > 60 then return nil, nil, "there is no such time of day" end
  return hour * 3600 + minute * 60 + second, second
end

-- The rest after the seconds: the fraction or nil, and the offset, false where there is none.
local function read_rest(text)
  if #text == 20 then return nil, parse_offset(text:sub(20)) end
  local fraction, zone = text:match("^(%.%d+)(.*)$", 20)
  zone = zone or text:sub(20)
  local offset = parse_offset(zone)
  if zone == "" then offset = false end
  return fraction and tonumber("0" .. fraction), offset
end

---A time whose offset is missing is read as one of UTC, and told: the caller knows of which zone it is.
---@param text string
---@return number? seconds since 1970 began, UTC; an integer when there is no fraction
---@return string|boolean problem what is wrong; or whether the offset is missing
function M.read(text)
  if #text < 19 then return nil, "it is too short" end
  if #text > MAX_LENGTH then return nil, "it is too long" end
  local day, wrong_day = read_day(text)
  if not day then return nil, wrong_day end
  local time, second, wrong_time = read_time(text)
  if not time then return nil, wrong_time end
  local fraction, east = read_rest(text)
  if east == nil then return nil, "its offset from UTC is none" end
  local whole = day * 86400 + time - (east or 0)
  if second == 60 and not is_leap_second(whole) then return nil, "there is no such second" end
  return fraction and whole + fraction or whole, east == false
end

---@param text string
---@param utc? boolean a time without an offset is one of UTC
---@return number? seconds since 1970 began, UTC; an integer when there is no fraction
---@return string? why what is wrong
function M.parse(text, utc)
  local seconds, open = M.read(text)
  if not seconds then return nil, open --[[@as string]] end
  if open and not utc then return nil, "it has no offset from UTC" end
  return seconds
end

-- --- writing --------------------------------------------------------------------------------

M.MOST_DIGITS = 6 -- of a fraction: beyond them the numbers of Lua are not exact

-- Whole seconds, and ".25" or "". Noise below the last digit is rounded away, then the digits that
-- are not wanted are cut off, as clocks do.
local function split(seconds, digits)
  local whole = math.floor(seconds)
  local millionths = math.floor((seconds - whole) * 1e6 + 0.5)
  if millionths == 1000000 then whole, millionths = whole + 1, 0 end
  local text = ("%06d"):format(millionths)
  text = digits and text:sub(1, digits) or text:gsub("0+$", "")
  return whole, text == "" and "" or "." .. text
end

-- RFC 3339 has no seconds in an offset: what is shown is cut to minutes, and the clock goes with it,
-- so that the instant is the same.
local function show_offset(offset)
  local minutes = math.abs(offset) // 60
  return ("%s%02d:%02d"):format(offset < 0 and "-" or "+", minutes // 60, minutes % 60)
end

---@param seconds number
---@param offset_at fun(seconds: integer): integer the offset of the zone at a time
---@param digits? integer 0 to 6 of a fraction; nil: as many as are needed
---@param utc boolean it is written as UTC, with Z
---@return string? text nil: it is not in the years 0000 to 9999
function M.write(seconds, offset_at, digits, utc)
  if not (seconds >= M.FIRST - 86400 and seconds < M.LAST + 86400) then return nil end
  local whole, fraction = split(seconds, digits)
  local offset = utc and 0 or offset_at(whole)
  offset = offset < 0 and -(-offset // 60 * 60) or offset // 60 * 60
  local shown = whole + offset
  if shown < M.FIRST or shown > M.LAST then return nil end
  local year, month, day = core.civil(shown // 86400)
  local of_day = shown % 86400
  local text = ("%04d-%02d-%02dT%02d:%02d:%02d%s"):format(year, month, day, of_day // 3600,
    of_day % 3600 // 60, of_day % 60, fraction)
  return text .. (utc and "Z" or show_offset(offset))
end

return M
