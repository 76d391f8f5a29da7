-- What is said: messages by session, what was typed and is on its way, who types, what the
-- assistant does. A message is held once, by its id and by the id under which its client sent it.
-- Who types and what the assistant does has a time limit: the event that ends it may be lost.
local config = require "config"
local json = require "tidelock.json"
local store = require "tidelock.store"
local timer = require "tidelock.timer"
local user = require "stores.user"

local M = {}

local MAX_MESSAGES = 500 -- of a session; of others
local MAX_SESSIONS = 50

local chat = store.define("chat", {
  initial = {
    lines = json.array {}, -- typed and not yet dealt with, in order: { id, text }
    unanswered = {}, -- by the id that we gave the message: true
    messages = {}, -- of each session, by its id; deleted ones keep their id
    recent = json.array {}, -- the ids of those sessions, the newest last
    places = {}, -- the project of each session that was open, by its id
    typing = {}, -- by session, by user: { name, deadline }
    work = {}, -- of the assistant, by session: { message, progress, note, deadline }
  }, -- and session: { id, title, project }, the one on the screen
})

M.store = chat

-- --- sessions and messages ----------------------------------------------------------------------

---@param session ChatSession|{ id: string, title: string }
---@param project_id string
function M.open(session, project_id)
  chat:change("open", function(draft)
    draft.session = { id = session.id, title = session.title, project = project_id }
    draft.places[session.id] = project_id
  end)
end

---@return { id: string, title: string, project: string }? a view
function M.session() return chat:get "session" end

---@param session_id string
---@return string? project_id
function M.place(session_id) return chat:get("places", session_id) end

-- Where a message stands in its session. Ids of clients are compared for the same user alone.
local function position(message)
  local list = chat:get("messages", message.sessionId)
  for i = list and #list or 0, 1, -1 do
    local held = list[i]
    if held.id == message.id then return i end
    if message.clientId and held.clientId == message.clientId and held.userId == message.userId then
      return i
    end
  end
end

local function drop_old_session(draft)
  local current = draft.session and draft.session.id
  local old = draft.recent[1] == current and 2 or 1
  draft.messages[table.remove(draft.recent, old)] = nil
end

local function insert(draft, message)
  local id = message.sessionId
  if not draft.messages[id] then
    draft.messages[id] = json.array {}
    table.insert(draft.recent, id)
    if #draft.recent > MAX_SESSIONS then drop_old_session(draft) end
  end
  local list = draft.messages[id]
  table.insert(list, message)
  if #list > MAX_MESSAGES then table.remove(list, 1) end
end

local function line_position(client_id)
  for i, line in ipairs(chat:get "lines") do
    if line.id == client_id then return i end
  end
end

local function take(draft, message, at)
  if not at then return insert(draft, message) end
  local list = draft.messages[message.sessionId]
  if not list[at].deleted then list[at] = message end
end

---A message came: it is held, and ours is no longer to be sent.
---@param message Message
---@return boolean new
function M.received(message)
  local at, line = position(message), line_position(message.clientId)
  chat:change("received", function(draft)
    take(draft, message, at)
    if line then table.remove(draft.lines, line) end
  end)
  return at == nil
end

---The server is through with a message.
---@param done MessageProcessed
function M.processed(done)
  local at = position(done)
  chat:change("processed", function(draft)
    if at then draft.messages[done.sessionId][at].status = done.status end
    if done.clientId then draft.unanswered[done.clientId] = nil end
  end)
end

---@param gone MessageDeleted
function M.deleted(gone)
  local at = position { id = gone.messageId, sessionId = gone.sessionId }
  if not at then return end
  chat:change("deleted", function(draft)
    draft.messages[gone.sessionId][at] = { id = gone.messageId, deleted = true }
  end)
end

---@param session_id string
---@return Message[] views, the oldest first
function M.messages(session_id)
  local found = {}
  for _, message in ipairs(chat:get("messages", session_id) or {}) do
    if not message.deleted then found[#found + 1] = message end
  end
  return found
end

-- --- what is on its way -------------------------------------------------------------------------

---@return { id: string, text: string }[] a view
function M.lines() return chat:get "lines" end

---@param id string
---@param text string
function M.enqueue(id, text)
  chat:change("enqueue", function(draft) table.insert(draft.lines, { id = id, text = text }) end)
end

---A line is dealt with, or its message has come through.
---@param client_id? string
function M.delivered(client_id)
  local at = line_position(client_id)
  if not at then return end
  chat:change("delivered", function(draft) table.remove(draft.lines, at) end)
end

---@param client_id string
function M.expect_answer(client_id)
  chat:change("expect answer", function(draft) draft.unanswered[client_id] = true end)
end

---@param client_id? string
function M.answered(client_id)
  if not client_id then return end
  chat:change("answered", function(draft) draft.unanswered[client_id] = nil end)
end

---@return integer
function M.count_unanswered()
  local count = 0
  for _ in pairs(chat:get "unanswered") do count = count + 1 end
  return count
end

---Whether all that was typed is sent and answered.
---@return boolean
function M.is_idle() return #M.lines() == 0 and M.count_unanswered() == 0 end

-- --- who types, what the assistant does ---------------------------------------------------------

local function is_past(entry) return timer.now() >= entry.deadline end

---@param event TypingIndicator
---@return boolean shown whether another one types
function M.typed(event)
  if user.is_me(event.userId) then return false end
  local session, who = event.sessionId, event.userId
  chat:change("typing", function(draft)
    if not draft.typing[session] then draft.typing[session] = {} end
    draft.typing[session][who] = event.isTyping
      and { name = event.userName, deadline = timer.now() + config.typing_timeout } or nil
  end)
  return event.isTyping
end

---@param session_id string
---@return string[] names of the others who type now, sorted
function M.who_types(session_id)
  local names = {}
  for _, entry in pairs(chat:get("typing", session_id) or {}) do
    if not is_past(entry) then names[#names + 1] = entry.name end
  end
  table.sort(names)
  return names
end

---The assistant has begun, or got on.
---@param event AIProcessing
function M.works(event)
  chat:change("assistant works", function(draft)
    draft.work[event.sessionId] = {
      message = event.messageId, progress = event.progress or 0, note = event.note or "",
      deadline = timer.now() + config.assistant_timeout,
    }
  end)
end

local function end_work(draft, event)
  local work = draft.work[event.sessionId]
  if work and work.message == event.messageId then draft.work[event.sessionId] = nil end
end

---@param event AIProcessing of ai_processing_end
---@return boolean new whether its answer was not known before
function M.work_ended(event)
  local answer = event.response
  local at = position(answer)
  chat:change("assistant ended", function(draft)
    end_work(draft, event)
    take(draft, answer, at)
  end)
  return at == nil
end

---@param event AIProcessing of ai_processing_error
function M.work_failed(event)
  chat:change("assistant failed", function(draft) end_work(draft, event) end)
end

---@param session_id string
---@return { message: string, progress: number, note: string }? a view; nil when it does nothing
function M.work(session_id)
  local work = chat:get("work", session_id)
  return work and not is_past(work) and work or nil
end

---Forgets what has had its time.
function M.expire()
  local typing, work = chat:get "typing", chat:get "work"
  chat:change("expire", function(draft)
    for session, all in pairs(typing) do
      for who, entry in pairs(all) do
        if is_past(entry) then draft.typing[session][who] = nil end
      end
    end
    for session, entry in pairs(work) do
      if is_past(entry) then draft.work[session] = nil end
    end
  end)
end

function M.reset() chat:reset() end

return M
