-- Counts messages: a table from user names to numbers.
local M = {}

--- Counts a message of a user; the assistant's do not count.
function M.add(users, message)
  if message.type ~= "user" then return end
  users[message.userName] = (users[message.userName] or 0) + 1
end

--- "Ada 3, Bob 1", sorted by name, or "nobody has written anything".
function M.summary(users)
  local parts = {}
  for name, count in pairs(users) do parts[#parts + 1] = name .. " " .. count end
  table.sort(parts)
  return #parts > 0 and table.concat(parts, ", ") or "nobody has written anything"
end

return M
