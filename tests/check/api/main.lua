-- Writes the API reference: reads the annotations of stdlib/meta from standard input, checks them,
-- and prints the pages. tests/check/api.sh runs it, and says how its input and output look.
local input = require "tidelock.input"
local page = require "page"
local parse = require "parse"
local probe = require "probe"
local rules = require "rules"
local script = require "tidelock.script"

local files, names = {}, {} -- lines by name; the names in their order

input.on_line(function(line)
  local name = line:match "^=== (%S+)$"
  if name then
    names[#names + 1] = name
    files[name] = {}
  else
    table.insert(files[names[#names]], line)
  end
end)

-- The class of each function, and how its objects are called in titles: store:get.
local function assign_classes(module, problems)
  local by_var = {}
  for _, item in ipairs(module.items) do
    if item.name == "tidelock." .. module.name then module.class = item end
    if item.var then by_var[item.var] = item end
    if item.kind == "class" then item.shown, item.methods = (item.var or ""):lower(), {} end
  end
  for _, item in ipairs(module.items) do
    if item.kind == "function" then
      item.class = by_var[item.receiver]
      if item.class then
        table.insert(item.class.methods, item)
      else
        problems[#problems + 1] = rules.at(module, item, "no class is " .. item.receiver)
      end
    end
  end
end

local function read_module(name, problems)
  local items, found = parse.parse(name, files[name])
  table.move(found, 1, #found, #problems + 1, problems)
  local module = { name = name, items = items }
  assign_classes(module, problems)
  return module
end

local function read_all()
  local modules, problems = {}, {}
  for _, name in ipairs(names) do
    if name ~= "registered" then modules[#modules + 1] = read_module(name, problems) end
  end
  return modules, problems
end

local function check_all(modules, problems)
  if #problems > 0 then return problems end
  problems = rules.check(modules)
  if #problems > 0 then return problems end
  return probe.check(modules, files.registered or {})
end

local function print_page(name, lines)
  print("=== " .. name)
  print(table.concat(lines, "\n"))
end

local function print_pages(modules)
  local places = {}
  for _, module in ipairs(modules) do page.arrange(module, places) end
  for _, module in ipairs(modules) do print_page(module.name .. ".md", page.write(module, places)) end
  print_page("README.md", page.write_index(modules))
end

input.on_end(function()
  local modules, problems = read_all()
  local ran, found = xpcall(check_all, debug.traceback, modules, problems)
  problems = ran and found or { found }
  if #problems == 0 then print_pages(modules) end
  for _, problem in ipairs(problems) do io.stderr:write(problem, "\n") end
  script.exit(#problems == 0 and 0 or 1)
end)
