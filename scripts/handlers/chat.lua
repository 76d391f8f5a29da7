-- What is said: in the session on the screen, and in others.
local chat = require "stores.chat"
local screen = require "screen"
local view = require "views.plain"

return function(connection)
  connection:on("new_message", function(message)
    if chat.received(message) then view.message(message) end
  end)

  connection:on("message_processed", chat.processed)

  connection:on("message_deleted", function(message)
    chat.deleted(message)
    if screen.is_here(message) then view.show "MESSAGE_DELETED" end
  end)

  connection:on("typing_indicator", function(typing)
    if chat.typed(typing) and screen.is_here(typing) then
      view.show("TYPING", { name = typing.userName })
    end
  end)
end
