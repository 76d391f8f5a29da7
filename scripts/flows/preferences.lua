-- The user's preferences: /set lists them, /set NAME VALUE changes one. They are stored here and sent
-- to the server; the value stored here takes precedence over the server's.
local auth = require "services.auth"
local messages = require "messages"
local task = require "tidelock.task"
local user = require "stores.user"
local view = require "views.plain"

local M = {}

local on_off = {
  choices = "CHOICES_ON_OFF",
  read = function(text) return ({ on = true, off = false })[text] end,
}

-- Of each preference: the code of the text that lists its values, and read(text) → value | nil.
local kinds = {
  theme = {
    choices = "CHOICES_THEME",
    read = function(text) return ({ light = text, dark = text, system = text })[text] end,
  },
  language = {
    choices = "CHOICES_LANGUAGE",
    read = function(text)
      if #text > 20 then return nil end
      return text:match "^%a%a%a?$" or text:match "^%a%a%a?%-[%w-]+$"
    end,
  },
  email = on_off, push = on_off, desktop = on_off,
}

local function format_value(value)
  if type(value) == "boolean" then return value and "on" or "off" end
  return value
end

local function list_preferences()
  local now = user.preferences()
  local values = { theme = now.theme, language = now.language }
  for name, value in pairs(now.notifications) do values[name] = format_value(value) end
  view.show("PREFERENCES", values)
end

-- The server stores them for the user's other clients; it needs a login.
local function send_to_server(name, value)
  if not user.is_authenticated() then return end
  local changed = { [name] = value }
  if kinds[name] == on_off then changed = { notifications = user.preferences().notifications } end
  local _, err = auth.update_profile { preferences = changed }
  if err then view.error(err, "NOT_SET_THERE") end
end

---@param argument string of /set
function M.set(argument)
  if argument == "" then return list_preferences() end
  local name, text = argument:match "^(%S+)%s*(.-)$"
  name = name:lower()
  local kind = kinds[name]
  if not kind then return view.show("NO_SUCH_PREFERENCE", { name = name }) end
  local value = kind.read(text)
  if value == nil then
    return view.show("WRONG_PREFERENCE", { name = name, choices = messages.text(kind.choices) })
  end
  user.set_preference(name, value)
  view.show("PREFERENCE", { name = name, value = format_value(value) })
  task.spawn(send_to_server, name, value)
end

return M
