-- Messages and typing, in the session on the screen and in others.
local chat = require "stores.chat"
local screen = require "screen"
local view = require "views.plain"

return function(connection)
  connection:on("new_message", function(message)
    if chat.add_message(message) then view.message(message) end
  end)

  connection:on("message_processed", chat.mark_processed)

  connection:on("message_updated", function(message)
    chat.add_message(message)
    if screen.is_here(message) then
      view.show("MESSAGE_EDITED", { name = message.userName, content = message.content })
    end
  end)

  connection:on("session_updated", function(event)
    if chat.put_session(event.session) then view.show("SESSION_UPDATED", event.session) end
  end)

  connection:on("session_deleted", function(event)
    local here = screen.is_here(event)
    local failed = chat.drop_lost_session(event.sessionId)
    if here then view.show "SESSION_GONE" end
    for _, line in ipairs(failed) do view.not_sent(line) end
  end)

  connection:on("message_deleted", function(message)
    chat.mark_deleted(message)
    if screen.is_here(message) then view.show "MESSAGE_DELETED" end
  end)

  connection:on("typing_indicator", function(typing)
    if chat.set_typing(typing) and screen.is_here(typing) then
      view.show("TYPING", { name = typing.userName })
    end
  end)
end
