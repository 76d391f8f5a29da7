-- The changes of each user, for event streams: the last of them are kept, so that a stream that was cut
-- goes on where it was. Their numbers begin anew with the server; `birth` tells them apart.
local config = require "config"
local json = require "tidelock.json"
local random = require "tidelock.random"
local script = require "tidelock.script"

local M = {}

local listeners = {} -- by user: the streams, as keys

local function kept()
  script.keep.feed = script.keep.feed or { birth = random.hex(4), last = 0, users = {} }
  return script.keep.feed
end

function M.reset() script.keep.feed = nil end

local function wake_all(user)
  for out in pairs(listeners[user] or {}) do out:wake() end
end

---@param user string
---@param name string of the event
---@param payload table
function M.add(user, name, payload)
  local feed = kept()
  feed.last = feed.last + 1
  feed.users[user] = feed.users[user] or {}
  local list = feed.users[user]
  list[#list + 1] = { number = feed.last, type = name, data = json.encode(payload) }
  if #list > config.limits.events then table.remove(list, 1) end
  wake_all(user)
end

-- The number to go on after, of a Last-Event-ID; nil: that one is not known any more.
local function number_of(user, said)
  local feed = kept()
  if not said then return feed.last end
  local birth, number = said:match "^(%x+)%-(%d+)$"
  number = math.tointeger(tonumber(number))
  if birth ~= feed.birth or not number or number > feed.last then return nil end
  local list = feed.users[user] or {}
  local dropped = #list >= config.limits.events and list[1].number > number + 1
  return not dropped and number or nil
end

local function count_streams(user)
  local count = 0
  for _ in pairs(listeners[user] or {}) do count = count + 1 end
  return count
end

---@param user string
---@return boolean
function M.has_room(user) return count_streams(user) < config.limits.streams end

-- Sends what comes after a number; returns the number of the last, or nil when the client is gone.
local function send_after(out, user, number)
  local feed = kept()
  for _, event in ipairs(feed.users[user] or {}) do
    if event.number > number then
      local id = ("%s-%d"):format(feed.birth, event.number)
      if not out:event { id = id, type = event.type, data = event.data } then return nil end
      number = event.number
    end
  end
  return number
end

-- Runs a function as long as the stream counts as one of the user's.
local function listen(user, out, fn)
  listeners[user] = listeners[user] or {}
  listeners[user][out] = true
  local _ <close> = setmetatable({}, { __close = function() listeners[user][out] = nil end })
  fn()
end

---Sends a user's changes until the client is gone.
---@param out tidelock.server.Stream
---@param user string
---@param said? string Last-Event-ID
---@param valid fun(): boolean whether the login still holds
function M.follow(out, user, said, valid)
  local number = number_of(user, said)
  listen(user, out, function()
    if number == nil then -- what was missed is not known any more: the client has to ask anew
      number = kept().last
      out:event { id = ("%s-%d"):format(kept().birth, number), type = "reset", data = "{}" }
    end
    if not said then out:write ": welcome\n\n" end
    while number and valid() do
      number = send_after(out, user, number)
      if number and not out:wait(config.limits.quiet) and not out:write ":\n\n" then return end
    end
  end)
end

---Waits for the next change of a user, or a while.
---@param out tidelock.server.Stream
---@param user string
---@param step fun(): boolean goes on as long as it returns true
function M.each_change(out, user, step)
  listen(user, out, function()
    while step() do
      if not out:wait(config.limits.quiet) and not out:write ":\n\n" then return end
    end
  end)
end

return M
