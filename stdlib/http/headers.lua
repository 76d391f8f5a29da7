-- Headers as scripts give them, and as lines. Pure.
local options = require "tidelock.http.options"
local urls = require "tidelock.http.url"

local M = {}
local none = {}

--- Adds headers to `all`, by lower-case name; false removes a header of the client.
function M.add(all, headers)
  if not headers then return end
  local seen = {}
  for name, value in pairs(headers) do
    if type(name) ~= "string" then options.misuse("headers are named by strings: { Name = \"value\" }") end
    local key = name:lower()
    if seen[key] then options.misuse("the header %s is given twice: use a list of values", name) end
    seen[key] = true
    all[key] = value and { name = name, value = value }
  end
end

--- Adds a header unless the script gives one of that name, or leaves it out with false.
function M.add_standard(all, name, value)
  local key = name:lower()
  if all[key] == nil then all[key] = { name = name, value = value } end
end

local function put_header(lines, name, value)
  local text = value
  if type(value) == "number" then text = urls.number(value) end
  if type(text) ~= "string" then
    options.misuse("the header %s must be a string, not a %s", name, type(value))
  end
  lines[#lines + 1] = ("%s: %s"):format(name, text)
end

local function put_all(lines, name, value)
  if type(value) == "string" then return put_header(lines, name, value) end
  local list = urls.list(value)
  if not list then options.misuse("the header %s must be a string or a list of them", name) end
  for _, one in ipairs(list) do put_header(lines, name, one) end
end

--- Sorted by name, so that equal requests are equal on the wire.
function M.lines(all)
  if not next(all) then return none end
  local keys, lines = {}, {}
  for key, header in pairs(all) do
    if header then keys[#keys + 1] = key end
  end
  table.sort(keys)
  for _, key in ipairs(keys) do put_all(lines, all[key].name, all[key].value) end
  return lines
end

--- The same of values by lower-case name; names that are among `all` are spelled as there.
function M.lines_of(values, all)
  if not next(values) then return none end
  local keys, lines = {}, {}
  for key, value in pairs(values) do
    if value then keys[#keys + 1] = key end
  end
  table.sort(keys)
  for _, key in ipairs(keys) do put_all(lines, all[key] and all[key].name or key, values[key]) end
  return lines
end

return M
