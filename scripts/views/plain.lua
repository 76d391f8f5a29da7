-- The plain view: prints lines. Control characters that others send never reach the terminal.
local config = require "config"
local messages = require "messages"
local screen = require "screen"
local system = require "stores.system"

local M = {}

---@param text string
---@return string text with other control characters than line ends and tabs replaced by ?
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

---Prints a message; further lines are indented. A message of another session has its project's name.
---@param message Message
function M.message(message)
  local values = { name = message.userName, content = (message.content:gsub("\n", "\n  ")) }
  if screen.is_here(message) then return M.show(by_status[message.status] or "MESSAGE", values) end
  values.where = screen.project_name(message) or messages.text "ELSEWHERE"
  M.show("MESSAGE_ELSEWHERE", values)
end

local MAX_QUOTED = 200 -- characters of an unsent line

---Prints the beginning of a line that was not sent.
---@param line { content: string }
---@param code? string NOT_SENT when not given
function M.not_sent(line, code)
  local last = utf8.offset(line.content, MAX_QUOTED + 1)
  local content = line.content
  if last and last <= #content then content = content:sub(1, last - 1) .. "..." end
  M.show(code or "NOT_SENT", { content = content })
end

---Prints the last messages of a list, and how many come before them.
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

---Prints the system's status whenever it changes.
function M.watch()
  system.store:subscribe(function(status)
    if not status.ai then return end
    M.show("SYSTEM_STATUS", { ai = status.ai, memory = status.memory, users = status.users })
  end)
end

return M
