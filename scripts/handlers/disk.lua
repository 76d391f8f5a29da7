-- When the disk fails and works again: each is shown once, for all stores together. Meanwhile the
-- state stays in memory; it is written when the disk works.
local app = require "stores.app"
local view = require "views.plain"

---@param stores table<string, tidelock.Store> the persisted stores, by name
return function(stores)
  for name, store in pairs(stores) do
    store:on_error(function(err)
      if err and err.code ~= "IO" then return view.show("NOT_READABLE", { why = err.message }) end
      local was, is = app.set_disk_state(name, err == nil)
      if was and not is then view.show("NOT_KEPT", { why = err.message }) end
      if is and not was then view.show "KEPT_AGAIN" end
    end)
  end
end
