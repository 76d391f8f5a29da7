---@meta tidelock.net

---Says whether the network is there, as far as requests have shown: it is away when a server could not be
---reached, and none of the others that this script has asked within a minute has answered. See
---docs/query.md.
---
---```lua
---local net = require "tidelock.net"
---
---net.on_change(function(online) print(online) end)
---print(net.online())
---```
---```text
---true
---```
---@class tidelock.net
local net = {}

---Says whether the network is there.
---@return boolean online true until a request has shown otherwise
function net.online() end

---Calls a function when the network goes away or comes back.
---@param fn fun(online: boolean) may wait
---@return tidelock.Handler handler removes the function
function net.on_change(fn) end

return net
