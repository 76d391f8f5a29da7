-- Data from the server enters here and is checked against the schemas of types.lua. Data that does
-- not fit is dropped, and logged with the path of the wrong value.
local errors = require "tidelock.errors"
local log = require "tidelock.log"
local types = require "types"

local M = {}

local MAX_LOGGED = 5 -- wrong items of one list that are logged; a server may send any number

local function log_dropped(what, err, silent)
  if not silent then
    log.warn(("dropped %s: %s"):format(what, err.message), { issues = err.issues })
  end
  return nil, errors.wrap(err, "DECODE", what .. " is not as it should be")
end

---Checks an answer or a part of it.
---@param of tidelock.Schema
---@param value any
---@param what string its name in the log
---@return any? checked
---@return tidelock.Error? err DECODE
function M.check(of, value, what)
  local checked, err = of:check(value)
  if err then return log_dropped(what, err) end
  return checked
end

---Checks a list. Wrong items are left out.
---@param of tidelock.Schema of its items
---@param values any
---@param what string
---@return any[]? checked
---@return tidelock.Error? err DECODE: it is not a list, or all its items are wrong
function M.check_list(of, values, what)
  if type(values) ~= "table" or (#values == 0 and next(values) ~= nil) then
    return nil, errors.new { code = "DECODE", message = what .. " is not a list" }
  end
  local good, bad, last = {}, 0, nil
  for i = 1, #values do
    local checked, err = of:check(values[i])
    good[#good + 1] = checked
    if err then
      bad = bad + 1
      last = select(2, log_dropped(("%s[%d]"):format(what, i), err, bad > MAX_LOGGED))
    end
  end
  if bad > MAX_LOGGED then log.warn(("dropped %d of %s in all"):format(bad, what)) end
  if bad > 0 and #good == 0 then return nil, last end
  return good
end

---The connection for handlers: their payloads are checked. An event that types.lua does not name is
---passed on unchecked.
---@param connection table
---@return { on: fun(self: table, event: string, fn: function): table }
function M.of(connection)
  return {
    on = function(_, event, fn)
      local of = types.events[event]
      if not of then return connection:on(event, fn) end
      return connection:on(event, function(payload, ...)
        local checked = M.check(of, payload, event)
        if checked then fn(checked, ...) end
      end)
    end,
  }
end

return M
