-- Typed lines are processed one after the other, in order: commands run, messages are sent. Lines
-- wait in the store until there is a session and a connection, over a restart too. A message leaves
-- the queue when the server has it. It is sent with a clientId, so that sending it twice is harmless.
-- A message that the server refuses stays until /retry or /discard.
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

-- The line with this id, unless it arrived as an event or was refused meanwhile.
local function line_to_send(id)
  local line = chat.line(id)
  return line and not line.failed and line or nil
end

local function post_message(id)
  return retrying.persist(function()
    local line = line_to_send(id)
    if not line then return false end
    local sent, err = service.send(line.session, line.content, id)
    if err and not line_to_send(id) then return false end
    return sent, err
  end, function(why) view.error(why, "WILL_RETRY", { url = config.api_url }) end)
end

local function report_refusal(line, err)
  chat.mark_refused(line.id, err)
  view.not_sent(line)
  view.error(err)
  view.show "SEND_AGAIN"
  if errors.is(err, "NOT_FOUND") then opening.catch_up() end -- opens another session
end

local function send_line(line, session_id)
  chat.mark_sending(line.id, session_id)
  local sent, err = post_message(line.id)
  if err then return report_refusal(line, err) end
  local new = sent and chat.mark_accepted(line.id, sent)
  if new then view.message(new) end
end

local command_running = false -- it may open another session

-- Processes a line; false: it has to wait for the connection.
local function process_line(line)
  if line.command then
    command_running = true
    chat.remove_line(line.id)
    commands.run(commands.parse(line.command))
    command_running = false
    return true
  end
  local here = screen.session()
  local session = line.session or here and here.id
  if not session then
    chat.mark_refused(line.id, { code = "NOTHING_OPEN", message = "no project is open" })
    view.not_sent(line, "NOTHING_OPEN")
    return true
  end
  if not connection.connected then return false end
  send_line(line, session)
  return true
end

local processing = false

local function process_all()
  while true do
    local line = chat.next_line()
    if not line or not process_line(line) then return end
  end
end

---Processes the waiting lines, if that is possible now.
function M.process()
  if processing or not app.is_started() then return end
  processing = true
  task.spawn(function()
    local ok, err = pcall(process_all)
    processing, command_running = false, false
    if not ok then error(err, 0) end
  end)
end

---Begins to process lines.
function M.start()
  app.mark_started()
  M.process()
end

-- A message belongs to the session on the screen. While a command waits or runs, or the start is not
-- finished, that session may still change: then the message gets its session when its turn comes.
local function new_line(text, typed)
  local line = { id = random.uuid(), time = os.time() }
  local is_settled = app.is_ready() and not command_running and not chat.has_command()
  local session = is_settled and screen.session()
  if typed.command then
    line.command = text
  else
    line.content, line.session = typed.content, session and session.id or nil
  end
  return line
end

---Takes a typed line: runs it at once, or puts it at the end of the queue.
---@param text string
function M.submit(text)
  if app.quit_deadline() then return end
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
  M.process()
end

return M
