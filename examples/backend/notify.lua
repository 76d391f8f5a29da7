-- Sends events to users, over their connections and their event streams (feed.lua). The connections of
-- each user are in a room of their own.
local feed = require "feed"

local M = {}

local io

---@param server_io table the namespace that srv:io{} returned
function M.use_io(server_io) io = server_io end

---@param user string
---@return string
function M.room_of(user) return "user:" .. user end

---@param users string[]
---@param event string
---@param payload table
function M.send(users, event, payload)
  for _, user in ipairs(users) do feed.add(user, event, payload) end
  if not io then return end
  for _, user in ipairs(users) do io:to(M.room_of(user)):emit(event, payload) end
end

return M
