-- Activity in the chat: who is typing, and what the assistant is doing. Both expire, since the event
-- that ends them may be lost. Part of stores/chat.lua, which has these functions too.
local chat = require "stores.chat_state"
local config = require "config"
local timer = require "tidelock.timer"
local user = require "stores.user"

local M = {}

local function is_past(entry) return timer.now() >= entry.deadline end

-- --- typing ---------------------------------------------------------------------------------------

---@param event TypingIndicator
---@return boolean typing whether somebody else has begun to type
function M.set_typing(event)
  if user.is_me(event.userId) then return false end
  local session, who = event.sessionId, event.userId
  chat:change("set typing", function(draft)
    if not draft.typing[session] then draft.typing[session] = {} end
    draft.typing[session][who] = event.isTyping
      and { name = event.userName, deadline = timer.now() + config.typing_timeout } or nil
  end)
  return event.isTyping
end

---@param session_id string
---@return string[] names of the others who are typing now, sorted
function M.typing_names(session_id)
  local names = {}
  for _, entry in pairs(chat:get("typing", session_id) or {}) do
    if not is_past(entry) then names[#names + 1] = entry.name end
  end
  table.sort(names)
  return names
end

-- --- the assistant ------------------------------------------------------------------------------

---Stores the progress of the assistant.
---@param event AIProcessing
function M.assistant_working(event)
  chat:change("assistant working", function(draft)
    draft.work[event.sessionId] = {
      message = event.messageId, progress = event.progress or 0, note = event.note or "",
      deadline = timer.now() + config.assistant_timeout,
    }
  end)
end

---Ends the assistant's work on a message, inside a change of the store.
---@param draft table
---@param event AIProcessing
function M.end_work(draft, event)
  local work = draft.work[event.sessionId]
  if work and work.message == event.messageId then draft.work[event.sessionId] = nil end
end

---@param event AIProcessing of ai_processing_error
function M.assistant_failed(event)
  chat:change("assistant failed", function(draft) M.end_work(draft, event) end)
end

---@param session_id string
---@return { message: string, progress: number, note: string }? a view; nil: it is idle
function M.assistant_status(session_id)
  local work = chat:get("work", session_id)
  return work and not is_past(work) and work or nil
end

-- --- time limits ----------------------------------------------------------------------------------

local function expire_unanswered(draft, unanswered)
  for id, deadline in pairs(unanswered) do
    if timer.now() >= deadline then draft.unanswered[id] = nil end
  end
end

local function expire_typing(draft, typing)
  for session, entries in pairs(typing) do
    for who, entry in pairs(entries) do
      if is_past(entry) then draft.typing[session][who] = nil end
    end
  end
end

local function expire_work(draft, work)
  for session, entry in pairs(work) do
    if is_past(entry) then draft.work[session] = nil end
  end
end

---Removes entries whose time is over.
function M.expire()
  local typing, work, unanswered = chat:get "typing", chat:get "work", chat:get "unanswered"
  chat:change("expire", function(draft)
    expire_unanswered(draft, unanswered)
    expire_typing(draft, typing)
    expire_work(draft, work)
  end)
end

return M
