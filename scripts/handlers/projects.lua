-- Projects come, change and go.
local state = require "state"
local view = require "views.plain"

return function(chat)
  chat:on("project_created", function(event)
    state.get().names[event.project.id] = event.project.name
    view.show("PROJECT_CREATED", event.project)
  end)

  chat:on("project_updated", function(event)
    state.get().names[event.project.id] = event.project.name
    view.show("PROJECT_UPDATED", event.project)
  end)

  chat:on("project_deleted", function(event)
    local now = state.get()
    view.show("PROJECT_DELETED", { name = now.names[event.projectId] or event.projectId })
    now.names[event.projectId] = nil
    if now.project and now.project.id == event.projectId then
      state.close_project()
      view.show "CURRENT_PROJECT_DELETED"
    end
  end)
end
