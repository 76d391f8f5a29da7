-- The scripted assistant: its answers to messages. Edit an answer, save, and ask again.
local M = {}

---@class backend.Assistant.Context
---@field name string the user
---@field project string the project's name
---@field time string the current time, as text
---@field count integer the number of messages in the session

---@class backend.Assistant.Rule
---@field says string[]
---@field answer fun(context: backend.Assistant.Context): string?

-- The first rule with a word of the message answers it. An answer of nil is a failure.
---@type backend.Assistant.Rule[]
M.rules = {
  {
    says = { "hello", "hi", "hey", "moin" },
    answer = function(context)
      return ("Hello, %s! Ask me for the time, or tell me anything."):format(context.name)
    end,
  },
  {
    says = { "time", "clock", "date" },
    answer = function(context) return ("It is %s."):format(context.time) end,
  },
  {
    says = { "project", "where" },
    answer = function(context)
      return ("This is the project %s; it has %d messages."):format(context.project, context.count)
    end,
  },
  {
    says = { "help" },
    answer = function()
      return "I know: hello, time, where, fail. To all else I say what I heard."
    end,
  },
  { says = { "fail" }, answer = function() return nil end },
  {
    says = { "bye", "thanks" },
    answer = function(context) return ("You are welcome, %s."):format(context.name) end,
  },
}

local function count_words(text)
  local found, count = {}, 0
  for word in text:lower():gmatch("[%w\128-\255']+") do
    found[word] = true
    count = count + 1
  end
  return found, count
end

local function rule_for(found)
  for _, rule in ipairs(M.rules) do
    for _, word in ipairs(rule.says) do
      if found[word] then return rule end
    end
  end
end

---@param text string
---@param context backend.Assistant.Context
---@return string? answer nil: the assistant fails
function M.answer(text, context)
  local found, count = count_words(text)
  local rule = rule_for(found)
  if rule then return rule.answer(context) end
  return ('You said "%s": %d %s.'):format(text, count, count == 1 and "word" or "words")
end

-- The steps before an answer: each is sent as ai_processing_progress.
M.steps = {
  { progress = 25, note = "reading" },
  { progress = 60, note = "thinking" },
  { progress = 90, note = "writing" },
}

return M
