-- The chat: messages by session, typed lines that the server has not accepted yet, who is typing,
-- and what the assistant is doing. A message is stored once: its id and its clientId (the id under
-- which its client sent it) both identify it. A message of ours is a Line until the server has it;
-- M.messages shows it as a message meanwhile. Unanswered messages expire, as typing and the
-- assistant's work do (stores/chat_activity.lua), since the event that ends them may be lost.
local activity = require "stores.chat_activity"
local chat = require "stores.chat_state"
local config = require "config"
local json = require "tidelock.json"
local store = require "tidelock.store"
local timer = require "tidelock.timer"
local user = require "stores.user"

local M = {}

local MAX_MESSAGES = 500 -- of a session; of others
local MAX_SESSIONS = 50

M.store = chat

-- --- sessions -----------------------------------------------------------------------------------

---@param project_id string
---@param list ChatSession[]
function M.set_sessions(project_id, list)
  chat:change("set sessions", function(draft) draft.sessions[project_id] = json.array(list) end)
end

---@param project_id string
---@return ChatSession[] views, as last listed
function M.sessions(project_id) return chat:get("sessions", project_id) or {} end

-- Makes a session the last used.
local function touch_session(draft, id)
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
    if draft.messages[session.id] then touch_session(draft, session.id) end
  end)
end

---Stores the new title of a session.
---@param session ChatSession
---@return boolean new whether it is the open one, and had another
function M.put_session(session)
  local open = chat:get "session"
  if not open or open.id ~= session.id or open.title == session.title then return false end
  chat:change("put session", function(draft) draft.session.title = session.title end)
  return true
end

---@return { id: string, title: string, project: string }? a view
function M.session() return chat:get "session" end

---@param session_id string
---@return string? project_id
function M.project_of(session_id) return chat:get("places", session_id) end

---True at the first call for a session since the start: its stored messages must be shown now.
---@param session_id string
---@return boolean
function M.needs_first_render(session_id)
  if chat:get("rendered", session_id) then return false end
  chat:change("first render", function(draft) draft.rendered[session_id] = true end)
  return true
end

local by_session = { "messages", "places", "rendered", "typing", "work" }

local function drop_session(draft, id)
  for _, key in ipairs(by_session) do draft[key][id] = nil end
  for i = #draft.recent, 1, -1 do
    if draft.recent[i] == id then table.remove(draft.recent, i) end
  end
end

---Removes a session that the server no longer knows. Its unsent lines stay, as refused lines without
---a session: they are sent elsewhere only on /retry.
---@param session_id string
---@return Line[] failed views of the lines that were not refused before
function M.drop_lost_session(session_id)
  local failed = {}
  for _, line in ipairs(chat:get "lines") do
    if line.session == session_id and not line.failed then failed[#failed + 1] = line end
  end
  chat:change("drop lost session", function(draft)
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

-- The index of a message in its session, or nil. A clientId identifies messages of one user only.
local function find_position(message)
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

-- Inserts in order of time: missed messages arrive after newer ones. Equal times keep their order.
local function insert_message(draft, message)
  local id = message.sessionId
  draft.messages[id] = draft.messages[id] or json.array {}
  touch_session(draft, id)
  if #draft.recent > MAX_SESSIONS then drop_old_session(draft) end
  local list, time = draft.messages[id], message.createdAt or math.huge
  local at = #list + 1
  while at > 1 and (list[at - 1].createdAt or 0) > time do at = at - 1 end
  table.insert(list, at, message)
  if #list > MAX_MESSAGES then table.remove(list, 1) end
end

local function drop_line(draft, client_id)
  for i = #draft.lines, 1, -1 do
    if draft.lines[i].id == client_id then table.remove(draft.lines, i) end
  end
end

-- Stores a message in place `at`, or as a new one; its line is done. A deleted message stays deleted.
local function merge_message(draft, message, at)
  if message.clientId then drop_line(draft, message.clientId) end
  if not at then return insert_message(draft, message) end
  local list = draft.messages[message.sessionId]
  if not list[at].deleted then list[at] = message end
end

---Stores a message from an event or an answer, and removes the line that it came from.
---@param message Message
---@return boolean new
function M.add_message(message)
  local at = find_position(message)
  chat:change("add message", function(draft) merge_message(draft, message, at) end)
  return at == nil
end

-- The ids of messages that were stored before a list was fetched, belong into its span of time, and
-- are missing from it: the server has deleted them.
local function find_deleted(before, list)
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

-- For each message of a list: its index in the stored messages, or nil.
local function find_positions(list, held)
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

-- Merges the messages of a list that are stored already; returns the others.
local function update_known(draft, list, held, at)
  local new = {}
  for i, message in ipairs(list) do
    if not at[i] then
      new[#new + 1] = message
    elseif not is_same(held[at[i]], message) then
      merge_message(draft, message, at[i])
    end
  end
  return new
end

-- Waits no longer for answers to messages that are processed.
local function end_waiting(draft, list)
  for _, message in ipairs(list) do
    if message.status == "processed" and message.clientId then
      draft.unanswered[message.clientId] = nil
    end
  end
end

---Merges the latest messages of a session, as fetched. Stored messages of the same span that are
---missing from the list were deleted meanwhile. If the list has none of the stored messages, there is
---a gap, and the stored ones are dropped. Messages that arrived during the request stay.
---@param session_id string
---@param list Message[] the oldest first
---@param before? Message[] M.stored_messages, as it was before the request
---@return Message[] new the messages that were not stored before
function M.merge_fetched(session_id, list, before)
  local held = M.stored_messages(session_id) or {}
  local gone, at, new = find_deleted(before or {}, list), find_positions(list, held), {}
  chat:change("merge fetched", function(draft)
    new = update_known(draft, list, held, at) -- first, while the indices still hold
    for i = #held, 1, -1 do
      if gone[held[i].id] then table.remove(draft.messages[session_id], i) end
    end
    for _, message in ipairs(new) do merge_message(draft, message) end
    end_waiting(draft, list)
  end)
  return new
end

---Stores the new status of a message, which is answered now.
---@param done MessageProcessed
function M.mark_processed(done)
  local at = find_position(done)
  chat:change("mark processed", function(draft)
    if at then draft.messages[done.sessionId][at].status = done.status end
    if done.clientId then draft.unanswered[done.clientId] = nil end
  end)
end

---@param gone MessageDeleted
function M.mark_deleted(gone)
  local at = find_position { id = gone.messageId, sessionId = gone.sessionId }
  if not at then return end
  chat:change("mark deleted", function(draft)
    draft.messages[gone.sessionId][at] = { id = gone.messageId, deleted = true }
  end)
end

---The stored messages of a session, with the ids of deleted ones.
---@param session_id string
---@return Message[]? a view
function M.stored_messages(session_id) return chat:get("messages", session_id) end

-- A line as a message, until the server has it.
local function message_of_line(line)
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
    if line.content and line.session == session_id then found[#found + 1] = message_of_line(line) end
  end
  return found
end

local last = {} -- of M.messages: its last input and result

---The messages of a session, then ours that are not sent yet or were refused.
---@param session_id string
---@return Message[] the oldest first; not to be changed
function M.messages(session_id)
  local held, lines, me = M.stored_messages(session_id), chat:get "lines", user.account()
  if last.id ~= session_id or last.held ~= held or last.lines ~= lines or last.me ~= me then
    last = { id = session_id, held = held, lines = lines, me = me }
    last.found = list_messages(session_id, held, lines)
  end
  return last.found
end

-- --- lines ---------------------------------------------------------------------------------------

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

---Sets the session of a line that is about to be sent, and waits for its answer from now on.
---@param id string
---@param session_id string
function M.mark_sending(id, session_id)
  local _, at = M.line(id)
  chat:change("mark sending", function(draft)
    if at then draft.lines[at].session = session_id end
    draft.unanswered[id] = timer.now() + config.assistant_timeout
  end)
end

---Replaces a line by the message that the server has accepted.
---@param id string
---@param sent Message|{ id: string } the message, or its id alone
---@return Message? new the message, if its event had not arrived before
function M.mark_accepted(id, sent)
  local line = M.line(id)
  if not line then return nil end
  local message = sent
  if not sent.content then
    message = message_of_line(line)
    message.id, message.status, message.error = sent.id, "sent", nil
  end
  local new = M.add_message(message)
  M.remove_line(id)
  return new and message or nil
end

---Keeps a line that cannot be sent, with the reason, until /retry or /discard.
---@param id string
---@param err { code: string, message: string }
function M.mark_refused(id, err)
  local _, at = M.line(id)
  chat:change("mark refused", function(draft)
    draft.unanswered[id] = nil
    local line = draft.lines[at]
    if not line then return end
    line.failed = { code = err.code, message = err.message }
    if err.code == "NOT_FOUND" then line.session = nil end
  end)
end

---Makes refused lines wait again: for their session or, if that is gone, for the open one.
---@return integer how many
function M.retry_refused()
  local count = M.count_refused()
  chat:change("retry refused", function(draft)
    for _, line in ipairs(draft.lines) do line.failed = nil end
  end)
  return count
end

---@return integer how many refused lines were dropped
function M.discard_refused()
  local count = M.count_refused()
  chat:change("discard refused", function(draft)
    for i = #draft.lines, 1, -1 do
      if draft.lines[i].failed then table.remove(draft.lines, i) end
    end
  end)
  return count
end

---Removes a line: its command is done, or its message has arrived.
---@param client_id? string
function M.remove_line(client_id)
  if not M.line(client_id) then return end
  chat:change("remove line", function(draft) drop_line(draft, client_id) end)
end

---@param client_id? string
function M.mark_answered(client_id)
  if not client_id then return end
  chat:change("mark answered", function(draft) draft.unanswered[client_id] = nil end)
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

---@return integer lines to send and commands to run
function M.count_waiting() return counts:get().waiting end

---@return integer
function M.count_refused() return counts:get().refused end

---@return integer messages that are sent and not answered
function M.count_unanswered() return counts:get().unanswered end

---Whether a command waits: it may open another session for the lines behind it.
---@return boolean
function M.has_command() return counts:get().commands > 0 end

---Whether nothing is left to send or to wait for.
---@return boolean
function M.is_idle() return M.count_waiting() == 0 and M.count_unanswered() == 0 end

-- --- activity -----------------------------------------------------------------------------------

M.set_typing, M.typing_names = activity.set_typing, activity.typing_names
M.assistant_working, M.assistant_failed = activity.assistant_working, activity.assistant_failed
M.assistant_status, M.expire = activity.assistant_status, activity.expire

---@param event AIProcessing of ai_processing_end
---@return boolean new whether its answer was not stored before
function M.assistant_done(event)
  local answer = event.response
  local at = find_position(answer)
  chat:change("assistant done", function(draft)
    activity.end_work(draft, event)
    merge_message(draft, answer, at)
  end)
  return at == nil
end

-- --- resetting ----------------------------------------------------------------------------------

---Forgets everything but the lines typed since then.
---@param since number wall-clock
function M.forget_before(since)
  local lines = json.array {}
  for _, line in ipairs(M.lines()) do
    if line.time >= since then lines[#lines + 1] = store.copy(line) end
  end
  chat:reset()
  chat:set { lines = lines }
end

function M.reset() chat:reset() end

return M
