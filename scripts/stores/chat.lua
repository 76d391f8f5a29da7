-- What is said: messages by session, what was typed and is not through, who types, what the
-- assistant does. A message is held once, by its id and by the id under which its client sent it;
-- one that we send is a line until the server has it, and looks like a message meanwhile.
-- Sessions, messages and lines outlive the process. Who types, what the assistant does and what it
-- owes has a time limit: the event that ends it may be lost.
local config = require "config"
local json = require "tidelock.json"
local store = require "tidelock.store"
local timer = require "tidelock.timer"
local user = require "stores.user"

local M = {}

local MAX_MESSAGES = 500 -- of a session; of others
local MAX_SESSIONS = 50

---@class Line what was typed and is not through
---@field id string the clientId of its message
---@field time number when it was typed, wall-clock
---@field command? string the whole line
---@field content? string or what a message says
---@field session? string where it belongs; nil: where one is when its turn comes
---@field failed? { code: string, message: string } why it was not sent; it waits for /retry

local chat = store.define("chat", {
  share = "read", -- hooks beside the client show and react to it
  initial = {
    lines = json.array {}, -- Line[], in the order in which they were typed
    unanswered = {}, -- by the id that we gave the message: until when an answer is waited for
    messages = {}, -- of each session, by its id; deleted ones keep their id
    recent = json.array {}, -- the ids of those sessions, the latest used last
    places = {}, -- the project of each session that was open, by its id
    shown = {}, -- by session: true when it was on the screen since the start
    sessions = {}, -- by project: ChatSession[], as last listed
    typing = {}, -- by session, by user: { name, deadline }
    work = {}, -- of the assistant, by session: { message, progress, note, deadline }
    session = json.null, -- { id, title, project }, the one on the screen
  },
  persist = { "lines", "messages", "recent", "places", "session" },
  version = 1,
})

M.store = chat

-- --- sessions -----------------------------------------------------------------------------------

---@param project_id string
---@param list ChatSession[]
function M.listed(project_id, list)
  chat:change("listed", function(draft) draft.sessions[project_id] = json.array(list) end)
end

---@param project_id string
---@return ChatSession[] views, as last listed
function M.sessions(project_id) return chat:get("sessions", project_id) or {} end

local function use(draft, id)
  local recent = draft.recent
  if recent[#recent] == id then return end
  for i = #recent, 1, -1 do
    if recent[i] == id then table.remove(recent, i) end
  end
  table.insert(recent, id)
end

---@param session ChatSession|{ id: string, title: string }
---@param project_id string
function M.open(session, project_id)
  chat:change("open", function(draft)
    draft.session = { id = session.id, title = session.title, project = project_id }
    draft.places[session.id] = project_id
    if draft.messages[session.id] then use(draft, session.id) end
  end)
end

---@return { id: string, title: string, project: string }? a view
function M.session() return chat:get "session" end

---@param session_id string
---@return string? project_id
function M.place(session_id) return chat:get("places", session_id) end

---True once since the start: then what is held of the session is to be shown.
---@param session_id string
---@return boolean
function M.show_first(session_id)
  if chat:get("shown", session_id) then return false end
  chat:change("show", function(draft) draft.shown[session_id] = true end)
  return true
end

local by_session = { "messages", "places", "shown", "typing", "work" }

local function drop_session(draft, id)
  for _, key in ipairs(by_session) do draft[key][id] = nil end
  for i = #draft.recent, 1, -1 do
    if draft.recent[i] == id then table.remove(draft.recent, i) end
  end
end

---The server does not know a session any more: it is forgotten. What was typed for it is not sent
---anywhere else by itself.
---@param session_id string
---@return Line[] failed views of those that were on their way until now
function M.lost(session_id)
  local failed = {}
  for _, line in ipairs(chat:get "lines") do
    if line.session == session_id and not line.failed then failed[#failed + 1] = line end
  end
  chat:change("lost", function(draft)
    drop_session(draft, session_id)
    if draft.session and draft.session.id == session_id then draft.session = nil end
    for _, line in ipairs(draft.lines) do
      if line.session == session_id then
        line.session = nil
        line.failed = line.failed or { code = "NOT_FOUND", message = "its session is gone" }
        draft.unanswered[line.id] = nil
      end
    end
  end)
  return failed
end

-- --- messages -----------------------------------------------------------------------------------

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
  drop_session(draft, draft.recent[draft.recent[1] == current and 2 or 1])
end

-- By time, for what was missed comes after what has just been said; among the same, at the end.
local function insert(draft, message)
  local id = message.sessionId
  draft.messages[id] = draft.messages[id] or json.array {}
  use(draft, id)
  if #draft.recent > MAX_SESSIONS then drop_old_session(draft) end
  local list, time = draft.messages[id], message.createdAt or math.huge
  local at = #list + 1
  while at > 1 and (list[at - 1].createdAt or 0) > time do at = at - 1 end
  table.insert(list, at, message)
  if #list > MAX_MESSAGES then table.remove(list, 1) end
end

local function remove_line(draft, client_id)
  for i = #draft.lines, 1, -1 do
    if draft.lines[i].id == client_id then table.remove(draft.lines, i) end
  end
end

local function take(draft, message, at)
  if message.clientId then remove_line(draft, message.clientId) end
  if not at then return insert(draft, message) end
  local list = draft.messages[message.sessionId]
  if not list[at].deleted then list[at] = message end
end

---A message came, as an event or as an answer: it is held, and ours is no longer to be sent.
---@param message Message
---@return boolean new
function M.received(message)
  local at = position(message)
  chat:change("received", function(draft) take(draft, message, at) end)
  return at == nil
end

-- The ids of those that were held before a list was fetched, of the same time, and are not in it.
local function gone_since(before, list)
  local ids, since, gone = {}, nil, {}
  for _, message in ipairs(list) do ids[message.id] = true end
  for i, held in ipairs(before) do
    if ids[held.id] then since = since or i end
  end
  for i, held in ipairs(before) do
    if i >= (since or 1) and not ids[held.id] and not held.deleted then gone[held.id] = true end
  end
  return gone
end

-- Where the messages of a list stand in what is held, as far as they do.
local function positions(list, held)
  local by_id, by_client, found = {}, {}, {}
  for i, each in ipairs(held) do
    by_id[each.id] = i
    if each.clientId then by_client[each.clientId] = i end
  end
  for i, message in ipairs(list) do
    local at = by_client[message.clientId or ""]
    if at and held[at].userId ~= message.userId then at = nil end
    found[i] = by_id[message.id] or at
  end
  return found
end

local function is_same(a, b)
  return a.id == b.id and a.status == b.status and a.updatedAt == b.updatedAt
end

---The latest messages of a session were fetched. Those that were held before, of the same time, and
---are not among them were deleted meanwhile; without one that was held before, there is a gap, and
---the older ones go. What came by itself while they were on their way stays.
---@param session_id string
---@param list Message[] in the order in which they came
---@param before? Message[] what M.held gave before the request
---@return Message[] new
function M.fetched(session_id, list, before)
  local held, new = M.held(session_id) or {}, {}
  local gone, at = gone_since(before or {}, list), positions(list, held)
  chat:change("fetched", function(draft)
    for i, message in ipairs(list) do -- in place, as long as all stand where they stood
      if not at[i] then new[#new + 1] = message
      elseif not is_same(held[at[i]], message) then take(draft, message, at[i]) end
    end
    for i = #held, 1, -1 do
      if gone[held[i].id] then table.remove(draft.messages[session_id], i) end
    end
    for _, message in ipairs(new) do take(draft, message) end
    for _, message in ipairs(list) do
      if message.status == "processed" and message.clientId then
        draft.unanswered[message.clientId] = nil
      end
    end
  end)
  return new
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

---What is held of a session, deleted ones too.
---@param session_id string
---@return Message[]? a view
function M.held(session_id) return chat:get("messages", session_id) end

-- A line as it looks until the server has it.
local function as_message(line)
  local me = user.get() or user.account()
  return {
    id = line.id, clientId = line.id, sessionId = line.session, content = line.content,
    userId = me and me.id or "", userName = me and me.name or "", type = "user", metadata = {},
    status = line.failed and "failed" or "sending", error = line.failed,
    createdAt = line.time, updatedAt = line.time,
  }
end

local function list_messages(session_id, held, lines)
  local found = {}
  for _, message in ipairs(held or {}) do
    if not message.deleted then found[#found + 1] = message end
  end
  for _, line in ipairs(lines) do
    if line.content and line.session == session_id then found[#found + 1] = as_message(line) end
  end
  return found
end

local last = {} -- of M.messages: what was asked for, and what came of it

---What a session looks like: its messages, then ours that are on their way or were refused.
---@param session_id string
---@return Message[] the oldest first; not to be changed
function M.messages(session_id)
  local held, lines, me = M.held(session_id), chat:get "lines", user.account()
  if last.id ~= session_id or last.held ~= held or last.lines ~= lines or last.me ~= me then
    last = { id = session_id, held = held, lines = lines, me = me }
    last.found = list_messages(session_id, held, lines)
  end
  return last.found
end

-- --- what is on its way -------------------------------------------------------------------------

---@return Line[] a view
function M.lines() return chat:get "lines" end

---@param id? string
---@return Line? a view
---@return integer? index
function M.line(id)
  for i, line in ipairs(chat:get "lines") do
    if line.id == id then return line, i end
  end
end

---@return Line? the first that was not refused
function M.next_line()
  for _, line in ipairs(chat:get "lines") do
    if not line.failed then return line end
  end
end

---@param line Line
function M.enqueue(line)
  chat:change("enqueue", function(draft) table.insert(draft.lines, line) end)
end

---A line gets the session that it was waiting for, and an answer is waited for.
---@param id string
---@param session_id string
function M.sends(id, session_id)
  local _, at = M.line(id)
  chat:change("sends", function(draft)
    if at then draft.lines[at].session = session_id end
    draft.unanswered[id] = timer.now() + config.assistant_timeout
  end)
end

---The server has answered a line that was sent.
---@param id string
---@param sent Message|{ id: string } as much of it as the server told
---@return Message? new one, when it had not come as an event before
function M.accepted(id, sent)
  local line = M.line(id)
  if not line then return nil end
  local message = sent
  if not sent.content then
    message = as_message(line)
    message.id, message.status, message.error = sent.id, "sent", nil
  end
  local new = M.received(message)
  M.delivered(id)
  return new and message or nil
end

---A line will not be sent: it stays, with the reason, until it is sent again or discarded.
---@param id string
---@param err { code: string, message: string }
function M.refused(id, err)
  local _, at = M.line(id)
  chat:change("refused", function(draft)
    draft.unanswered[id] = nil
    local line = draft.lines[at]
    if not line then return end
    line.failed = { code = err.code, message = err.message }
    if err.code == "NOT_FOUND" then line.session = nil end
  end)
end

---Refused lines wait again to be sent: where they belong or, when that is gone, where one is.
---@return integer how many
function M.retry()
  local count = M.count_refused()
  chat:change("retry", function(draft)
    for _, line in ipairs(draft.lines) do line.failed = nil end
  end)
  return count
end

---@return integer how many refused lines were dropped
function M.discard()
  local count = M.count_refused()
  chat:change("discard", function(draft)
    for i = #draft.lines, 1, -1 do
      if draft.lines[i].failed then table.remove(draft.lines, i) end
    end
  end)
  return count
end

---A line is dealt with, or its message has come through.
---@param client_id? string
function M.delivered(client_id)
  if not M.line(client_id) then return end
  chat:change("delivered", function(draft) remove_line(draft, client_id) end)
end

---@param client_id? string
function M.answered(client_id)
  if not client_id then return end
  chat:change("answered", function(draft) draft.unanswered[client_id] = nil end)
end

local counts = store.derive({ chat }, function(state)
  local found = { waiting = 0, refused = 0, commands = 0, unanswered = 0 }
  for _, line in ipairs(state.lines) do
    local kind = line.failed and "refused" or "waiting"
    found[kind] = found[kind] + 1
    if line.command then found.commands = found.commands + 1 end
  end
  for _ in pairs(state.unanswered) do found.unanswered = found.unanswered + 1 end
  return found
end)

---@return integer lines that are to be sent or done
function M.count_waiting() return counts:get().waiting end

---@return integer
function M.count_refused() return counts:get().refused end

---@return integer sent, and not answered
function M.count_unanswered() return counts:get().unanswered end

---Whether a command waits: what is typed after it may belong elsewhere.
---@return boolean
function M.has_command() return counts:get().commands > 0 end

---Whether all that was typed is sent and answered, as far as it can be.
---@return boolean
function M.is_idle() return M.count_waiting() == 0 and M.count_unanswered() == 0 end

require "stores.chat_activity"(M, { store = chat, position = position, take = take })

---Forgets all but what was typed since then.
---@param since number wall-clock
function M.forget(since)
  local lines = json.array {}
  for _, line in ipairs(M.lines()) do
    if line.time >= since then lines[#lines + 1] = store.copy(line) end
  end
  chat:reset()
  chat:set { lines = lines }
end

function M.reset() chat:reset() end

return M
