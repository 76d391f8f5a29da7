-- How the server is. The view hears of its status from the store.
local app = require "stores.app"
local system = require "stores.system"
local view = require "views.plain"

return function(connection)
  connection:on("system_status_update", system.told)

  connection:on("error_occurred", function(event)
    app.failed(event)
    view.show("SERVER_ERROR_OCCURRED", { message = event.message })
  end)
end
