-- The server's status and errors. The view follows the status in the store.
local app = require "stores.app"
local system = require "stores.system"
local view = require "views.plain"

return function(connection)
  connection:on("system_status_update", system.set_status)

  connection:on("error_occurred", function(event)
    app.set_error(event)
    view.show("SERVER_ERROR_OCCURRED", { message = event.message })
  end)
end
