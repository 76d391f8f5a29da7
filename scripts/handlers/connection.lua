-- The states of the connection.
local app = require "stores.app"
local lines = require "flows.lines"
local messages = require "messages"
local opening = require "flows.opening"
local view = require "views.plain"

-- Fetches missed messages, unless the server has recovered the session and sends them by itself.
local function resume_session(again, info)
  view.show(again and "RECONNECTED" or "CONNECTED")
  if not info.recovered then opening.catch_up() end
  lines.start()
end

return function(chat)
  chat:on_state(function(name, info)
    local again = app.set_connection_state(name)
    if name == "connected" then
      resume_session(again, info)
    elseif name == "reconnecting" and info.retry_in then
      view.show("RECONNECTING", {
        why = messages.reason(info.reason), seconds = ("%.1f"):format(info.retry_in),
      })
    elseif name == "closed" then
      view.show("DISCONNECTED", { why = messages.reason(info.reason or "") })
    end
  end)
end
