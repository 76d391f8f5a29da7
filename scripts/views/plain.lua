-- The plain view: lines in, lines out. Control characters of others never reach the terminal.
local config = require "config"
local messages = require "messages"
local screen = require "screen"
local system = require "stores.system"

local M = {}

---@param text string
---@return string text without control characters, but for line ends and tabs
function M.clean(text)
  return (text:gsub("\r\n", "\n"):gsub("[%c\127]", function(char)
    return (char == "\n" or char == "\t") and char or "?"
  end):gsub("\xc2[\x80-\x9f]", "?"))
end

local function clean_values(values)
  local clean = {}
  for name, value in pairs(values or {}) do
    clean[name] = type(value) == "string" and M.clean(value) or value
  end
  return clean
end

---@param code string of messages.texts
---@param values? table<string, any>
function M.show(code, values) print(messages.text(code, clean_values(values))) end

local by_status = { sending = "MESSAGE_SENDING", failed = "MESSAGE_FAILED" }

---A message, its further lines below the first; with its place, when it is not of this session.
---@param message Message
function M.message(message)
  local values = { name = message.userName, content = (message.content:gsub("\n", "\n  ")) }
  if screen.is_here(message) then return M.show(by_status[message.status] or "MESSAGE", values) end
  values.where = screen.place_of(message) or messages.text "ELSEWHERE"
  M.show("MESSAGE_ELSEWHERE", values)
end

local SHOWN = 200 -- characters of a line that is shown again

---A line of ours that was not sent: enough of it to know which.
---@param line { content: string }
---@param code? string NOT_SENT when not given
function M.not_sent(line, code)
  local last = utf8.offset(line.content, SHOWN + 1)
  local content = line.content
  if last and last <= #content then content = content:sub(1, last - 1) .. "..." end
  M.show(code or "NOT_SENT", { content = content })
end

---Many at once: the last ones, and how many there are before them.
---@param list Message[] the oldest first
function M.messages(list)
  local earlier = math.max(#list - config.history, 0)
  if earlier > 0 then M.show("EARLIER", { messages = earlier }) end
  for i = earlier + 1, #list do M.message(list[i]) end
end

---@param err tidelock.Error
---@param code? string the text around it, with {why}; FAILED when not given
---@param values? table<string, any>
function M.error(err, code, values)
  local all = { why = messages.of_error(err, values) }
  for name, value in pairs(values or {}) do all[name] = value end
  M.show(code or "FAILED", all)
end

---Tells what changes in the stores that no handler speaks of.
function M.watch()
  system.store:subscribe(function(status)
    if not status.ai then return end
    M.show("SYSTEM_STATUS", { ai = status.ai, memory = status.memory, users = status.users })
  end)
end

return M
