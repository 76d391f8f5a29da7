-- Exports a list that a server gives page by page to a file, a line of JSON for each item, and tells how far
-- it is. The file is there when all of it is: what failed half way leaves only FILE.part.
--
--   tidelock run --allow export:files=DIR:write examples/export.lua -- https://api.example.org/projects FILE
--
-- API_TOKEN is sent to the origin of the list alone.
local env = require "tidelock.env"
local fs = require "tidelock.fs"
local http = require "tidelock.http"
local json = require "tidelock.json"
local script = require "tidelock.script"

local url, file = script.args[1], script.args[2]
local token = env.get "API_TOKEN"
local api = http.client {
  headers = token and { Authorization = "Bearer " .. token },
  value = true, retries = 5, timeout = 60,
}

local function text_of(items)
  local lines = {}
  for i, item in ipairs(items) do lines[i] = assert(json.encode(item)) end
  return table.concat(lines, "\n") .. (#lines > 0 and "\n" or "")
end

-- How many there are, if the server says so; else it counts as all that came.
local function total_of(res)
  local page = res:json().pagination
  return type(page) == "table" and math.tointeger(page.total) or nil
end

local function export()
  local part, done = file .. ".part", 0
  assert(fs.write(part, ""))
  for items, res in api:pages(url) do
    assert(fs.append(part, text_of(items)))
    done = done + #items
    local total = total_of(res) or done
    print(("%d of %d (%d %%)"):format(done, total, total > 0 and done * 100 // total or 100))
  end
  assert(fs.rename(part, file))
  return done
end

script.on_start(function()
  if not file then
    print "which list, and to which file? See the top of this script"
    return script.exit(2)
  end
  local ok, result = pcall(export)
  print(ok and ("%s: %d items"):format(file, result) or "not exported: " .. tostring(result))
  script.exit(ok and 0 or 1)
end)
