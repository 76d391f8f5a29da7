local json = require "tidelock.json"

-- Middleware: gives the server's own errors (an unknown path, a wrong method) the format of frame.lua.
---@param next fun(): any, any, any
return function(_, next)
  local status, body, headers = next()
  if type(body) == "table" and body.error then
    return status, {
      success = false, message = body.error.message, code = body.error.code, errors = json.array {},
    }, headers
  end
  return status, body, headers
end
