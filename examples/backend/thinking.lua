-- The assistant at work. A job is a message that waits for an answer; it goes through the steps of
-- assistant.lua, one after a pause, and tells the clients at each. Jobs of one session are done one
-- after the other. They lie in script.keep and each step is done in one go: after a reload they go
-- on where they were.
local assistant = require "assistant"
local config = require "config"
local data = require "data"
local notify = require "notify"
local timer = require "tidelock.timer"

local M = {}

local step

local function later(job)
  timer.after(config.thinking_seconds, function() step(job.messageId) end)
end

local function tell(session, event, job, more)
  local payload = { messageId = job.messageId, sessionId = job.sessionId }
  for key, value in pairs(more or {}) do payload[key] = value end
  notify.tell(data.members_of(session), event, payload)
end

local function typing(session, is_typing)
  notify.tell(data.members_of(session), "typing_indicator", {
    sessionId = session.id, userId = config.assistant.id, userName = config.assistant.name,
    isTyping = is_typing,
  })
end

local function find(jobs, key, value)
  for index, job in ipairs(jobs) do
    if job[key] == value then return job, index end
  end
end

local function begin(job)
  local session = data.find_session(job.userId, job.sessionId)
  if session then
    tell(session, "ai_processing_start", job)
    typing(session, true)
  end
  later(job)
end

local function finish(job)
  local jobs = data.jobs()
  local _, index = find(jobs, "messageId", job.messageId)
  table.remove(jobs, index)
  local next_job = find(jobs, "sessionId", job.sessionId)
  if next_job then begin(next_job) end
end

local function processed(session, job)
  local message = data.set_status(session, job.messageId, "processed")
  if not message then return end
  notify.tell(data.members_of(session), "message_processed", {
    id = message.id, sessionId = session.id, clientId = message.clientId, status = "processed",
  })
end

local function answer(session, project, job)
  local text = assistant.answer(job.content, {
    name = data.name_of(job.userId), project = project.name,
    time = os.date("%H:%M on %A") --[[@as string]], count = #session.messages,
  })
  typing(session, false)
  if not text then
    local why = { message = "The assistant has no answer to this.", code = "AI_ERROR" }
    tell(session, "ai_processing_error", job, { error = why })
  else
    local response = data.add_message(session, {
      userId = config.assistant.id, content = text, type = "assistant",
      metadata = { inReplyTo = job.messageId },
    })
    tell(session, "ai_processing_end", job, { response = response })
  end
  processed(session, job)
end

function step(message_id)
  local job = find(data.jobs(), "messageId", message_id)
  if not job then return end
  local session, project = data.find_session(job.userId, job.sessionId)
  job.step = job.step + 1
  local at = assistant.steps[job.step]
  if not session then return finish(job) end
  if at then
    tell(session, "ai_processing_progress", job, { progress = at.progress, note = at.note })
    return later(job)
  end
  local ok, err = pcall(answer, session, project, job)
  finish(job)
  if not ok then error(err, 0) end
end

---Has a message of a user's answered, if the project wants that.
---@param message Message
---@param session table
---@param project table
function M.answer(message, session, project)
  local job = {
    messageId = message.id, sessionId = session.id, userId = message.userId,
    content = message.content, step = 0,
  }
  if not (project.settings.aiAssistance and session.settings.aiAssistance) then
    return processed(session, job)
  end
  local busy = find(data.jobs(), "sessionId", session.id)
  table.insert(data.jobs(), job)
  if not busy then begin(job) end
end

---After a reload: the jobs that were under way.
function M.resume()
  local seen = {}
  for _, job in ipairs(data.jobs()) do
    if not seen[job.sessionId] then later(job) end
    seen[job.sessionId] = true
  end
end

return M
