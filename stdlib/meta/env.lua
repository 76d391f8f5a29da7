---@meta tidelock.env

---Reads the variables of the process environment, with the ones that `--env FILE` adds.
---A script cannot change them.
---
---```lua
---local env = require "tidelock.env"
---
---local url = env.get("EXAMPLE_URL", "http://127.0.0.1:8000")
---print(url, env.get "EXAMPLE_TOKEN")
---```
---```text
---http://127.0.0.1:8000	nil
---```
---@class tidelock.env
local env = {}

---Returns the value of a variable.
---@generic T
---@param name string the name of the variable
---@param default? T the result for a variable that is not set. Default: `nil`
---@return string|T value the text of the variable, which may be empty, or `default`
function env.get(name, default) end

return env
