-- The server with its routes.
local config = require "config"
local connections = require "connections"
local shape = require "shape"
local server = require "tidelock.server"

local srv = assert(server.listen("backend", {
  host = config.host,
  port = config.port,
  max_body = 4 * config.limits.body + config.limits.files * config.limits.file, -- larger bodies are not read
  max_message = config.limits.body,
}))
local io = srv:io { max_payload = config.limits.body }

srv:use(shape)
require "routes.auth"(srv, function(login) connections.hang_up(io, login) end)
require "routes.projects"(srv)
require "routes.chat"(srv)
require "routes.attachments"(srv)
require "routes.events"(srv)
connections.serve(io)

return srv
