-- The disk: told once when it cannot keep what changes, and once when it can again. Meanwhile the
-- state goes on in memory, and is written when that works.
local app = require "stores.app"
local view = require "views.plain"

---@param stores table<string, tidelock.Store> those that keep something, by their name
return function(stores)
  for name, store in pairs(stores) do
    store:on_error(function(err)
      if err and err.code ~= "IO" then return view.show("NOT_READABLE", { why = err.message }) end
      local was, is = app.disk_is(name, err == nil)
      if was and not is then view.show("NOT_KEPT", { why = err.message }) end
      if is and not was then view.show "KEPT_AGAIN" end
    end)
  end
end
