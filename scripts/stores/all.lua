-- All stores, for what concerns each of them.
local M = {
  app = require "stores.app", chat = require "stores.chat", projects = require "stores.projects",
  system = require "stores.system", user = require "stores.user",
}

local names = { "app", "chat", "projects", "system", "user" }

function M.reset()
  for _, name in ipairs(names) do M[name].reset() end
end

---Forgets the state of another user than the one who has just logged in.
---@param since number wall-clock; lines typed since then stay
function M.forget(since)
  M.projects.reset()
  M.chat.forget_before(since)
  M.user.forget_preferences()
end

return M
