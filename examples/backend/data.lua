-- The data: users, projects, sessions, messages. It is in script.keep, which survives a reload;
-- persistence.lua writes it to the disk. Only this file decides what a user may see: anything else does
-- not exist for that user.
local config = require "config"
local failure = require "failure"
local files = require "files"
local json = require "tidelock.json"
local persistence = require "persistence"
local random = require "tidelock.random"
local script = require "tidelock.script"

local M = {}

local function timestamp() return os.date("!%Y-%m-%dT%H:%M:%SZ") end

-- A unique id, over restarts too: "m12-5f3a".
local function new_id(db, kind)
  db.last_id = db.last_id + 1
  if not db.seeding then persistence.put_last_id(db.last_id) end
  return ("%s%d-%s"):format(kind, db.last_id, db.birth)
end

local function new_project(db, owner, fields)
  db.projects[#db.projects + 1] = {
    id = new_id(db, "p"), createdAt = timestamp(), updatedAt = timestamp(), ownerId = owner,
    name = fields.name, description = fields.description or "",
    status = fields.status or "active", priority = fields.priority or "medium",
    progress = fields.progress or 0, tags = fields.tags or json.array {},
    members = { owner },
    settings = { autoSave = true, notifications = true, aiAssistance = true, memoryRetention = 30 },
  }
  if not db.seeding then persistence.put_project(#db.projects, db.projects[#db.projects]) end
  return db.projects[#db.projects]
end

local function new_user(user)
  return {
    id = user.id, email = user.email, name = user.name, createdAt = timestamp(), updatedAt = timestamp(),
    preferences = {
      theme = "system", language = "en",
      notifications = { email = false, push = false, desktop = true },
    },
  }
end

local function seed_database()
  local db = {
    birth = random.hex(2), last_id = 0,
    users = {}, projects = {}, sessions = {}, seeding = true,
  }
  for _, user in ipairs(config.users) do db.users[user.id] = new_user(user) end
  for _, project in ipairs(config.projects) do
    new_project(db, config.users[project.owner].id, project)
  end
  db.seeding = nil
  persistence.start(db)
  return db
end

local function open_database()
  local db = persistence.restore() or seed_database()
  db.tokens, db.jobs = {}, {}
  for _, user in ipairs(config.users) do
    db.users[user.id] = db.users[user.id] or new_user(user) -- a new user of config.lua
  end
  return db
end

-- Read at each use: a reload replaces the table.
local function db()
  script.keep.db = script.keep.db or open_database()
  return script.keep.db
end

function M.reset()
  script.keep.db = nil
  persistence.reset()
  files.reset()
end

---@return table<string, backend.Token>
function M.tokens() return db().tokens end

---The assistant's unfinished jobs: see thinking.lua.
---@return table[]
function M.jobs() return db().jobs end

-- --- users ----------------------------------------------------------------------------------

---@param id string
---@return User
function M.user(id) return db().users[id] or failure.not_found("user") end

---@param id string
---@param changes { name?: string, avatar?: string, preferences?: table }
---@return User
function M.update_user(id, changes)
  local user = M.user(id)
  user.name = changes.name or user.name
  user.avatar = changes.avatar or user.avatar
  for key, value in pairs(changes.preferences or {}) do user.preferences[key] = value end
  user.updatedAt = timestamp()
  persistence.put_user(user)
  return user
end

---@param id string
---@return string
function M.name_of(id)
  if id == config.assistant.id then return config.assistant.name end
  local user = db().users[id]
  return user and user.name or id
end

local function list_people(ids)
  local list = json.array {}
  for i, id in ipairs(ids) do list[i] = { id = id, name = M.name_of(id) } end
  return list
end

-- --- projects -------------------------------------------------------------------------------

local function is_member(project, user)
  for _, id in ipairs(project.members) do
    if id == user then return true end
  end
  return false
end

---@param user string
---@return table[]
function M.projects(user)
  local list = {}
  for _, project in ipairs(db().projects) do
    if is_member(project, user) then list[#list + 1] = project end
  end
  return list
end

-- nil when there is no such project, or the user may not see it.
local function find_project(user, id)
  for index, project in ipairs(db().projects) do
    if project.id == id and is_member(project, user) then return project, index end
  end
end

---@param user string
---@param id string
---@return table project
---@return integer index
function M.project(user, id)
  local project, index = find_project(user, id)
  if not project then failure.not_found("project") end
  return project --[[@as table]], index --[[@as integer]]
end

---@param user string
---@param fields table checked
---@return table project
function M.create_project(user, fields)
  local limit = config.limits.projects
  if #M.projects(user) >= limit then failure.too_many("projects", limit) end
  return new_project(db(), user, fields)
end

---@param user string
---@param id string
---@param changes table checked
---@return table project
function M.update_project(user, id, changes)
  local project, index = M.project(user, id)
  for key, value in pairs(changes.settings or {}) do project.settings[key] = value end
  for key, value in pairs(changes) do
    if key ~= "settings" then project[key] = value end
  end
  project.updatedAt = timestamp()
  persistence.put_project(index, project)
  return project
end

local function remove_files(sessions)
  local ids = {}
  for _, session in ipairs(sessions) do
    for _, attachment in ipairs(session.attachments or {}) do ids[#ids + 1] = attachment.id end
  end
  files.remove(ids)
end

---@param user string
---@param id string
---@return table project as it was
function M.delete_project(user, id)
  local project, index = find_project(user, id)
  if not project then failure.not_found("project") end
  if project.ownerId ~= user then failure.forbidden("Only its owner may delete a project.") end
  local sessions, gone = db().sessions, {}
  for i = #sessions, 1, -1 do
    if sessions[i].projectId == id then gone[#gone + 1] = table.remove(sessions, i) end
  end
  table.remove(db().projects, index)
  persistence.remove_projects(db().projects, sessions, gone)
  remove_files(gone)
  return project
end

---The project as sent to clients.
---@param project table
---@return Project
function M.show_project(project)
  local shown = {}
  for key, value in pairs(project) do shown[key] = value end
  shown.members = nil
  shown.collaborators = list_people(project.members)
  return shown
end

-- --- sessions -------------------------------------------------------------------------------

---@param user string
---@param project_id string
---@return table[]
function M.sessions(user, project_id)
  M.project(user, project_id)
  local list = {}
  for _, session in ipairs(db().sessions) do
    if session.projectId == project_id then list[#list + 1] = session end
  end
  return list
end

---@param user string
---@param id any from the request
---@return table? session nil when there is none that the user may see
---@return table? project
---@return integer? index
function M.find_session(user, id)
  for index, session in ipairs(db().sessions) do
    local project = session.id == id and find_project(user, session.projectId)
    if project then return session, project, index end
  end
end

---@param user string
---@param id string
---@return table session
---@return table project
function M.session(user, id)
  local session, project = M.find_session(user, id)
  if not session then failure.not_found("session") end
  return session --[[@as table]], project --[[@as table]]
end

---@param user string
---@param project_id string
---@param title? string
---@return table session
function M.create_session(user, project_id, title)
  local count, limit = #M.sessions(user, project_id), config.limits.sessions
  if count >= limit then failure.too_many("sessions", limit) end
  local all = db()
  local session = {
    id = new_id(all, "s"), createdAt = timestamp(), updatedAt = timestamp(), projectId = project_id,
    title = title or ("Session %d"):format(count + 1), messages = {},
    settings = { autoSave = true, memoryContext = true, aiAssistance = true },
  }
  all.sessions[#all.sessions + 1] = session
  persistence.put_session(#all.sessions, session)
  return session
end

---@param user string
---@param id string
---@param changes { title?: string, settings?: table } checked
---@return table session
function M.update_session(user, id, changes)
  M.session(user, id)
  local session, _, index = M.find_session(user, id)
  session.title = changes.title or session.title
  for key, value in pairs(changes.settings or {}) do session.settings[key] = value end
  session.updatedAt = timestamp()
  persistence.put_session(index, session)
  return session
end

---@param user string
---@param id string
---@return table session as it was
---@return table project
function M.delete_session(user, id)
  local session, project = M.session(user, id)
  if project.ownerId ~= user then failure.forbidden("Only the project's owner may delete a session.") end
  local all = db()
  table.remove(all.sessions, select(3, M.find_session(user, id)))
  persistence.remove_projects(all.projects, all.sessions, { session })
  remove_files { session }
  return session, project
end

---@param session table
---@return ChatSession
function M.show_session(session)
  local shown = {}
  for key, value in pairs(session) do shown[key] = value end
  shown.messages, shown.attachments = nil, nil
  shown.messageCount = #session.messages
  shown.participants = list_people(M.members_of(session))
  return shown
end

---The users who may see a session, and receive its events.
---@param session table
---@return string[] users
function M.members_of(session)
  for _, project in ipairs(db().projects) do
    if project.id == session.projectId then return project.members end
  end
  return {}
end

-- --- messages -------------------------------------------------------------------------------

---@param session table
---@param fields table userId, content, type; clientId, metadata
---@return Message
function M.add_message(session, fields)
  local limit, all = config.limits.messages, db()
  if #session.messages >= limit then failure.too_many("messages", limit) end
  local message = {
    id = new_id(all, "m"), createdAt = timestamp(), updatedAt = timestamp(), sessionId = session.id,
    userId = fields.userId, userName = M.name_of(fields.userId), content = fields.content,
    type = fields.type, status = "sent", clientId = fields.clientId,
    metadata = json.object(fields.metadata or {}),
  }
  session.messages[#session.messages + 1] = message
  persistence.put_message(session, #session.messages, message)
  return message
end

---The message that the client has already sent with this clientId: so a retry creates no second one.
---@param session table
---@param user string
---@param client_id? string
---@return Message?
function M.sent_before(session, user, client_id)
  if not client_id then return nil end
  for i = #session.messages, 1, -1 do
    local message = session.messages[i]
    if message.clientId == client_id and message.userId == user then return message end
  end
end

local function index_of(session, message_id)
  for index, message in ipairs(session.messages) do
    if message.id == message_id then return index end
  end
end

local function find_message(user, id)
  for _, session in ipairs(db().sessions) do
    local project = find_project(user, session.projectId)
    local index = project and index_of(session, id)
    if index then return session, project, index end
  end
  return failure.not_found("message")
end

---@param user string
---@param id string
---@return Message message as it was
---@return table session
function M.delete_message(user, id)
  local session, project, index = find_message(user, id)
  local message = session.messages[index]
  if message.userId ~= user and project.ownerId ~= user then
    failure.forbidden("Only its author or the project's owner may delete a message.")
  end
  table.remove(session.messages, index)
  persistence.remove_message(session, index)
  return message, session
end

---@param user string
---@param id string
---@return Message message
---@return table session
function M.message(user, id)
  local session, _, index = find_message(user, id)
  return session.messages[index], session
end

---@param user string
---@param id string
---@param content string
---@return Message message
---@return table session
function M.edit_message(user, id, content)
  local session, _, index = find_message(user, id)
  local message = session.messages[index]
  if message.userId ~= user then failure.forbidden("Only its author may edit a message.") end
  message.content, message.updatedAt = content, timestamp()
  persistence.put_message(session, index, message)
  return message, session
end

---@param session table
---@param id string
---@param status string
---@return Message? nil when it is gone
function M.set_status(session, id, status)
  local index = index_of(session, id)
  local message = session.messages[index]
  if not message then return nil end
  message.status, message.updatedAt = status, timestamp()
  persistence.put_message(session, index, message)
  return message
end

-- --- attachments ----------------------------------------------------------------------------

---@param user string
---@param session_id string
---@return Attachment[]
function M.attachments(user, session_id) return M.session(user, session_id).attachments or {} end

---@param user string
---@param session_id string
---@param file { filename: string, type: string, body: string }
---@return Attachment
function M.add_attachment(user, session_id, file)
  local session, _, index = M.find_session(user, session_id)
  session.attachments = session.attachments or {}
  local limit = config.limits.attachments
  if #session.attachments >= limit then failure.too_many("attachments", limit) end
  local id = new_id(db(), "a")
  local attachment = {
    id = id, filename = file.filename, type = file.type, size = #file.body,
    url = "/api/attachments/" .. id,
  }
  files.put(id, file.body)
  session.attachments[#session.attachments + 1] = attachment
  persistence.put_session(index, session)
  return attachment
end

---@param user string
---@param id string
---@return Attachment
function M.attachment(user, id)
  for _, session in ipairs(db().sessions) do
    for _, attachment in ipairs(find_project(user, session.projectId) and session.attachments or {}) do
      if attachment.id == id then return attachment end
    end
  end
  return failure.not_found("attachment")
end

return M
