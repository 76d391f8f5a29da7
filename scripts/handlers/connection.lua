-- The connection comes and goes.
local app = require "stores.app"
local auth = require "services.auth"
local lines = require "flows.lines"
local messages = require "messages"
local opening = require "flows.opening"
local user = require "stores.user"
local view = require "views.plain"

-- What was missed is fetched, unless the server sends it by itself.
local function back(again, info)
  view.show(again and "RECONNECTED" or "CONNECTED")
  if not info.recovered then opening.catch_up() end
  lines.start()
end

-- The server refused our token: a new one, and once more; but not for ever.
local function refused(chat, info)
  local ok, err = nil, info.error
  if app.refused_first() then
    local tokens = user.tokens()
    ok, err = auth.renew(tokens and tokens.access)
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
    local again = app.connection_is(name)
    if name == "connected" then
      back(again, info)
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
