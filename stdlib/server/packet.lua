-- tidelock.server.packet: Socket.IO v5 packets, without the Engine.IO type byte: a text, and for
-- one with binary data the messages that follow it. The codec is the one of the client.
-- Facts: github.com/socketio/socket.io, docs/socket.io-protocol/v5-current.md.
local json = require "tidelock.json"
local core = require "tidelock.server.packet.core"

local M = {
  CONNECT = 0, DISCONNECT = 1, EVENT = 2, ACK = 3, CONNECT_ERROR = 4,
}

local MAX_ATTACHMENTS = 10 -- as in the reference server
local MAX_ID = 999999999999999

-- Event names that are reserved on each side; a peer that sends one is disconnected.
M.reserved = {
  connect = true, connect_error = true, disconnect = true, disconnecting = true,
  newListener = true, removeListener = true,
}

---@class tidelock.server.Packet
---@field type integer the type of the plain packet, also for a binary one
---@field nsp string
---@field id? integer of an event that wants an ack, or of the ack
---@field text? string the payload as it came
---@field missing integer the number of attachments still to come
---@field parts? string[] its attachments
---@field data any decoded, once it is whole: a list for events and acks, an object or nil for CONNECT

---@param type integer
---@param nsp string
---@param id? integer
---@param data any nil: none
---@return string? text
---@return tidelock.Error? err the data cannot be encoded
---@return string[]? parts its attachments, to be sent behind it
function M.encode(type, nsp, id, data)
  local text, parts = "", nil
  if data ~= nil then
    text, parts = core.encode(data)
    if not text then return nil, parts end
  end
  local kind = parts and ("%d%d-"):format(type + 3, #parts) or ("%d"):format(type)
  return ("%s%s%s%s"):format(kind, nsp == "/" and "" or nsp .. ",", id or "", text), nil, parts
end

local function is_valid_event(packet)
  local data = packet.data
  if not json.is_array(data) then return false end
  if packet.type == M.ACK then return packet.id ~= nil end
  local named = packet.text:find('^%s*%[%s*"') -- by a string, not by an attachment
  return named ~= nil and not M.reserved[data[1]]
end

local function is_valid(packet)
  local kind, data = packet.type, packet.data
  if kind == M.CONNECT then
    return data == nil or (type(data) == "table" and not json.is_array(data))
  end
  if kind == M.DISCONNECT then return data == nil end
  if kind == M.EVENT or kind == M.ACK then return data ~= nil and is_valid_event(packet) end
  return false
end

--- Decodes the payload again: each handler gets a value of its own.
---@param packet tidelock.server.Packet
function M.data(packet) return core.decode(packet.text, packet.parts) end

-- Decodes a packet whose attachments are all there.
local function complete_packet(packet)
  if packet.text then
    packet.data = M.data(packet)
    if packet.data == nil then return nil end
  end
  return is_valid(packet) and packet or nil
end

---@param text string
---@return tidelock.server.Packet? packet nil: it breaks the protocol
function M.decode(text)
  local kind, nsp, id, attachments, payload = core.parse(text)
  if not kind or attachments > MAX_ATTACHMENTS or (id and id > MAX_ID) then return nil end
  local packet = { type = kind, nsp = nsp, id = id, text = payload, missing = attachments }
  if attachments == 0 then return complete_packet(packet) end
  packet.parts = {}
  return packet
end

---Adds the next attachment to an incomplete packet.
---@param packet tidelock.server.Packet
---@param bytes string
---@return tidelock.server.Packet? packet nil: it breaks the protocol
function M.attach(packet, bytes)
  table.insert(packet.parts, bytes)
  packet.missing = packet.missing - 1
  if packet.missing > 0 then return packet end
  return complete_packet(packet)
end

return M
