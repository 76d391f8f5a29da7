-- A part of the store of the chat: who types, and what the assistant does. See stores/chat.lua.
local config = require "config"
local timer = require "tidelock.timer"
local user = require "stores.user"

---@param M table the functions of the store; these are added
---@param inside { store: tidelock.Store, position: function, take: function }
return function(M, inside)
  local chat, position, take = inside.store, inside.position, inside.take

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
    local typing, work, unanswered = chat:get "typing", chat:get "work", chat:get "unanswered"
    chat:change("expire", function(draft)
      for id, deadline in pairs(unanswered) do
        if timer.now() >= deadline then draft.unanswered[id] = nil end
      end
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
end
