-- Times as RFC 3339 writes them, a profile of ISO 8601: 2024-05-01T12:30:00.25+02:00. Pure.
local M = {}

local MAX_LENGTH = 64 -- a fraction need not be longer

-- Days since 1970-01-01, in the proleptic Gregorian calendar.
local function days_since_1970(year, month, day)
  local y = month <= 2 and year - 1 or year
  local era, shifted = y // 400, (month + 9) % 12
  local of_era = y - era * 400
  local of_year = (153 * shifted + 2) // 5 + day - 1
  return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
end

local lengths = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function is_day(year, month, day)
  if month < 1 or month > 12 or day < 1 then return false end
  local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  return day <= (month == 2 and leap and 29 or lengths[month])
end

-- An offset from UTC in seconds; nil for any other text.
local function parse_offset(zone)
  if zone == "Z" or zone == "z" then return 0 end
  local sign, hours, minutes = zone:match "^([+-])(%d%d):(%d%d)$"
  hours, minutes = tonumber(hours), tonumber(minutes)
  if not sign or hours > 23 or minutes > 59 then return nil end
  return (sign == "-" and -60 or 60) * (hours * 60 + minutes)
end

-- A leap second is only valid at the end of a day in UTC; it gets the number of the next second.
local function is_second(second, whole)
  return second <= 59 or (second == 60 and whole % 86400 == 0)
end

-- The number that two digits (as bytes) write; nil for other characters.
local function read_digits(a, b)
  if a >= 48 and a <= 57 and b >= 48 and b <= 57 then return a * 10 + b - 528 end -- 48 is 0
end

-- "2024-05-01" as days since 1970 began.
local function read_day(text)
  local c1, c2, y1, y2, dash, m1, m2, dash2, d1, d2 = text:byte(1, 10)
  if dash ~= 45 or dash2 ~= 45 then return nil end
  local century, year = read_digits(c1, c2), read_digits(y1, y2)
  local month, day = read_digits(m1, m2), read_digits(d1, d2)
  if not (century and year and month and day) then return nil end
  year = century * 100 + year
  return is_day(year, month, day) and days_since_1970(year, month, day)
end

-- "T12:30:05", from the 11th character on, as seconds; and the seconds' digits.
local function read_time(text)
  local t, h1, h2, colon, m1, m2, colon2, s1, s2 = text:byte(11, 19)
  if (t ~= 84 and t ~= 116 and t ~= 32) or colon ~= 58 or colon2 ~= 58 then return nil end
  local hour, minute, second = read_digits(h1, h2), read_digits(m1, m2), read_digits(s1, s2)
  if not (hour and minute and second) or hour > 23 or minute > 59 then return nil end
  return hour * 3600 + minute * 60 + second, second
end

-- The rest after the seconds: the fraction or nil, and the offset.
local function read_rest(text)
  if #text == 20 then return nil, parse_offset(text:sub(20)) end
  local fraction, zone = text:match("^(%.%d+)(.*)$", 20)
  return fraction and tonumber("0" .. fraction), parse_offset(zone or text:sub(20))
end

---@param text string
---@param utc? boolean a time without an offset is one of UTC
---@return number? seconds since 1970 began, UTC; an integer when there is no fraction
function M.parse(text, utc)
  if #text < 19 or #text > MAX_LENGTH then return nil end
  if utc and not text:find("[Zz+-]", 20) then text = text .. "Z" end
  local day, time, second = read_day(text), read_time(text)
  if not day or not time then return nil end
  local fraction, east = read_rest(text)
  if not east then return nil end
  local whole = day * 86400 + time - east
  if not is_second(second, whole) then return nil end
  return fraction and whole + fraction or whole
end

M.FIRST, M.LAST = -62167219200, 253402300799 -- the years 0000 to 9999

return M
