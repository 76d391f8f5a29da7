-- What is typed is dealt with in order, one line after the other: commands are done, messages are
-- sent. Lines wait in the store until there is a session and a connection, over a restart too. A
-- message leaves it when the server has it; it goes under an id of our own, so that sending it
-- again is harmless. One that the server refuses stays, until it is sent again or discarded.
local app = require "stores.app"
local chat = require "stores.chat"
local commands = require "flows.commands"
local config = require "config"
local connection = require "connection"
local errors = require "tidelock.errors"
local opening = require "flows.opening"
local random = require "tidelock.random"
local retrying = require "flows.retrying"
local screen = require "screen"
local service = require "services.chat"
local task = require "tidelock.task"
local view = require "views.plain"

local M = {}

-- As it is now: a line that came through as an event, or was given up, is no longer to be sent.
local function to_send(id)
  local line = chat.line(id)
  return line and not line.failed and line or nil
end

local function post(id)
  return retrying.persist(function()
    local line = to_send(id)
    if not line then return false end
    local sent, err = service.send(line.session, line.content, id)
    if err and not to_send(id) then return false end
    return sent, err
  end, function(why) view.error(why, "WILL_RETRY", { url = config.api_url }) end)
end

local function refuse(line, err)
  chat.refused(line.id, err)
  view.not_sent(line)
  view.error(err)
  view.show "SEND_AGAIN"
  if errors.is(err, "NOT_FOUND") then opening.catch_up() end -- to where there is a session
end

local function send(line, session_id)
  chat.sends(line.id, session_id)
  local sent, err = post(line.id)
  if err then return refuse(line, err) end
  local new = sent and chat.accepted(line.id, sent)
  if new then view.message(new) end
end

local commanded = false -- a command is under way: where it leads is not known yet

-- Deals with a line; false when it has to wait.
local function deal_with(line)
  if line.command then
    commanded = true
    chat.delivered(line.id)
    commands.run(commands.parse(line.command))
    commanded = false
    return true
  end
  local here = screen.session()
  local session = line.session or here and here.id
  if not session then
    chat.refused(line.id, { code = "NOTHING_OPEN", message = "no project is open" })
    view.not_sent(line, "NOTHING_OPEN")
    return true
  end
  if not connection.connected then return false end
  send(line, session)
  return true
end

local working = false

local function work()
  while true do
    local line = chat.next_line()
    if not line or not deal_with(line) then return end
  end
end

---Deals with the lines that wait, if that is possible now.
function M.work()
  if working or not app.is_started() then return end
  working = true
  task.spawn(function()
    local ok, err = pcall(work)
    working, commanded = false, false
    if not ok then error(err, 0) end
  end)
end

---From now on lines are dealt with.
function M.start()
  app.start()
  M.work()
end

-- What is typed now belongs to the session on the screen, unless a command comes before it, or the
-- server has not said yet that this session is there: then it goes where the start ends up.
local function new_line(text, typed)
  local line = { id = random.uuid(), time = os.time() }
  local is_settled = app.is_ready() and not commanded and not chat.has_command()
  local session = is_settled and screen.session()
  if typed.command then
    line.command = text
  else
    line.content, line.session = typed.content, session and session.id or nil
  end
  return line
end

---A typed line.
---@param text string
function M.take(text)
  if app.quitting() then return end
  if not utf8.len(text) then return view.show "NOT_UTF8" end
  local typed = commands.parse(text)
  if not typed then return end
  if typed.at_once then
    commands.run(typed)
  elseif #chat.lines() >= config.max_lines then
    view.show "TOO_MANY_LINES"
  else
    chat.enqueue(new_line(text, typed))
  end
  M.work()
end

return M
