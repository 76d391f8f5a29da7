-- A hook: listens on the client's connection. Client and hook do not depend on each other.
--   tidelock demo NAME.lua                    beside the demo's client: type something
--   tidelock run client=PATH NAME.lua         beside a client of yours
--   tidelock test NAME_test.lua
local socket = require "tidelock.socket"

local M = {}

--- The line that the hook prints for a message.
function M.summary(message)
  local words = select(2, message.content:gsub("%S+", ""))
  return ("%s wrote %d %s"):format(message.userName, words, words == 1 and "word" or "words")
end

local chat = socket.attach "client:chat" -- pending until it exists

chat:on_state(function(state) print("NAME: the client is " .. state) end)

chat:on("new_message", function(message) print("NAME: " .. M.summary(message)) end)

return M
