-- What is said: in the session on the screen, and in others.
local state = require "state"
local view = require "views.plain"

return function(chat)
  chat:on("new_message", function(message)
    state.delivered(message.clientId)
    if state.show_once(message.id) then view.message(message) end
  end)

  chat:on("message_processed", function(message)
    state.answered(message.clientId)
  end)

  chat:on("message_deleted", function(message)
    if state.is_here(message) then view.show "MESSAGE_DELETED" end
  end)

  chat:on("typing_indicator", function(typing)
    if state.is_here(typing) and typing.isTyping and not state.is_me(typing.userId) then
      view.show("TYPING", { name = typing.userName })
    end
  end)
end
