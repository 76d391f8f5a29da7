-- The assistant's jobs. A job is a message that waits for an answer. It goes through the steps of
-- assistant.lua with a pause before each, and notifies the clients at each. The jobs of a session run one
-- after the other. They are in script.keep, and no step waits: after a reload they continue.
local assistant = require "assistant"
local config = require "config"
local data = require "data"
local notify = require "notify"
local timer = require "tidelock.timer"

local M = {}

local run_step

local function schedule_step(job)
  timer.after(config.thinking_seconds, function() run_step(job.messageId) end)
end

local function notify_members(session, event, job, more)
  local payload = { messageId = job.messageId, sessionId = job.sessionId }
  for key, value in pairs(more or {}) do payload[key] = value end
  notify.send(data.members_of(session), event, payload)
end

local function notify_typing(session, is_typing)
  notify.send(data.members_of(session), "typing_indicator", {
    sessionId = session.id, userId = config.assistant.id, userName = config.assistant.name,
    isTyping = is_typing,
  })
end

local function find_job(jobs, key, value)
  for index, job in ipairs(jobs) do
    if job[key] == value then return job, index end
  end
end

local function begin_job(job)
  local session = data.find_session(job.userId, job.sessionId)
  if session then
    notify_members(session, "ai_processing_start", job)
    notify_typing(session, true)
  end
  schedule_step(job)
end

local function finish_job(job)
  local jobs = data.jobs()
  local _, index = find_job(jobs, "messageId", job.messageId)
  table.remove(jobs, index)
  local next_job = find_job(jobs, "sessionId", job.sessionId)
  if next_job then begin_job(next_job) end
end

local function mark_processed(session, job)
  local message = data.set_status(session, job.messageId, "processed")
  if not message then return end
  notify.send(data.members_of(session), "message_processed", {
    id = message.id, sessionId = session.id, clientId = message.clientId, status = "processed",
  })
end

local function send_answer(session, project, job)
  local text = assistant.answer(job.content, {
    name = data.name_of(job.userId), project = project.name,
    time = os.date("%H:%M on %A") --[[@as string]], count = #session.messages,
  })
  notify_typing(session, false)
  if not text then
    local why = { message = "The assistant has no answer to this.", code = "AI_ERROR" }
    notify_members(session, "ai_processing_error", job, { error = why })
  else
    local response = data.add_message(session, {
      userId = config.assistant.id, content = text, type = "assistant",
      metadata = { inReplyTo = job.messageId },
    })
    notify_members(session, "ai_processing_end", job, { response = response })
  end
  mark_processed(session, job)
end

function run_step(message_id)
  local job = find_job(data.jobs(), "messageId", message_id)
  if not job then return end
  local session, project = data.find_session(job.userId, job.sessionId)
  job.step = job.step + 1
  local at = assistant.steps[job.step]
  if not session then return finish_job(job) end
  if at then
    notify_members(session, "ai_processing_progress", job, { progress = at.progress, note = at.note })
    return schedule_step(job)
  end
  local ok, err = pcall(send_answer, session, project, job)
  finish_job(job)
  if not ok then error(err, 0) end
end

---Answers a message of a user, if the project and the session have the assistant switched on.
---@param message Message
---@param session table
---@param project table
function M.answer(message, session, project)
  local job = {
    messageId = message.id, sessionId = session.id, userId = message.userId,
    content = message.content, step = 0,
  }
  if not (project.settings.aiAssistance and session.settings.aiAssistance) then
    return mark_processed(session, job)
  end
  local busy = find_job(data.jobs(), "sessionId", session.id)
  table.insert(data.jobs(), job)
  if not busy then begin_job(job) end
end

---The steps that are done of the assistant's work on a message; nil: it does not work on it.
---@param message_id string
---@return integer? steps
function M.steps_done(message_id)
  local job = find_job(data.jobs(), "messageId", message_id)
  return job and math.min(job.step, #assistant.steps)
end

---Continues the unfinished jobs after a reload.
function M.resume()
  local seen = {}
  for _, job in ipairs(data.jobs()) do
    if not seen[job.sessionId] then schedule_step(job) end
    seen[job.sessionId] = true
  end
end

return M
