-- The end of the session: with the password it begins anew, and the connection comes back with it.
local auth = require "services.auth"
local retrying = require "flows.retrying"
local view = require "views.plain"

---@param session tidelock.Session
return function(session)
  session:on_change(function(state)
    if state.status ~= "closed" or not state.reason or state.reason == "logout" then return end
    local ok, err = retrying.persist(auth.login)
    if not ok then view.error(err) end
  end)
end
