-- Tests by random play: what is played, and the numbers that decide.
local env = require "tidelock.env"
local test = require "tidelock.test"

local M = {}

--- The first seed, and how many from there on: SEED= plays one again, SEEDS= says how many.
---@param count integer of a usual run
---@return integer first
---@return integer seeds
function M.seeds(count)
  local one = env.get "SEED"
  local seeds = tonumber(env.get("SEEDS", one and "1" or tostring(count)))
  test.timeout = 30 + seeds / 10
  return tonumber(one or "1"), seeds
end

--- roll(n) → 1 to n, the same numbers for the same seed.
---@param state integer the seed
---@return fun(n: integer): integer
function M.generator(state)
  return function(n)
    state = state * 6364136223846793005 + 1442695040888963407
    return (state >> 33) % n + 1
  end
end

return M
