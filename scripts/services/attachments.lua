-- The files of a session: up from a folder that the operator allows, and down into one.
local api = require "services.api"
local fs = require "tidelock.fs"
local random = require "tidelock.random"
local types = require "types"

local M = {}

local by_ending = {
  txt = "text/plain", md = "text/markdown", csv = "text/csv", json = "application/json",
  pdf = "application/pdf", zip = "application/zip", png = "image/png", jpg = "image/jpeg",
  jpeg = "image/jpeg", gif = "image/gif", webp = "image/webp",
}

---@param session_id string
---@param path string as tidelock.fs has it
---@param on_progress? fun(done: integer, total?: integer)
---@return Attachment?
---@return tidelock.Error? err
function M.upload(session_id, path, on_progress)
  local ending = path:match "%.(%w+)$" or ""
  local kind = by_ending[ending:lower()] or "application/octet-stream"
  local list, err = api.request("POST", ("/api/chat/sessions/%s/attachments"):format(session_id), {
    multipart = { { name = "file", file = path, filename = path:match "[^/]*$", type = kind } },
    on_progress = on_progress, key = random.uuid(), gives_list = types.Attachment,
  })
  return list and list[1], err
end

---@param session_id string
---@return Attachment[]?
---@return tidelock.Error? err
function M.list(session_id)
  return api.list(("/api/chat/sessions/%s/attachments"):format(session_id), { gives_list = types.Attachment })
end

---Writes an attachment into the folder that may be written to, under its own name.
---@param attachment Attachment
---@return string? name
---@return tidelock.Error? err
function M.download(attachment)
  local bytes, err = api.download("/api/attachments/" .. attachment.id)
  if not bytes then return nil, err end
  local name = attachment.filename:gsub("[/%c]", "_"):gsub("^%.+", "_")
  local done, why = fs.write(name, bytes)
  if not done then return nil, why end
  return name
end

return M
