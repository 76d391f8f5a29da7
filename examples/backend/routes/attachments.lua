-- Attachments: up as a form with files, down as they are, also in parts.
local config = require "config"
local data = require "data"
local etag = require "etag"
local failure = require "failure"
local files = require "files"
local frame = require "frame"
local json = require "tidelock.json"
local ranges = require "ranges"

local MAX_NAME = 100 -- characters

-- A part as a file: a name without a path, and a type that may be attached.
local function read_file(part)
  if part.name ~= "file" or not part.is_file then failure.invalid { "each part is a file named file" } end
  local kind = (part.type or "application/octet-stream"):match "^%s*([^;%s]*)":lower()
  if not config.file_types[kind] then failure.unsupported(("%s may not be attached."):format(kind)) end
  local name = part.filename or "file"
  local stop = utf8.offset(name, MAX_NAME + 1)
  return { filename = stop and name:sub(1, stop - 1) or name, type = kind, body = part.body }
end

local function upload(req)
  data.session(req.user, req.params.id)
  local read, made = {}, json.array {}
  for i, part in ipairs(req.parts) do read[i] = read_file(part) end
  if #read == 0 then failure.invalid { "there is no file" } end
  if #read > config.limits.files then failure.too_many("files in one request", config.limits.files) end
  local have = #data.attachments(req.user, req.params.id)
  if have + #read > config.limits.attachments then
    failure.too_many("attachments", config.limits.attachments)
  end
  for i, file in ipairs(read) do made[i] = data.add_attachment(req.user, req.params.id, file) end
  return made, frame.created
end

local function download(req)
  local attachment = data.attachment(req.user, req.params.id)
  local bytes = files.get(attachment.id) or failure.not_found("attachment")
  local tag = etag.of_bytes(bytes)
  local headers = {
    ["Content-Type"] = attachment.type, ["Content-Disposition"] = files.disposition(attachment.filename),
    ["X-Content-Type-Options"] = "nosniff", ["Accept-Ranges"] = "bytes", ETag = tag,
    ["Cache-Control"] = "private, no-cache",
  }
  if etag.names(req.headers["if-none-match"], tag, true) then
    return nil, { status = 304, raw = "", headers = headers }
  end
  local first, last, wrong = ranges.wanted(req.headers, #bytes, tag)
  if wrong then failure.no_such_range(#bytes) end
  if not first then return nil, { raw = bytes, headers = headers } end
  headers["Content-Range"] = ("bytes %d-%d/%d"):format(first, last, #bytes)
  return nil, { status = 206, raw = bytes:sub(first + 1, last + 1), headers = headers }
end

return function(srv)
  srv:get("/api/chat/sessions/:id/attachments", frame.signed_in(function(req)
    return frame.page(req, data.attachments(req.user, req.params.id), function(each) return each end)
  end))
  srv:post("/api/chat/sessions/:id/attachments", frame.signed_in(upload, { once = "must", form = true }))
  srv:get("/api/attachments/:id", frame.signed_in(download))
end
