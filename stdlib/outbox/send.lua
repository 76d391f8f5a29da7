-- Requests of an entry: their keys, and that each attempt sends the bytes of the first.
local core = require "tidelock.outbox.core"
local errors = require "tidelock.errors"
local sending = require "tidelock.http.sending"

local M = {}

local safe = { GET = true, HEAD = true, OPTIONS = true }
local box
local attempts = {} -- by number of the entry: { requests so far that have a key, fresh }

--- The outbox whose entries send from now on.
function M.begin(of)
  box = of
  sending.key, sending.fix = M.key, M.fix
end

--- An attempt begins. fresh: nothing was sent before, so that what was kept then does not count.
function M.begin_attempt(seq, fresh) attempts[seq] = { requests = 0, fresh = fresh } end

function M.end_attempt(seq) attempts[seq] = nil end

--- The key of an entry, or the one that is derived from it for a label.
function M.key_of(note, id, label)
  local key = note.key or id
  return label and ("%s:%s"):format(key, label) or key
end

function M.key(method)
  local seq = not safe[method] and core.current(box)
  if not seq then return nil end
  local entry, attempt = core.entry(box, seq), attempts[seq]
  local number = attempt.requests + 1
  attempt.requests = number
  return M.key_of(entry.note, entry.id, number > 1 and tostring(number) or nil)
end

local function key_in(lines)
  for _, line in ipairs(lines) do
    local name, value = line:match "^([^:]+): ?(.*)$"
    if name and name:lower() == "idempotency-key" then return value end
  end
end

local function copy(request)
  return { method = request.method, url = request.url, headers = request.headers, body = request.body }
end

local function unkept(err)
  local message = "the request of an entry cannot be kept: " .. err.message
  return errors.new { code = err.code, message = message, sent = "no" }
end

local function keep(seq, entry, stored, key, request)
  if request.files then
    return errors.new { code = "UNSUPPORTED", sent = "no",
      message = "an entry of an outbox cannot send files: its request is kept" }
  end
  stored[key] = copy(request)
  local written, err = core.set(box, seq, entry.state, nil, stored):wait()
  if not written then return unkept(err) end
end

--- Before the request's first byte: it becomes the one that was sent first under its key, or is kept as that.
function M.fix(request)
  local seq = not safe[request.method] and core.current(box)
  local key = seq and key_in(request.headers)
  if not key then return nil end
  local entry = core.entry(box, seq)
  local stored, err = {}, nil
  if entry.requested and not attempts[seq].fresh then stored, err = core.request(box, seq) end
  if not stored then return unkept(err) end
  attempts[seq].fresh = false
  local first = stored[key]
  if not first then return keep(seq, entry, stored, key, request) end
  for _, name in ipairs { "method", "url", "headers", "body" } do request[name] = first[name] end
end

return M
