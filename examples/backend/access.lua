-- The tokens of this backend: stored with the data, timed by the monotonic clock.
local config = require "config"
local data = require "data"
local random = require "tidelock.random"
local timer = require "tidelock.timer"
local tokens = require "tokens"

return tokens.new {
  entries = data.tokens,
  now = timer.now,
  random = function() return random.hex(32) end,
  access_seconds = config.token_seconds,
  refresh_seconds = config.refresh_seconds,
  max = config.limits.tokens,
}
