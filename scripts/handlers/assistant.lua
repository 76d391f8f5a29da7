-- The assistant's work on a message.
local chat = require "stores.chat"
local screen = require "screen"
local view = require "views.plain"

return function(connection)
  connection:on("ai_processing_start", function(work)
    chat.assistant_working(work)
    if screen.is_here(work) then view.show "AI_STARTED" end
  end)

  connection:on("ai_processing_progress", function(work)
    chat.assistant_working(work)
    if screen.is_here(work) then view.show("AI_PROGRESS", work) end
  end)

  connection:on("ai_processing_end", function(work)
    local answer = work.response
    if chat.assistant_done(work) then view.message(answer) end
  end)

  connection:on("ai_processing_error", function(work)
    chat.assistant_failed(work)
    view.show("AI_FAILED", work.error)
  end)
end
