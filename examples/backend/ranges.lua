-- A part of what is downloaded: Range and If-Range (RFC 9110, 14). One range; with several, all is sent.
local M = {}

local function clamp_range(first, last, size)
  if first == "" then -- the last so many bytes
    local count = math.min(tonumber(last), size)
    return size - count, size - 1
  end
  return tonumber(first), math.min(tonumber(last) or size - 1, size - 1)
end

---@param headers table<string, string> of the request
---@param size integer bytes of all
---@param tag string its ETag
---@return integer? first from 0; nil: all is wanted
---@return integer? last
---@return boolean? wrong there is no such part: 416
function M.wanted(headers, size, tag)
  local condition, range = headers["if-range"], headers.range
  if not range or (condition and condition ~= tag) then return nil end -- a date never fits
  local first, last = range:match "^%s*[Bb][Yy][Tt][Ee][Ss]%s*=%s*(%d*)%s*%-%s*(%d*)%s*$"
  if not first or (first == "" and last == "") or #first > 15 or #last > 15 then return nil end
  if first ~= "" and last ~= "" and tonumber(last) < tonumber(first) then return nil end
  local from, to = clamp_range(first, last, size)
  if from >= size or to < from then return nil, nil, true end
  return from, to
end

return M
