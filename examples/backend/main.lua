-- The demo's server: the REST paths and the events of a small project chat, with a scripted
-- assistant. `tidelock demo` runs it beside the client; alone: tidelock run examples/backend
-- Edit any file here and save: data and connections stay.
local config = require "config"
local connections = require "connections"
local shape = require "shape"
local thinking = require "thinking"
local script = require "tidelock.script"
local server = require "tidelock.server"

local srv = assert(server.listen("backend", {
  host = config.host,
  port = config.port,
  max_body = 4 * config.limits.body, -- what is larger is not even read
  max_message = config.limits.body,
}))
local io = srv:io { max_payload = config.limits.body }

srv:use(shape)
require "routes.auth"(srv, function(login) connections.hang_up(io, login) end)
require "routes.projects"(srv)
require "routes.chat"(srv)
connections.serve(io)

script.on_start(thinking.resume)
