-- The connection comes and goes.
local auth = require "services.auth"
local lines = require "flows.lines"
local messages = require "messages"
local opening = require "flows.opening"
local state = require "state"
local view = require "views.plain"

local function back()
  local now = state.get()
  view.show(now.was_connected and "RECONNECTED" or "CONNECTED")
  now.was_connected, now.refused = true, nil
  opening.catch_up()
  lines.start()
end

-- The server refused our token: a new one, and once more; but not for ever.
local function refused(chat, info)
  local now = state.get()
  local ok, err = nil, info.error
  if not now.refused then
    now.refused = true
    ok, err = auth.renew(now.tokens and now.tokens.access)
  end
  if ok then return chat:connect() end
  view.error(err)
end

local function is_refusal(info)
  return info.reason == "rejected" and type(info.data) == "table"
    and info.data.code == "AUTH_ERROR"
end

return function(chat)
  chat:on_state(function(name, info)
    if name == "connected" then
      back()
    elseif is_refusal(info) then
      refused(chat, info)
    elseif name == "reconnecting" and info.retry_in then
      view.show("RECONNECTING", {
        why = messages.reason(info.reason), seconds = ("%.1f"):format(info.retry_in),
      })
    elseif name == "closed" then
      view.show("DISCONNECTED", { why = messages.reason(info.reason or "") })
    end
  end)
end
