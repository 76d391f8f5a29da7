-- What is typed is dealt with in order, one line after the other: commands are done, messages are
-- sent. Lines wait here until there is a session and a connection. A message leaves the queue when
-- the server has it; it goes under an id of our own, so that sending it again is harmless.
local app = require "stores.app"
local chat = require "stores.chat"
local commands = require "flows.commands"
local config = require "config"
local connection = require "connection"
local random = require "tidelock.random"
local retrying = require "flows.retrying"
local service = require "services.chat"
local state = require "state"
local task = require "tidelock.task"
local view = require "views.plain"

local M = {}

local function is_queued(line)
  for _, each in ipairs(chat.lines()) do
    if each.id == line.id then return true end
  end
  return false
end

local function post(line, content, session)
  local message, err = retrying.persist(function()
    local sent, why = service.send(session.id, content, line.id)
    if why and not is_queued(line) then return true end -- the event came, the answer did not
    return sent, why
  end, function(why) view.error(why, "WILL_RETRY", { url = config.api_url }) end)
  chat.delivered(line.id)
  if message then return end
  chat.answered(line.id)
  view.show("NOT_SENT", { content = content })
  view.error(err)
end

local function send(line, content)
  local session = state.session()
  if not session then
    chat.delivered(line.id)
    return view.show("NOTHING_OPEN", { content = content })
  end
  chat.expect_answer(line.id)
  post(line, content, session)
end

-- Deals with the first line; false when it has to wait.
local function deal_with(line)
  local typed = commands.parse(line.text)
  if typed.command then
    chat.delivered(line.id)
    commands.run(typed)
    return true
  end
  if state.is_open() and not connection.connected then return false end
  send(line, typed.content)
  return true
end

local working = false

local function work()
  while true do
    local line = chat.lines()[1]
    if not line or not deal_with(line) then return end
  end
end

---Deals with the lines that wait, if that is possible now.
function M.work()
  if working or not app.is_started() then return end
  working = true
  task.spawn(function()
    local ok, err = pcall(work)
    working = false
    if not ok then error(err, 0) end
  end)
end

---From now on lines are dealt with.
function M.start()
  app.start()
  M.work()
end

---A typed line.
---@param text string
function M.take(text)
  if app.quitting() then return end
  if not utf8.len(text) then return view.show "NOT_UTF8" end
  local typed = commands.parse(text)
  if not typed then return end
  if typed.at_once then return commands.run(typed) end
  if #chat.lines() >= config.max_lines then return view.show "TOO_MANY_LINES" end
  chat.enqueue(random.uuid(), text)
  M.work()
end

return M
