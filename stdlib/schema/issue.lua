-- What is found wrong with a value, and how it is told.
--
-- A validator is a function run(value, found, depth) → the checked copy, or FAIL after it has added
-- to `found` what is wrong. `found` is the list of issues of one check with `n`, their number, and
-- `values`, how many more may be looked at. Paths are not known to those who find an issue:
-- each container puts its key in front when its part has failed, so that success costs nothing.
local errors = require "tidelock.errors"
local json = require "tidelock.json"

local M = {}

---@class tidelock.schema.Issue
---@field path string where: `items[3].name`; "" is the value itself
---@field expected string
---@field received string
---@field message string `expected string, received number`, or what `refine` was given; in front of
---  it `choice 2: ` where several choices of a union may have been meant
---@field choice? string which choice of a union it is of: "2", or "2.1" of one within

M.FAIL = setmetatable({}, { __name = "schema failure" })

M.MAX_ISSUES = 100 -- of one check; it ends there
M.MAX_DEPTH = 512 -- levels, as many as JSON may have
M.MAX_VALUES = 1000000 -- items and containers of one check

local SHOWN = 3 -- issues in an error's message
local MAX_PATH, MAX_TEXT = 120, 40

---@return table found nothing yet
function M.start() return { n = 0, values = M.MAX_VALUES } end

-- --- naming what came -----------------------------------------------------------------------

local plain_step = pairs {}

---Whether a value holds others: a table, or a view of a store, which has index, # and pairs alone.
---@param value any
---@return boolean
function M.is_container(value)
  if type(value) == "table" then return true end
  if type(value) ~= "userdata" or value == json.null then return false end
  local fine, step = pcall(pairs, value)
  return fine and step ~= plain_step -- what has no __pairs gets the step that tables alone have
end

---@param container any of which is_container is true
---@return boolean
function M.is_array(container) return json.is_array(container) or container[1] ~= nil end

local function kind_of_number(value)
  if value ~= value then return "NaN" end
  if value == math.huge or value == -math.huge then return "infinity" end
  return "number"
end

---What a value is, in JSON's words.
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
  local short = text
  if #text > MAX_TEXT then
    short = text:sub(1, MAX_TEXT):gsub("[\xc0-\xff][\x80-\xbf]*$", "") .. "..."
  end
  return '"' .. short:gsub("[%c\127]", "?") .. '"'
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

local function add(found, issue)
  found.n = found.n + 1
  found[found.n] = issue
  return M.FAIL
end

---The value is of another shape than was asked for.
---@return any FAIL
function M.mismatch(found, expected, value)
  return add(found, { path = "", expected = expected, received = M.kind(value), shape = true })
end

---The value is another than was asked for.
---@return any FAIL
function M.other(found, expected, value)
  return add(found, { path = "", expected = expected, received = M.show(value), shape = true })
end

---The value has the shape, but breaks a rule.
---@return any FAIL
function M.broken(found, expected, received, message)
  return add(found, { path = "", expected = expected, received = received, message = message })
end

local function segment(key)
  if math.type(key) == "integer" then return ("[%d]"):format(key) end
  if type(key) == "string" and #key <= 2 * MAX_TEXT and key:find "^[%a_][%w_]*$" then return key end
  return "[" .. M.show(key) .. "]"
end

---Puts a key in front of the paths of all issues after the first `from`.
function M.prefix(found, from, key)
  local head = segment(key)
  for i = from + 1, found.n do
    local rest = found[i].path
    local glue = (rest == "" or rest:byte() == 91) and "" or "." -- 91 is [
    found[i].path = head .. glue .. rest
  end
end

---Takes back all issues after the first `from`.
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

---Orders the issues after the first `from`: those of keys that came in no order.
function M.sort(found, from)
  local issues = M.take(found, from)
  table.sort(issues, function(a, b) return a.path < b.path end)
  return M.put(found, issues)
end

---Counts a container with `count` items; FAIL where the check has become too deep or too long.
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

-- --- telling ------------------------------------------------------------------------------------

local function finished(found)
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

local function line(issue)
  local path = issue.path
  if #path > MAX_PATH then path = path:sub(1, MAX_PATH) .. "..." end
  return path == "" and issue.message or path .. ": " .. issue.message
end

local function message(issues, label)
  local lines = {}
  for i = 1, math.min(#issues, SHOWN) do lines[i] = line(issues[i]) end
  local text = table.concat(lines, "; ")
  if label then text = label .. ": " .. text end
  if #issues <= SHOWN then return text end
  local more = #issues >= M.MAX_ISSUES and "and many more" or ("and %d more"):format(#issues - SHOWN)
  return text .. "; " .. more
end

---@class tidelock.schema.Error: tidelock.Error code is INVALID
---@field issues tidelock.schema.Issue[] all that is wrong, a hundred at most
---@field detail tidelock.schema.Issue[] the same

---@param found table what a failed check has found
---@param label? string what the value is called
---@return tidelock.schema.Error
function M.error(found, label)
  if found.n == 0 then M.broken(found, "fewer values", "more", "too many values") end
  local issues = finished(found)
  local err = errors.new { code = "INVALID", message = message(issues, label), detail = issues }
  ---@cast err tidelock.schema.Error
  err.issues = issues
  return err
end

return M
