-- Whether a status is expected, and whether a retry makes sense. Pure.
local core = require "tidelock.http.core"
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

-- An HTTP-date in any of its three forms as wall-clock seconds, or nil.
M.date = core.date

--- The statuses of 4xx that say: later.
M.later = { [408] = true, [425] = true, [429] = true }

-- The beginning of the body, if it is text.
local function body_excerpt(body)
  local text = body:sub(1, 200):gsub("%s+", " ")
  if utf8.len(text) and not text:find "%c" then return text end
  return nil
end

-- The error for a response that was not expected; it carries status and response.
function M.refuse(method, res)
  local err = errors.new {
    code = "HTTP", sent = "yes", detail = body_excerpt(res.body),
    message = ("%s %s answered %d"):format(method, urls.show(res.url), res.status),
    recoverable = M.later[res.status] or res.status >= 500,
  }
  err.retry_after = core.retry_after(res.headers["retry-after"], res.headers.date, err.time)
  err.status, err.response = res.status, res
  return err
end

return M
