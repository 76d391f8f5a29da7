-- The assistant at work on a message.
local chat = require "stores.chat"
local screen = require "screen"
local view = require "views.plain"

return function(connection)
  connection:on("ai_processing_start", function(work)
    chat.works(work)
    if screen.is_here(work) then view.show "AI_STARTED" end
  end)

  connection:on("ai_processing_progress", function(work)
    chat.works(work)
    if screen.is_here(work) then view.show("AI_PROGRESS", work) end
  end)

  connection:on("ai_processing_end", function(work)
    local answer = work.response
    if chat.work_ended(work) then view.message(answer) end
  end)

  connection:on("ai_processing_error", function(work)
    chat.work_failed(work)
    view.show("AI_FAILED", work.error)
  end)
end
