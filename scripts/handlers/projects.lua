-- Projects are created, changed and deleted.
local projects = require "stores.projects"
local view = require "views.plain"

return function(connection)
  connection:on("project_created", function(event)
    projects.put(event.project)
    view.show("PROJECT_CREATED", event.project)
  end)

  connection:on("project_updated", function(event)
    projects.put(event.project)
    view.show("PROJECT_UPDATED", event.project)
  end)

  connection:on("project_deleted", function(event)
    local name, closed = projects.remove(event.projectId)
    if name then view.show("PROJECT_DELETED", { name = name }) end
    if closed then view.show "CURRENT_PROJECT_DELETED" end
  end)
end
