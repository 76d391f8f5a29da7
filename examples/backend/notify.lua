-- Telling the clients: an event goes to the users it is named for, to each in a room of his own.
local M = {}

local io

---@param server_io table where the connections are: what srv:io{} returned
function M.through(server_io) io = server_io end

---@param user string
---@return string
function M.room_of(user) return "user:" .. user end

---@param users string[]
---@param event string
---@param payload table
function M.tell(users, event, payload)
  if not io then return end
  for _, user in ipairs(users) do io:to(M.room_of(user)):emit(event, payload) end
end

---@param event string
---@param payload table
function M.tell_all(event, payload)
  if io then io:emit(event, payload) end
end

return M
