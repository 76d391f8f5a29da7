-- Where the server's data comes in: it is checked (types.lua), and what does not fit is told to
-- the log, with the path of what is wrong, and goes no further.
local errors = require "tidelock.errors"
local log = require "tidelock.log"
local types = require "types"

local M = {}

local TOLD = 5 -- items of one list: a server may send any number of wrong ones

local function refuse(what, err, silent)
  if not silent then
    log.warn(("dropped %s: %s"):format(what, err.message), { issues = err.issues })
  end
  return nil, errors.wrap(err, "DECODE", what .. " is not as it should be")
end

---An answer, or a part of it.
---@param of tidelock.Schema
---@param value any
---@param what string what it is called in the log
---@return any? checked
---@return tidelock.Error? err DECODE
function M.check(of, value, what)
  local checked, err = of:check(value)
  if err then return refuse(what, err) end
  return checked
end

---A list: what is wrong in it is left out, the rest stands, if any of it does.
---@param of tidelock.Schema of its items
---@param values any
---@param what string
---@return any[]? checked
---@return tidelock.Error? err DECODE, when it is no list, or nothing in it is right
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
      last = select(2, refuse(("%s[%d]"):format(what, i), err, bad > TOLD))
    end
  end
  if bad > TOLD then log.warn(("dropped %d of %s in all"):format(bad, what)) end
  if bad > 0 and #good == 0 then return nil, last end
  return good
end

---The connection as handlers see it: what they get has been checked. An event that types.lua does
---not know is passed on as it came.
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
