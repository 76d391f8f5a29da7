-- The session of a request: its token is added in the core, and a request that is refused for it is sent
-- once more when there is another.
local core = require "tidelock.session.core"
local timer = require "tidelock.timer"

local M = {}

local longest_stop = 15 -- seconds that a renewal may stop the clock of a request

--- Raises unless the value is a session, or false.
function M.check(name, value)
  if value == false or require "tidelock.session".is(value) then return end
  error(("http: %s must be a session (session.define, session.attach), not a %s")
    :format(name, type(value)), 0)
end

-- RFC 6750, 3: a 401 says why; one that says nothing is about the token.
local function is_about_token(res)
  if res.status ~= 401 then return false end
  local said = res.headers["www-authenticate"]
  if not said then return true end
  local err = said:match '[Ee][Rr][Rr][Oo][Rr]%s*=%s*"?([%w_]+)'
  return err == nil or err == "invalid_token"
end

-- Returns what the wait gives, and how long it took, of what counts.
local function wait_for(ask, ...)
  local began = timer.now()
  local answer, err = ask(...)
  return answer, err, math.min(timer.now() - began, longest_stop)
end

--- Sends a request with the token of its session. `send(extra)` sends it; `extra`: the seconds that were
--- waited for the session.
function M.send(request, send)
  local session = request.session
  local ready, err, waited = wait_for(core.ready, session)
  if not ready and err.code ~= "BUSY" then return nil, err end
  request.serial = nil
  local res, told, more
  res, err = send(waited)
  if not res or not request.serial or not is_about_token(res) then return res, err end
  local again
  again, told, more = wait_for(core.refused, session, request.serial)
  if not again or told then return res, err end
  res:close() -- of a stream nothing more is read
  return send(waited + more)
end

return M
