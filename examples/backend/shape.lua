-- Middleware: gives the server's own errors (an unknown path, a wrong method) the format of frame.lua, and
-- every refusal that of RFC 9457 where the client asks for it: Accept: application/problem+json.
local json = require "tidelock.json"

local titles = {
  VALIDATION_ERROR = "The request is not valid", AUTH_ERROR = "Not logged in", NOT_FOUND = "Not found",
  PERMISSION_ERROR = "Not allowed", LIMIT_REACHED = "A limit is reached", TOO_LARGE = "Too large",
  RATE_LIMIT_ERROR = "Too many requests", CHANGED = "Changed meanwhile", KEY_USED = "Key used before",
  STILL_RUNNING = "Still running", UNSUPPORTED = "Not supported", NO_SUCH_RANGE = "No such range",
}

local function wants_problem(req)
  for each in (req.headers.accept or ""):lower():gmatch "[^,]+" do
    local kind, rest = each:match "^%s*([^;%s]*)(.*)$"
    if kind == "application/problem+json" then return not rest:match "q=0%.?0*%s*$" end
  end
  return false
end

local function as_problem(req, status, body)
  local code = body.code or "HTTP"
  return {
    type = "urn:tidelock:problem:" .. code:lower():gsub("_", "-"), title = titles[code] or code,
    status = status, detail = body.message, instance = req.path, code = code, errors = body.errors,
  }
end

---@param req tidelock.server.Request
---@param next fun(): any, any, any
return function(req, next)
  local status, body, headers = next()
  if type(body) == "table" and body.error then
    body = {
      success = false, message = body.error.message, code = body.error.code, errors = json.array {},
    }
  end
  if type(body) ~= "table" or body.success ~= false or not wants_problem(req) then
    return status, body, headers
  end
  local all = { ["Content-Type"] = "application/problem+json", Vary = "Accept" }
  for name, value in pairs(headers or {}) do all[name] = value end
  return status, as_problem(req, status, body), all
end
