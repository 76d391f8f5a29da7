-- How the server is.
local messages = require "messages"
local state = require "state"
local view = require "views.plain"

return function(chat)
  chat:on("system_status_update", function(status)
    local values = {
      ai = status.aiService, memory = status.memoryService, users = status.activeUsers,
    }
    local now, told = state.get(), messages.text("SYSTEM_STATUS", values)
    if told == now.system then return end
    now.system = told
    view.show("SYSTEM_STATUS", values)
  end)

  chat:on("error_occurred", function(event)
    view.show("SERVER_ERROR_OCCURRED", { message = event.message })
  end)
end
