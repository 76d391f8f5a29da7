-- The issues of a check: collecting them, and the error made of them.
--
-- A validator is a function run(value, found, depth) → the checked copy, or FAIL after it has added an
-- issue to `found`: the list of issues of one check, with their number `n`, and `values`, the number of
-- values that may still be looked at. An issue starts without a path: each container puts its key in
-- front when a part of it has failed, so that success costs nothing.
local errors = require "tidelock.errors"
local json = require "tidelock.json"

local M = {}

M.FAIL = setmetatable({}, { __name = "schema failure" })

M.MAX_ISSUES = 100 -- of one check; it ends there
M.MAX_DEPTH = 512 -- levels, as many as JSON may have
M.MAX_VALUES = 1000000 -- items and containers of one check

local SHOWN = 3 -- issues in an error's message
local MAX_TEXT = 40
local MAX_PATH, MAX_SHOWN_PATH = 400, 120 -- bytes: of an issue, and in an error's message

---@return table found without issues
function M.start() return { n = 0, values = M.MAX_VALUES } end

-- The first bytes of a text that is longer, whole characters.
local function cut_text(text, most)
  if #text <= most then return text end
  return text:sub(1, most):gsub("[\xc0-\xff][\x80-\xbf]*$", "") .. "..."
end

-- --- describing values ----------------------------------------------------------------------

local plain_step = pairs {}

---Whether a value holds others: a table, or a view of a store, which has index, # and pairs alone.
---@param value any
---@return boolean
function M.is_container(value)
  if type(value) == "table" then return true end
  if type(value) ~= "userdata" or value == json.null then return false end
  local fine, step = pcall(pairs, value)
  return fine and step ~= plain_step -- a value without __pairs gets the step of plain tables
end

---@param container any of which is_container is true
---@return boolean
function M.is_array(container) return json.is_array(container) or container[1] ~= nil end

local function kind_of_number(value)
  if value ~= value then return "NaN" end
  if value == math.huge or value == -math.huge then return "infinity" end
  return "number"
end

---The type of a value, in JSON's terms.
---@param value any
---@return string
function M.kind(value)
  local kind = type(value)
  if kind == "nil" then return "nothing" end
  if value == json.null then return "null" end
  if kind == "number" then return kind_of_number(value) end
  if not M.is_container(value) then return kind end
  if getmetatable(value) == "json.object" then return "object" end
  return M.is_array(value) and "array" or "object"
end

---A text on one line, in quotes, shortened.
---@param text string
---@return string
function M.quote(text)
  return '"' .. cut_text(text, MAX_TEXT):gsub("[%c\127]", "?") .. '"'
end

---A value as it reads in "expected" and "received".
---@param value any
---@return string
function M.show(value)
  if type(value) == "string" then return M.quote(value) end
  local kind = M.kind(value)
  if kind == "number" or kind == "boolean" then return tostring(value) end
  return kind
end

-- --- adding -----------------------------------------------------------------------------------

local function add_issue(found, issue)
  found.n = found.n + 1
  found[found.n] = issue
  return M.FAIL
end

---Adds the issue that the value has another type.
---@return any FAIL
function M.mismatch(found, expected, value)
  return add_issue(found, { path = "", expected = expected, received = M.kind(value), shape = true })
end

---Adds the issue that the value is a different one.
---@return any FAIL
function M.other(found, expected, value)
  return add_issue(found, { path = "", expected = expected, received = M.show(value), shape = true })
end

---Adds the issue that the value breaks a rule.
---@return any FAIL
function M.broken(found, expected, received, message)
  return add_issue(found, { path = "", expected = expected, received = received, message = message })
end

local function path_segment(key)
  if math.type(key) == "integer" then return ("[%d]"):format(key) end
  if type(key) == "string" and #key <= 2 * MAX_TEXT and key:find "^[%a_][%w_]*$" then return key end
  return "[" .. M.show(key) .. "]"
end

---Puts a key in front of the paths of all issues after the first `from`.
function M.prefix(found, from, key)
  local head = path_segment(key)
  for i = from + 1, found.n do
    local rest = found[i].path
    local glue = (rest == "" or rest:byte() == 91) and "" or "." -- 91 is [
    found[i].path = cut_text(head .. glue .. rest, MAX_PATH)
  end
end

---Removes the issues after the first `from`, and returns them.
---@return tidelock.schema.Issue[]
function M.take(found, from)
  local taken = table.move(found, from + 1, found.n, 1, {})
  for i = from + 1, found.n do found[i] = nil end
  found.n = from
  return taken
end

---@param issues tidelock.schema.Issue[]
function M.put(found, issues)
  table.move(issues, 1, #issues, found.n + 1, found)
  found.n = found.n + #issues
  return M.FAIL
end

---Sorts the issues after the first `from`: pairs() visits keys in no order.
function M.sort(found, from)
  local issues = M.take(found, from)
  table.sort(issues, function(a, b) return a.path < b.path end)
  return M.put(found, issues)
end

---Counts a container with `count` items; FAIL where the check is too deep or too long.
---@return any? FAIL
function M.enter(found, depth, count)
  local left = found.values - 1 - count
  found.values = left
  if left >= 0 and depth <= M.MAX_DEPTH then return nil end
  if depth > M.MAX_DEPTH then
    return M.broken(found, ("at most %d levels"):format(M.MAX_DEPTH), "more", "nested too deeply")
  end
  if found.spent then return M.FAIL end
  found.spent = true
  return M.broken(found, ("at most %d values"):format(M.MAX_VALUES), "more", "too many values")
end

-- --- the error ----------------------------------------------------------------------------------

local function finish_issues(found)
  local issues = M.take(found, 0)
  for i, issue in ipairs(issues) do
    issue.message = issue.message
      or ("expected %s, received %s"):format(issue.expected, issue.received)
    if issue.apart then issue.message = ("choice %s: %s"):format(issue.choice, issue.message) end
    issue.shape, issue.apart = nil, nil
    if i > M.MAX_ISSUES then issues[i] = nil end
  end
  return issues
end

local function format_issue(issue)
  local path = cut_text(issue.path, MAX_SHOWN_PATH)
  return path == "" and issue.message or path .. ": " .. issue.message
end

local function format_message(issues, label)
  local lines = {}
  for i = 1, math.min(#issues, SHOWN) do lines[i] = format_issue(issues[i]) end
  local text = table.concat(lines, "; ")
  if label then text = cut_text(label, MAX_PATH) .. ": " .. text end
  if #issues <= SHOWN then return text end
  local more = #issues >= M.MAX_ISSUES and "and many more" or ("and %d more"):format(#issues - SHOWN)
  return text .. "; " .. more
end

---@param found table the issues of a failed check
---@param label? string the value's name in the message
---@return tidelock.schema.Error
function M.error(found, label)
  if found.n == 0 then M.broken(found, "fewer values", "more", "too many values") end
  local issues = finish_issues(found)
  local err = errors.new { code = "INVALID", message = format_message(issues, label), detail = issues }
  ---@cast err tidelock.schema.Error
  err.issues = issues
  return err
end

return M
