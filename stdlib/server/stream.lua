-- tidelock.server.stream: an answer that is sent in pieces, by the function that is its body:
--
--   return 200, function(out) out:write "one" out:write "two" end
--
-- See docs/server.md.
local errors = require "tidelock.errors"
local rate = require "tidelock.rate"

local M = {}

local Stream = {}
Stream.__index = Stream

-- A bell: waits until it rings, or the time is up. A ring that nobody waits for is kept, once.
local function new_bell()
  local bell = rate.semaphore(1)
  bell:acquire()
  return bell
end

local function ring(bell)
  if bell:available() == 0 then bell:release() end
end

--- Sends a piece. Waits while the client has not taken what it was sent before.
---@param text string
---@return true? done
---@return tidelock.Error? err CLOSED: the client is gone
function Stream:write(text)
  while self.full and not self.closed do self.taken:acquire() end
  if self.closed then return nil, errors.new { code = "CLOSED", message = "the client is gone" } end
  local done, much = self.core:write(self.id, text)
  if not done then return nil, much end
  self.full = much
  return true
end

local function field(name, text)
  text = tostring(text)
  if text:find "[\r\n%z]" then
    error(("event: %s has neither line ends nor zero bytes"):format(name), 3)
  end
  return name .. ": " .. text .. "\n"
end

local function event_text(event)
  local text = ""
  if event.type ~= nil then text = text .. field("event", event.type) end
  if event.id ~= nil then text = text .. field("id", event.id) end
  if event.retry then text = text .. ("retry: %d\n"):format(event.retry * 1000 // 1 | 0) end
  if event.data == nil then return text .. "\n" end
  local data = tostring(event.data):gsub("\r\n?", "\n")
  for line in (data .. "\n"):gmatch "(.-)\n" do text = text .. "data: " .. line .. "\n" end
  return text .. "\n"
end

--- Sends a server-sent event.
---@param event { data?: string, type?: string, id?: string, retry?: number } retry in seconds
---@return true? done
---@return tidelock.Error? err as of `write`
function Stream:event(event) return self:write(event_text(event)) end

--- Waits until `wake` is called, the client is gone, or the time is up.
---@param seconds number
---@return boolean woken
function Stream:wait(seconds)
  if self.closed then return false end
  return self.bell:acquire(seconds) == true and not self.closed
end

--- Lets the task in `wait` go on; if none waits, the next `wait` returns at once.
function Stream:wake() ring(self.bell) end

-- What was sent is taken.
function M.drained(out)
  out.full = false
  ring(out.taken)
end

-- The client is gone.
function M.gone(out)
  out.closed = true
  ring(out.taken)
  ring(out.bell)
end

--- Runs the function that writes the body, in the task of the request.
---@param server tidelock.server.Server
---@param id integer of the request
---@param status integer
---@param headers string[]
---@param fn fun(out: tidelock.server.Stream)
---@return true? done
---@return tidelock.Error? err
function M.run(server, id, status, headers, fn)
  local takes, err = server.core:begin(id, status, headers)
  if not takes then return not err or nil, err end -- a HEAD has no body
  local out = setmetatable({
    core = server.core, id = id, full = false, closed = false, bell = new_bell(), taken = new_bell(),
  }, Stream)
  server.streams[id] = out
  local _ <close> = setmetatable({}, { __close = function() server.streams[id] = nil end })
  fn(out) -- if it raises, the task has failed: the connection is cut
  server.core:finish(id)
  return true
end

return M
