-- /api/projects: list, get, create, update, delete; its members receive an event for each change.
local data = require "data"
local frame = require "frame"
local notify = require "notify"
local validate = require "validate"

local statuses = { "planning", "active", "on_hold", "completed", "cancelled" }
local priorities = { "low", "medium", "high", "urgent" }

local changes = {
  name = validate.optional(validate.text { max = 100 }),
  description = validate.optional(validate.text { min = 0, max = 2000 }),
  status = validate.optional(validate.one_of(statuses)),
  priority = validate.optional(validate.one_of(priorities)),
  progress = validate.optional(validate.number(0, 100)),
  tags = validate.optional(validate.list(validate.text { max = 50 }, 20)),
  settings = validate.optional(validate.object {
    autoSave = validate.optional(validate.boolean()),
    notifications = validate.optional(validate.boolean()),
    aiAssistance = validate.optional(validate.boolean()),
    memoryRetention = validate.optional(validate.number(0, 3650)),
  }),
}

local new = {
  name = validate.text { max = 100 },
  description = changes.description,
  priority = changes.priority,
  tags = changes.tags,
}

local function current(req) return data.show_project((data.project(req.user, req.params.id))) end

return function(srv)
  srv:get("/api/projects", frame.signed_in(function(req)
    return frame.page(req, data.projects(req.user), data.show_project)
  end))

  srv:get("/api/projects/:id", frame.signed_in(current))

  srv:post("/api/projects", frame.signed_in(function(req)
    local project = data.create_project(req.user, validate.fields(req.fields, new))
    local shown = data.show_project(project)
    notify.send(project.members, "project_created", { project = shown })
    return shown, frame.created
  end, { once = "may" }))

  srv:put("/api/projects/:id", frame.signed_in(function(req)
    local fields = validate.fields(req.fields, changes)
    local project = data.update_project(req.user, req.params.id, fields)
    local shown = data.show_project(project)
    notify.send(project.members, "project_updated", { project = shown })
    return shown
  end, { current = current }))

  srv:delete("/api/projects/:id", frame.signed_in(function(req)
    local project = data.delete_project(req.user, req.params.id)
    notify.send(project.members, "project_deleted", { projectId = project.id })
  end, { current = current }))
end
