-- The bytes of attachments: in a store of their own, in base64, so that they are on the disk, and no part
-- of what a reload copies.
local crypto = require "tidelock.crypto"
local store = require "tidelock.store"

local M = {}

local stored = store.define("files", { initial = { bytes = {} }, persist = true, persist_delay = 0.01 })

---@param id string
---@param bytes string
function M.put(id, bytes)
  stored:change(function(draft) draft.bytes[id] = crypto.base64_encode(bytes) end)
end

---@param id string
---@return string? bytes
function M.get(id)
  local text = stored:get("bytes", id)
  return text and crypto.base64_decode(text) or nil
end

---@param ids string[]
function M.remove(ids)
  if #ids == 0 then return end
  stored:change(function(draft)
    for _, id in ipairs(ids) do draft.bytes[id] = nil end
  end)
end

function M.reset() stored:reset() end

---A file's name as a header: for old clients in ASCII, for others in UTF-8 (RFC 6266).
---@param name string
---@return string
function M.disposition(name)
  local plain = name:gsub("[^\32-\126]", "_"):gsub('["\\%%]', "_")
  local coded = name:gsub("[^%w%-._~]", function(char) return ("%%%02X"):format(char:byte()) end)
  return ('attachment; filename="%s"; filename*=UTF-8\'\'%s'):format(plain, coded)
end

return M
