-- Whether the network is there, for tidelock.net and for queries.
--
-- No interface is asked: what counts is whether servers have been reached. The network is away when a
-- server could not be, and none of the others that this script has asked within a minute answered. The
-- first one that is reached, by whatever request, brings it back.
local http_core = require "tidelock.http.core"
local sending = require "tidelock.http.sending"
local tasks = require "tidelock.task.core"
local timer = require "tidelock.timer"
local urls = require "tidelock.http.url"

local M = {}

local remembered = 60 -- seconds
local most_servers = 100
local first_wait, longest_wait = 1, 30 -- between two tries while it is away

local online = true
local servers, count = {}, 0 -- by origin: when it was reached last; false: it was not
local handlers = {}
local waiting, gate = {}, nil -- what goes on when it is back
local wait = first_wait

-- --- what requests show ---------------------------------------------------------------------

-- The request has not even reached a server.
local function has_reached_nobody(err)
  return err.code == "DNS" or err.code == "CONNECT" or err.code == "TIMEOUT" and err.sent == "no"
    and (err.phase == "dns" or err.phase == "connect")
end

local function is_another_reached()
  local time = timer.now()
  for _, at in pairs(servers) do
    if at and time - at < remembered then return true end
  end
  return false
end

local function remember(origin, at)
  if servers[origin] == nil then
    count = count + 1
    if count > most_servers then servers, count = {}, 1 end
  end
  servers[origin] = at
end

local function change(to)
  online = to
  for _, handler in ipairs(handlers) do tasks.spawn(handler.fn, to) end
  wait = first_wait
  if to and gate then gate:open() end
end

local function note(url, res, err)
  local origin = urls.origin(url)
  if not origin then return end
  if res then
    remember(origin, timer.now())
    if not online then change(true) end
  elseif has_reached_nobody(err) then
    remember(origin, false)
    if online and not is_another_reached() then change(false) end
  end
end

sending.note = note

-- --- for queries ----------------------------------------------------------------------------

--- Whether an error means that the network is away. A breaker that opened meanwhile says no more.
function M.is_away(err)
  return not online and (has_reached_nobody(err) or err.code == "UNAVAILABLE")
end

local function take_waiting()
  local all = waiting
  waiting = {}
  return all
end

-- While it is away one of those that wait tries, after growing waits. Is it back, all go on.
local function try_until_back()
  while waiting[1] do
    gate = tasks.gate()
    if not online then gate:wait(wait * (0.5 + http_core.share() / 2)) end
    gate = nil
    if online then for _, fn in ipairs(take_waiting()) do fn() end
    else table.remove(waiting, 1)() end
    wait = math.min(wait * 2, longest_wait)
  end
end

local trying
local function begin_trying()
  if trying and trying:status() == "running" then return end
  trying = tasks.spawn(try_until_back)
end

--- Calls a function when the network is back, or when it is this one's turn to try.
function M.when_back(fn)
  waiting[#waiting + 1] = fn
  begin_trying()
end

function M.online() return online end

--- Calls fn(online) at each change. Returns what ends that.
function M.on_change(fn)
  local handler = { fn = fn }
  handlers[#handlers + 1] = handler
  return function()
    for i, one in ipairs(handlers) do
      if one == handler then return table.remove(handlers, i) and nil end
    end
  end
end

return M
