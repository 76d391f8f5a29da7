-- Retries: what is tried again, when, and how often. One layer does this: nothing below repeats a request
-- that a server may have begun to work on, and nothing above repeats at all.
local core = require "tidelock.http.core"
local log = require "tidelock.log"
local sending = require "tidelock.http.sending"
local task = require "tidelock.task"
local timer = require "tidelock.timer"
local urls = require "tidelock.http.url"

local M = {}

local standard_timeout = 30
--- How often a request is tried again unless it says otherwise.
M.standard_retries = 2
local first_wait, longest_wait = 0.5, 10 -- seconds; a random share of it is waited

--- The statuses that are retried.
M.statuses = { [408] = true, [425] = true, [429] = true, [500] = true, [502] = true, [503] = true,
  [504] = true }
local codes = { DNS = true, CONNECT = true, PROXY = true, RESET = true, TIMEOUT = true }
--- The methods that may be sent again, whatever became of them.
M.idempotent = { GET = true, HEAD = true, PUT = true, DELETE = true, OPTIONS = true, TRACE = true }

--- The seconds that all attempts have together.
function M.limit(request) return request.timeout or standard_timeout end

-- Whether what came may be tried again: it failed, and another time cannot do it twice.
local function is_retried(request, res, err)
  if res and not M.statuses[res.status] or err and not codes[err.code] then return false end
  return M.idempotent[request.method] or request.keyed or err and err.sent == "no"
end

--- The seconds before attempt `number` + 1; of a response that asks for a time, that.
function M.wait_before(number, res)
  local named = res and core.retry_after(res.headers["retry-after"], res.headers.date)
  if named then return named end
  return core.share() * math.min(longest_wait, first_wait * 2 ^ (number - 1))
end

local function tell(request, number, wait, res, err)
  log.debug(("http: %s %s %s: attempt %d in %.2f s"):format(request.method, urls.show(request.url),
    res and ("answered %d"):format(res.status) or "failed (" .. err.code .. ")", number + 1, wait))
end

-- What is known of all attempts together: a server that has seen one may have seen it.
local worst = { no = 0, unknown = 1, yes = 2 }
local function merge_sent(sent, res, err)
  local this = res and "yes" or err.sent or "unknown"
  return worst[this] > worst[sent] and this or sent
end

--- The seconds that an attempt has which begins now.
function M.time_for(request, deadline)
  local left = deadline - timer.now()
  return request.attempt_timeout and math.min(left, request.attempt_timeout) or left
end

-- The response stays open, as it may be the last; a call that is cancelled meanwhile closes it.
local function sleep_beside(res, seconds)
  local slept = false
  local _ <close> = setmetatable({}, { __close = function()
    if res and not slept then res:close() end
  end })
  task.sleep(seconds)
  slept = true
end

--- Sends a request as core.request does, and notes of what its breaker has to hear: of an answer that is
--- retried, and of an error. The core tells it of others.
function M.ask(request)
  local problem = sending.fix and sending.fix(request)
  if problem then return nil, problem, true end
  local res, err, told = core.request(request)
  local open = not told and (err or M.statuses[res.status])
  request.unsettled = open and (err and err.code or res.status) or nil
  if sending.note then sending.note(request.url, res, err) end
  return res, err, told
end

--- A call has ended: its breaker hears how the last of its requests went. What middleware made of that, or
--- answered itself, says nothing of the server.
function M.settle(request)
  local how = request.unsettled
  request.unsettled = nil
  if how and request.breaker ~= false then core.settle(request.url, how) end
end

--- Goes on after a first attempt that failed. `send(request)` sends an attempt and returns as M.ask does.
--- Returns the outcome of the last, and settles the call.
function M.go_on(request, deadline, send, res, err, told)
  local sent, number = "no", 1
  local retries = request.retries or M.standard_retries
  while number <= retries and not told and is_retried(request, res, err) do
    sent = merge_sent(sent, res, err)
    local wait = M.wait_before(number, res)
    if timer.now() + wait >= deadline then break end
    local cost = core.take(request.url, err and err.code == "TIMEOUT")
    if not cost then break end
    tell(request, number, wait, res, err)
    sleep_beside(res, wait)
    -- Other tasks may have had the time that was left.
    if M.time_for(request, deadline) <= 0 then break end
    if res then res:close() end
    request.taken = (request.taken or 0) + cost
    request.timeout = M.time_for(request, deadline)
    res, err, told = send(request)
    number = number + 1
  end
  M.settle(request)
  if err and err.sent then err.sent = merge_sent(sent, nil, err) end
  return res, err
end

return M
