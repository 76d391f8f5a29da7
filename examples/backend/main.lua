-- The demo's server: the REST paths and the events of a small project chat, with a scripted
-- assistant. `tidelock demo` runs it beside the client; alone: tidelock run examples/backend
-- Edit any file here and save: data and connections stay.
local script = require "tidelock.script"
local thinking = require "thinking"

require "app"
script.on_start(thinking.resume)
