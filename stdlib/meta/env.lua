---@meta tidelock.env

---The process environment, with what `--env FILE` adds.
---@class tidelock.env
local env = {}

---@generic T
---@param name string
---@param default? T returned where the variable is not set
---@return string|T value
function env.get(name, default) end

return env
