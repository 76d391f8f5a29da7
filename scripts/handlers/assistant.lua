-- The assistant at work on a message.
local state = require "state"
local view = require "views.plain"

return function(chat)
  chat:on("ai_processing_start", function(work)
    if state.is_here(work) then view.show "AI_STARTED" end
  end)

  chat:on("ai_processing_progress", function(work)
    if state.is_here(work) then view.show("AI_PROGRESS", work) end
  end)

  chat:on("ai_processing_end", function(work)
    local answer = work.response
    if state.show_once(answer.id) then view.message(answer) end
  end)

  chat:on("ai_processing_error", function(work)
    view.show("AI_FAILED", work.error)
  end)
end
