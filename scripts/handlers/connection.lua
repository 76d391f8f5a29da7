-- The states of the connection.
local app = require "stores.app"
local auth = require "services.auth"
local lines = require "flows.lines"
local messages = require "messages"
local opening = require "flows.opening"
local user = require "stores.user"
local view = require "views.plain"

-- Fetches missed messages, unless the server has recovered the session and sends them by itself.
local function resume_session(again, info)
  view.show(again and "RECONNECTED" or "CONNECTED")
  if not info.recovered then opening.catch_up() end
  lines.start()
end

-- The server has refused our token: gets a new one and connects again, once.
local function renew_and_connect(chat, info)
  local ok, err = nil, info.error
  if app.mark_first_refusal() then
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
    local again = app.set_connection_state(name)
    if name == "connected" then
      resume_session(again, info)
    elseif is_refusal(info) then
      renew_and_connect(chat, info)
    elseif name == "reconnecting" and info.retry_in then
      view.show("RECONNECTING", {
        why = messages.reason(info.reason), seconds = ("%.1f"):format(info.retry_in),
      })
    elseif name == "closed" then
      view.show("DISCONNECTED", { why = messages.reason(info.reason or "") })
    end
  end)
end
