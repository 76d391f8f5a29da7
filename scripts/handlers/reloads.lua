-- Reloads of this script and of others: the outcome of each is shown.
local script = require "tidelock.script"
local view = require "views.plain"

return function()
  script.on_notice(function(notice)
    local code = notice.event == "reloaded" and "RELOADED"
      or notice.generation == 0 and "NOT_LOADED" or "NOT_RELOADED"
    view.show(code, { script = notice.script, text = notice.text })
  end)
end
