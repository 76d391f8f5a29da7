-- tidelock.net: whether the network is there. See docs/query.md.
--
--   net.online()              -- whether it is
--   net.on_change(print)      -- true or false, when that changes
local checks = require "tidelock.options.core"
local reach = require "tidelock.net.reach"

---@type tidelock.net see meta/net.lua
local M = {}

function M.online(none)
  checks.none("net.online", none)
  return reach.online()
end

function M.on_change(fn, none)
  checks.none("net.on_change", none)
  if type(fn) ~= "function" then error("net.on_change takes a function, not a " .. type(fn), 2) end
  local stop = reach.on_change(fn)
  return { off = function() stop() end }
end

return checks.strict("tidelock.net", M)
