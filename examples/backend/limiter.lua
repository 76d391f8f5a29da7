-- How many requests an account, or an address without one, may send: a token bucket for each.
local config = require "config"
local failure = require "failure"
local rate = require "tidelock.rate"

local M = {}

local buckets, count = {}, 0

local function bucket_of(who)
  if not buckets[who] then
    if count >= config.limits.buckets then buckets, count = {}, 0 end -- all begin anew, full
    buckets[who] = rate.bucket { rate = config.limits.requests, burst = config.limits.burst }
    count = count + 1
  end
  return buckets[who]
end

---Takes a token, or fails with 429 and the time until there is one.
---@param who string
function M.take(who)
  local fine, seconds = bucket_of(who):take()
  if not fine then failure.too_often(seconds) end
end

function M.reset() buckets, count = {}, 0 end

return M
