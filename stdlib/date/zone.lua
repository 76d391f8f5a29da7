-- Time zones by name: the system's, UTC, "local", and fixed offsets like "+02:00".
local core = require "tidelock.date.core"
local errors = require "tidelock.errors"
local rfc3339 = require "tidelock.date.rfc3339"

local M = {}

---@class tidelock.date.Zone
---@field at fun(self, seconds: integer): integer, boolean, string offset, summer time, name
---@field instants fun(self, local_seconds: integer): integer, integer, integer? first, last, gap's begin

local Fixed = {}
Fixed.__index = Fixed
function Fixed:at() return self.offset, false, self.name end
function Fixed:instants(local_seconds)
  local instant = local_seconds - self.offset
  return instant, instant
end

local function fixed(offset, name) return setmetatable({ offset = offset, name = name }, Fixed) end

M.UTC = fixed(0, "UTC")

local known = { UTC = M.UTC, Z = M.UTC }

-- The local zone is that of the variable TZ, which a test may set for itself.
local function key_of(name) return name == "local" and "local=" .. (os.getenv "TZ" or "") or name end

-- Names that the system has are kept for as long as the script runs: their number is bounded.
local function open(name)
  local offset = name:find "^[+-]" and rfc3339.parse_offset(name)
  if offset then return fixed(offset, name) end
  if name:find "^[+-]" then
    return nil, errors.new { code = "NOT_FOUND", message = "an offset from UTC is written +02:00" }
  end
  local zone, err = core.zone(name)
  known[key_of(name)] = zone
  return zone, err
end

---@param name? string nil: UTC
---@return tidelock.date.Zone?, tidelock.Error?
function M.find(name)
  if name == nil then return M.UTC end
  local zone = known[key_of(name)]
  if zone then return zone end
  return open(name)
end

---The instant that a local time stands for. Of two the one whose offset is `prefer`, or the first; a
---time that clocks skip counts on from before the gap.
---@param zone tidelock.date.Zone
---@param local_seconds integer
---@param prefer? integer
---@return integer instant
function M.resolve(zone, local_seconds, prefer)
  local first, last = zone:instants(local_seconds)
  if first ~= last and prefer == local_seconds - last then return last end
  return first
end

---The first instant at or behind a local time: of a time that clocks skip, the end of the gap.
---@param zone tidelock.date.Zone
---@param local_seconds integer
---@return integer instant
function M.first_from(zone, local_seconds)
  local first, _, skipped = zone:instants(local_seconds)
  return skipped or first
end

return M
