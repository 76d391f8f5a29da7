-- The commands: lines that begin with a slash.
local chat = require "stores.chat"
local connection = require "connection"
local opening = require "flows.opening"
local preferences = require "flows.preferences"
local projects = require "services.projects"
local quitting = require "flows.quitting"
local screen = require "screen"
local view = require "views.plain"
local messages = require "messages"
local open_projects = require "stores.projects"
local session_commands = require "flows.session_commands"
local user = require "stores.user"

local M = {}

-- A command: run(argument). at_once: it runs without waiting for the lines before it.
local commands = {}

commands.help = { at_once = true, run = function() view.show "HELP" end }

commands.quit = { at_once = true, run = function() quitting.begin() end }

commands.status = {
  at_once = true,
  run = function()
    local nothing, me, session = messages.text "NOTHING_YET", user.get(), screen.session()
    local project = open_projects.current()
    view.show("STATUS", {
      user = me and me.name or nothing,
      project = project and project.name or nothing,
      session = session and session.title or nothing,
      connection = connection.state, lines = chat.count_waiting(),
      answers = chat.count_unanswered(), refused = chat.count_refused(),
    })
  end,
}

commands.projects = {
  run = function()
    local list, err = projects.list()
    if not list then return view.error(err) end
    if #list == 0 then return view.show "NO_PROJECTS" end
    local current = open_projects.current()
    view.show "PROJECTS"
    for number, project in ipairs(list) do
      view.show("PROJECT", {
        mark = current and current.id == project.id and "> " or "  ", number = number,
        name = project.name, status = project.status, progress = project.progress,
      })
    end
  end,
}

local function open_project(project)
  local ok, err = opening.open(project)
  if not ok then view.error(err) end
end

commands.new = {
  wants_name = true,
  run = function(name)
    local project, err = projects.create { name = name, priority = "medium" }
    if not project then return view.error(err) end
    open_project(project)
  end,
}

---The projects that a name or number may mean: the one with that name, else all that begin with it,
---else the one at that place in the list.
---@param list Project[]
---@param wanted string
---@return Project[]
function M.find_projects(list, wanted)
  local number = wanted:match("^%d+$") and math.tointeger(tonumber(wanted))
  local name, found = wanted:lower(), {}
  for _, project in ipairs(list) do
    local own = project.name:lower()
    if own == name then return { project } end
    if own:sub(1, #name) == name then found[#found + 1] = project end
  end
  if #found == 0 and number and list[number] then return { list[number] } end
  return found
end

commands.open = {
  wants_name = true,
  run = function(wanted)
    local list, err = projects.list()
    if not list then return view.error(err) end
    local found = M.find_projects(list, wanted)
    if #found == 1 then return open_project(found[1]) end
    if #found == 0 then return view.show("NO_SUCH_PROJECT", { name = wanted }) end
    local names = {}
    for i, project in ipairs(found) do names[i] = project.name end
    view.show("AMBIGUOUS_PROJECT", { name = wanted, names = table.concat(names, ", ") })
  end,
}

-- Makes refused lines wait again: flows/lines.lua sends them.
commands.retry = {
  at_once = true,
  run = function()
    if chat.retry_refused() == 0 then view.show "NOTHING_TO_RETRY" end
  end,
}

commands.discard = {
  at_once = true,
  run = function() view.show("DISCARDED", { lines = chat.discard_refused() }) end,
}

for name, command in pairs(session_commands) do commands[name] = command end

commands.set = { at_once = true, run = preferences.set }

local function reply_with(code, values)
  return { at_once = true, run = function() view.show(code, values) end }
end

local function count_common(a, b)
  local count = 0
  while count < #a and a:byte(count + 1) == b:byte(count + 1) do count = count + 1 end
  return count
end

-- The command that begins most like what was typed; of several, the first by name.
local function suggest_command(name)
  local near, most = nil, 0
  for known in pairs(commands) do
    local common = count_common(known, name:lower())
    if common > most or (common == most and near and known < near) then near, most = known, common end
  end
  if near then return reply_with("DID_YOU_MEAN", { name = name, near = near }) end
  return reply_with("UNKNOWN_COMMAND", { name = name })
end

---@class Typed
---@field content? string of a message
---@field command? table
---@field argument? string of a command
---@field at_once? boolean

---Parses a typed line; nil when it is blank.
---@param line string
---@return Typed?
function M.parse(line)
  local text = line:match("^%s*(.-)%s*$")
  if text == "" then return nil end
  if text:sub(1, 2) == "//" then return { content = text:sub(2) } end
  if text:sub(1, 1) ~= "/" then return { content = text } end
  local name, argument = text:match("^/(%S*)%s*(.*)$")
  local command = commands[name:lower()] or suggest_command(name)
  if command.wants_name and argument == "" then
    command = reply_with("NAME_WANTED", { name = name:lower() })
  end
  return { command = command, argument = argument, at_once = command.at_once }
end

---@param typed Typed a command
function M.run(typed) typed.command.run(typed.argument) end

return M
