-- The commands about the session that is open: its title, its files, other sessions of its project; and
-- about the user. flows/commands.lua adds them to its own.
local attachments = require "services.attachments"
local auth = require "services.auth"
local opening = require "flows.opening"
local projects = require "stores.projects"
local random = require "tidelock.random"
local screen = require "screen"
local service = require "services.chat"
local store = require "stores.chat"
local user = require "stores.user"
local view = require "views.plain"

local M = {}

-- A command of the open session: run(session, argument).
local function in_session(run)
  return function(argument)
    local session = screen.session()
    if not session then return view.show "NO_SESSION" end
    run(session, argument)
  end
end

-- The entry of a list that a number or a name means.
local function find_entry(list, wanted, name_of)
  local number = math.tointeger(tonumber(wanted))
  for _, entry in ipairs(list) do
    if name_of(entry):lower() == wanted:lower() then return entry end
  end
  return number and list[number]
end

local function title_of(session) return session.title end

M.sessions = {
  run = in_session(function(session)
    local list, err = service.sessions(session.project)
    if not list then return view.error(err) end
    view.show "SESSIONS"
    for number, each in ipairs(list) do
      view.show("SESSION", {
        mark = each.id == session.id and "> " or "  ", number = number, title = each.title,
        messages = each.messageCount,
      })
    end
  end),
}

local function open_session(session)
  local ok, err = opening.open(projects.current(), session.id)
  if not ok then view.error(err) end
end

M.session = {
  wants_name = true,
  run = in_session(function(session, wanted)
    local list, err = service.sessions(session.project)
    if not list then return view.error(err) end
    local found = find_entry(list, wanted, title_of)
    if not found then return view.show("NO_SUCH_SESSION", { name = wanted }) end
    open_session(found)
  end),
}

M.begin = {
  wants_name = true,
  run = in_session(function(session, title)
    local made, err = service.create_session(session.project, title)
    if not made then return view.error(err) end
    open_session(made)
  end),
}

M.rename = {
  wants_name = true,
  run = in_session(function(session, title)
    local changed, err = service.update_session(session.id, { title = title })
    if not changed then return view.error(err) end
    store.put_session(changed)
    view.show("RENAMED", { title = changed.title })
  end),
}

local function show_attachment(number, attachment)
  view.show("ATTACHMENT", {
    number = number, name = attachment.filename, type = attachment.type, size = attachment.size,
  })
end

-- Uploads a file, and sends a message that has it.
M.attach = {
  wants_name = true,
  run = in_session(function(session, path)
    local made, err = attachments.upload(session.id, path)
    if not made then return view.error(err, "FILE_FAILED", { name = path }) end
    show_attachment("*", made)
    local sent, why = service.send(session.id, made.filename, random.uuid(), { made.id })
    if not sent then return view.error(why) end
    if sent.content and store.add_message(sent) then view.message(sent) end
  end),
}

M.files = {
  run = in_session(function(session)
    local list, err = attachments.list(session.id)
    if not list then return view.error(err) end
    if #list == 0 then return view.show "NO_FILES" end
    for number, attachment in ipairs(list) do show_attachment(number, attachment) end
  end),
}

M.save = {
  wants_name = true,
  run = in_session(function(session, wanted)
    local list, err = attachments.list(session.id)
    if not list then return view.error(err) end
    local found = find_entry(list, wanted, function(attachment) return attachment.filename end)
    if not found then return view.show("NO_SUCH_FILE", { name = wanted }) end
    local name, why = attachments.download(found)
    if not name then return view.error(why, "FILE_FAILED", { name = found.filename }) end
    view.show("SAVED", { name = name })
  end),
}

M.profile = {
  run = function(name)
    local profile, err
    if name == "" then
      profile, err = auth.profile()
    else
      profile, err = auth.update_profile { name = name }
    end
    if not profile then return view.error(err) end
    view.show("PROFILE", { name = profile.name, email = profile.email or user.account().email })
  end,
}

return M
