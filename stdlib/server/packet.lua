-- tidelock.server.packet: Socket.IO v5 packets as text, without the Engine.IO type byte.
-- Plain Lua. Facts: github.com/socketio/socket.io, docs/socket.io-protocol/v5-current.md.
local json = require "tidelock.json"

local M = {
  CONNECT = 0, DISCONNECT = 1, EVENT = 2, ACK = 3, CONNECT_ERROR = 4,
}

-- Names that belong to the protocol's users on each side; a peer that sends one is cut off.
M.reserved = {
  connect = true, connect_error = true, disconnect = true, disconnecting = true,
  newListener = true, removeListener = true,
}

---@class tidelock.server.Packet
---@field type integer
---@field nsp string
---@field id? integer of an event that wants an ack, or of the ack
---@field text? string the payload as it came
---@field data any decoded: a list for events and acks, an object or nil for CONNECT

---@param type integer
---@param nsp string
---@param id? integer
---@param data any nil: none
---@return string? text
---@return tidelock.Error? err what cannot be encoded
function M.encode(type, nsp, id, data)
  local text = ""
  if data ~= nil then
    local encoded, err = json.encode(data)
    if not encoded then return nil, err end
    text = encoded
  end
  return ("%d%s%s%s"):format(type, nsp == "/" and "" or nsp .. ",", id or "", text)
end

local function event_fits(packet)
  local data = packet.data
  if not json.is_array(data) then return false end
  if packet.type == M.ACK then return packet.id ~= nil end
  return type(data[1]) == "string" and not M.reserved[data[1]]
end

local function fits(packet)
  local kind, data = packet.type, packet.data
  if kind == M.CONNECT then
    return data == nil or (type(data) == "table" and not json.is_array(data))
  end
  if kind == M.DISCONNECT then return data == nil end
  if kind == M.EVENT or kind == M.ACK then return data ~= nil and event_fits(packet) end
  return false
end

---@param text string
---@return tidelock.server.Packet? packet nil when it breaks the rules
function M.decode(text)
  local kind = text:match("^[0-4]")
  if not kind then return nil end
  local at, nsp = 2, "/"
  if text:sub(2, 2) == "/" then
    local comma = text:find(",", 2, true)
    nsp = text:sub(2, comma and comma - 1 or -1):match("^[^?]*")
    at = comma and comma + 1 or #text + 1
  end
  local digits = text:match("^%d+", at)
  if digits and #digits > 15 then return nil end
  at = at + #(digits or "")
  local packet = { type = tonumber(kind), nsp = nsp, id = digits and tonumber(digits) }
  if at <= #text then
    packet.text = text:sub(at)
    packet.data = json.decode(packet.text)
    if packet.data == nil then return nil end
  end
  return fits(packet) and packet or nil
end

return M
