-- All the stores, for what is done to each of them.
local M = {
  app = require "stores.app", chat = require "stores.chat", projects = require "stores.projects",
  system = require "stores.system", user = require "stores.user",
}

local names = { "app", "chat", "projects", "system", "user" }

function M.reset()
  for _, name in ipairs(names) do M[name].reset() end
end

---Forgets what was kept for a user who is not the one that has logged in now.
---@param since number wall-clock; what was typed from then on stays
function M.forget(since)
  M.projects.reset()
  M.chat.forget(since)
  M.user.forget()
end

return M
