-- What a status means to who asked: expected or not, to be tried again or not. Pure.
local errors = require "tidelock.errors"
local urls = require "tidelock.http.url"

local M = {}

-- expect: "2xx" (any class), or one status.
function M.check(name, value)
  if value == false or math.type(value) == "integer" then return end
  if type(value) == "string" and value:find "^[1-5]xx$" then return end
  error(("http: %s must be \"2xx\" or another class, or a status like 204"):format(name), 0)
end

function M.fits(status, expect)
  if type(expect) == "number" then return status == expect end
  return status // 100 == tonumber(expect:sub(1, 1))
end

local months = { Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6, Jul = 7, Aug = 8,
  Sep = 9, Oct = 10, Nov = 11, Dec = 12 }

-- Days since 1970-01-01 in the Gregorian calendar.
local function days(year, month, day)
  if month <= 2 then year = year - 1 end
  local since_march = (month + 9) % 12
  return 365 * year + year // 4 - year // 100 + year // 400
    + (153 * since_march + 2) // 5 + day - 719469
end

-- "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110) as wall-clock seconds, or nil.
function M.date(text)
  local day, name, year, hour, min, sec =
    (text or ""):match "^%a+, (%d%d) (%a%a%a) (%d%d%d%d) (%d%d):(%d%d):(%d%d) GMT$"
  local month = months[name]
  if not month then return nil end
  return days(tonumber(year), month, tonumber(day)) * 86400 + hour * 3600 + min * 60 + sec
end

-- Seconds, or nil. A date counts from the server's own clock where it tells it.
local function retry_after(headers, now)
  local text = headers["retry-after"] or ""
  if text:find "^%d+$" then return tonumber(text) + 0.0 end
  local when = M.date(text)
  return when and math.max(0, when - (M.date(headers.date) or now))
end

local again = { [408] = true, [425] = true, [429] = true }

-- The start of the body, where it is text: the server's own words.
local function words(body)
  local text = body:sub(1, 200):gsub("%s+", " ")
  if utf8.len(text) and not text:find "%c" then return text end
  return nil
end

-- The error for a response that was not expected; it carries status and response.
function M.refuse(method, res)
  local err = errors.new {
    code = "HTTP", sent = "yes", detail = words(res.body),
    message = ("%s %s answered %d"):format(method, urls.show(res.url), res.status),
    recoverable = again[res.status] or res.status >= 500,
  }
  err.retry_after = retry_after(res.headers, err.time)
  err.status, err.response = res.status, res
  return err
end

return M
