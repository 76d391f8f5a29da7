-- What a person prefers: /set lists it, /set NAME VALUE changes one of it. It is kept here, and the
-- server is told; what is kept here holds, whatever the server has.
local auth = require "services.auth"
local task = require "tidelock.task"
local user = require "stores.user"
local view = require "views.plain"

local M = {}

local switch = {
  choices = "on, off",
  read = function(text) return ({ on = true, off = false })[text] end,
}

local kinds = {
  theme = {
    choices = "light, dark, system",
    read = function(text) return ({ light = text, dark = text, system = text })[text] end,
  },
  language = {
    choices = "a language tag: en, de-AT",
    read = function(text)
      if #text > 20 then return nil end
      return text:match "^%a%a%a?$" or text:match "^%a%a%a?%-[%w-]+$"
    end,
  },
  email = switch, push = switch, desktop = switch,
}

local function show(value)
  if type(value) == "boolean" then return value and "on" or "off" end
  return value
end

local function list()
  local now = user.preferences()
  local values = { theme = now.theme, language = now.language }
  for name, value in pairs(now.notifications) do values[name] = show(value) end
  view.show("PREFERENCES", values)
end

-- The server has them for other clients; it is told when somebody is logged in.
local function tell_server(name, value)
  if not user.is_authenticated() then return end
  local changed = { [name] = value }
  if kinds[name] == switch then changed = { notifications = user.preferences().notifications } end
  local _, err = auth.update_profile { preferences = changed }
  if err then view.error(err, "NOT_SET_THERE") end
end

---@param argument string of /set
function M.set(argument)
  if argument == "" then return list() end
  local name, text = argument:match "^(%S+)%s*(.-)$"
  name = name:lower()
  local kind = kinds[name]
  if not kind then return view.show("NO_SUCH_PREFERENCE", { name = name }) end
  local value = kind.read(text)
  if value == nil then
    return view.show("WRONG_PREFERENCE", { name = name, choices = kind.choices })
  end
  user.prefer(name, value)
  view.show("PREFERENCE", { name = name, value = show(value) })
  task.spawn(tell_server, name, value)
end

return M
