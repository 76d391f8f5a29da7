-- Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): a request that is sent again with its key
-- gets the first answer, and does nothing. The answers are in script.keep, bounded in number and age.
local config = require "config"
local crypto = require "tidelock.crypto"
local failure = require "failure"
local script = require "tidelock.script"
local timer = require "tidelock.timer"

local M = {}

local function entries()
  script.keep.idempotency = script.keep.idempotency or {}
  return script.keep.idempotency
end

function M.reset() script.keep.idempotency = nil end

-- A quoted string of the standard; bare words are taken as well.
local function read_key(text)
  local key = text:match '^"([\32-\33\35-\126]+)"$' or text:match "^([%w%-_.:]+)$"
  if not key or #key > 200 then failure.invalid { "Idempotency-Key must be a quoted string" } end
  return key
end

-- Drops what is too old, and then the oldest answers of this user until there is room.
local function make_room(all, user)
  local now, own = timer.now(), {}
  for name, entry in pairs(all) do
    if entry.answer and now - entry.time > config.limits.key_seconds then
      all[name] = nil
    elseif entry.user == user then
      own[#own + 1] = name
    end
  end
  table.sort(own, function(a, b) return all[a].time < all[b].time end)
  for _, name in ipairs(own) do
    if #own < config.limits.keys then return end
    if all[name].answer then
      all[name] = nil
      table.remove(own, 1)
    end
  end
end

-- What the request is: the same key with another is refused. Of a form its parts count, not its boundary.
local function fingerprint(req)
  local parts = { req.method, req.path }
  for _, part in ipairs(req.parts or {}) do
    for _, text in ipairs { part.name, part.filename or "", part.type or "", part.body } do
      parts[#parts + 1] = #text .. ":" .. text
    end
  end
  if not req.parts then parts[#parts + 1] = req.body end
  return crypto.sha256(table.concat(parts, "\n"))
end

local function replay(entry, print)
  if entry.print ~= print then failure.other_payload() end
  if not entry.answer then failure.still_running() end
  local first = entry.answer
  return first.status, first.body, { ["Idempotent-Replayed"] = "true" }
end

---Runs a request once for its key.
---@param req backend.Request
---@param required? boolean
---@param run fun(): integer, table, table? status, body, headers; failures are answers, too
---@return integer status
---@return table body
---@return table? headers
function M.once(req, required, run)
  local said = req.headers["idempotency-key"]
  if not said then
    if required then failure.invalid { "the header Idempotency-Key is missing" } end
    return run()
  end
  local all, name, print = entries(), req.user .. "\0" .. read_key(said), fingerprint(req)
  if all[name] then return replay(all[name], print) end
  make_room(all, req.user)
  local entry = { user = req.user, print = print, time = timer.now() }
  all[name] = entry
  local dropped <close> = setmetatable({}, { __close = function()
    if not entry.answer then entries()[name] = nil end -- it failed: the next one tries
  end })
  local status, body, headers = run()
  entry.answer = dropped and { status = status, body = body }
  return status, body, headers
end

return M
