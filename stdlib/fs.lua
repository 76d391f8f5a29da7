-- tidelock.fs: files below the folders that the operator allows to the script. Each function waits,
-- while other tasks go on. See docs/fs.md.
local checks = require "tidelock.options.core"
local core = require "tidelock.fs.core"
local errors = require "tidelock.errors"

---@type tidelock.fs see meta/fs.lua
local M = {}

local MOST = 64 << 20 -- bytes of a file, unless an option says otherwise
local bytes_rule = { least = 0, most = 1 << 53, whole = true }

local Folder = {}

-- The options and the number of bytes among them.
local function read_most(what, options)
  checks.check(what, options, { "max_bytes" }, 3) -- the line of the script
  local most = options and options.max_bytes
  if most == nil then return MOST end
  local problem = checks.number_problem(most, bytes_rule)
  if problem then error(("%s: max_bytes %s"):format(what, problem), 3) end
  return most
end

local function put(what, operation, number, path, text, options)
  local most = read_most(what, options)
  if type(text) ~= "string" then error(what .. ": the text is a string, not a " .. type(text), 2) end
  if #text > most then
    local message = ("%s: the text has %d bytes, and at most %d may be written"):format(what, #text, most)
    return nil, errors.new { code = "TOO_LARGE", message = message }
  end
  return operation(number, path, text)
end

local function check_path(what, path)
  if type(path) ~= "string" then error(("%s: a path is a string, not a %s"):format(what, type(path)), 3) end
end

function Folder:read(path, options)
  check_path("fs.read", path)
  return core.read(self.number, path, read_most("fs.read", options))
end

function Folder:write(path, text, options)
  check_path("fs.write", path)
  return put("fs.write", core.write, self.number, path, text, options)
end

function Folder:append(path, text, options)
  check_path("fs.append", path)
  return put("fs.append", core.append, self.number, path, text, options)
end

function Folder:stat(path)
  check_path("fs.stat", path)
  return core.stat(self.number, path)
end

function Folder:list(path)
  if path == nil then path = "." end
  check_path("fs.list", path)
  local list, err = core.list(self.number, path)
  if list then table.sort(list, function(a, b) return a.name < b.name end) end
  return list, err
end

function Folder:mkdir(path, options)
  check_path("fs.mkdir", path)
  checks.check("fs.mkdir", options, { "parents" }, 2)
  return core.mkdir(self.number, path, options and options.parents)
end

function Folder:rename(from, to)
  check_path("fs.rename", from)
  check_path("fs.rename", to)
  return core.rename(self.number, from, to)
end

function Folder:remove(path)
  check_path("fs.remove", path)
  return core.remove(self.number, path)
end

local methods = checks.strict("a folder", Folder, "method")
local handle = { __index = methods, __name = "folder", __metatable = "folder" }

local function open(number) return setmetatable({ number = number }, handle) end

function M.folders() return core.folders() end

function M.folder(dir)
  if type(dir) ~= "string" then error("fs.folder: the folder is a string, not a " .. type(dir), 2) end
  local wanted = dir:gsub("(.)/+$", "%1")
  for number, folder in ipairs(core.folders()) do
    if folder.dir == wanted then return open(number) end
  end
  return nil, errors.new {
    code = "DENIED",
    message = ('fs.folder: "%s" is not allowed: start tidelock with --allow %s:files=%s'):format(
      checks.cut(dir), core.script_name(), checks.cut(dir)),
  }
end

-- Without a folder the first one is meant.
local first = open(1)
for _, name in ipairs { "read", "write", "append", "stat", "list", "mkdir", "rename", "remove" } do
  M[name] = function(...) return first[name](first, ...) end
end

return checks.strict("tidelock.fs", M)
