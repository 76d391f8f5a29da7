-- All texts for people, by code. Edit one and save: the next line shows it.
local M = {}

-- {name} is replaced by the value of that name.
---@type table<string, string>
M.texts = {
  WAITING_FOR_SERVER = "* waiting for the server at {url}",
  LOGGED_IN = "* logged in as {name}. /help lists the commands",
  OPENED = "* project {project}, {session}",
  KEPT = "* from the last time: project {project}, {session}",
  KEPT_LINES = "* {lines} typed the last time, to be sent",
  KEPT_REFUSED = "! {lines} could not be sent: /retry sends again, /discard forgets",
  OF_ANOTHER = "* what is kept here is of {email}: it is forgotten once you are logged in",
  CONNECTED = "* connected",
  RECONNECTED = "* connected again",
  RECONNECTING = "* connection lost ({why}); trying again in {seconds} s",
  DISCONNECTED = "* disconnected ({why})",

  MESSAGE = "{name}: {content}",
  MESSAGE_SENDING = "(not sent yet) {name}: {content}",
  MESSAGE_FAILED = "(not sent) {name}: {content}",
  MESSAGE_ELSEWHERE = "({where}) {name}: {content}",
  ELSEWHERE = "another session",
  EARLIER = "* before that: {messages} more",
  MESSAGE_DELETED = "* a message was deleted",
  MESSAGE_EDITED = "* edited: {name}: {content}",
  TYPING = "* {name} is typing",
  AI_STARTED = "* the assistant has read it",
  AI_PROGRESS = "* the assistant: {note}, {progress} %",
  AI_FAILED = "! the assistant failed: {message}",

  PROJECT_CREATED = "* new project: {name}",
  PROJECT_UPDATED = "* project {name}: {status}, {progress} %",
  PROJECT_DELETED = "* project {name} was deleted",
  SESSION_GONE = "! this session is not there any more",
  CURRENT_PROJECT_DELETED = "! this project was deleted: /projects lists the others",
  SYSTEM_STATUS = "* system: assistant {ai}, memory {memory}, active users: {users}",
  RELOADED = "* {script}: {text}",
  NOT_RELOADED = "! {script} is not reloaded: {text}",
  NOT_LOADED = "! {script} is not loaded: {text}",
  SERVER_ERROR_OCCURRED = "! the server reports: {message}",

  HELP = [[
/help          this list
/projects      your projects
/new NAME      make a project and open it
/open NAME     open a project, by its name or its number
/sessions      the sessions of this project
/session NAME  open one, by its title or its number
/begin TITLE   begin another one
/rename TITLE  give this one another title
/attach FILE   send a file from the folder that --allow names
/files         the files of this session
/save NAME     write one of them into that folder
/profile       who you are; with a name: your name from now on
/status        who, where, how the connection is
/retry         send again what was not sent
/discard       forget what was not sent
/set           your preferences
/set NAME X    change one, here and for the server: /set theme dark
/quit          leave, when what you typed is answered
All other lines are sent as messages (two slashes at the start send one).]],
  PROJECTS = "Your projects:",
  PROJECT = "{mark}{number} {name} ({status}, {progress} %)",
  NO_PROJECTS = "There are no projects yet: /new NAME makes one.",
  SESSIONS = "Sessions of this project:",
  SESSION = "{mark}{number} {title} ({messages} messages)",
  NO_SUCH_SESSION = "! there is no session {name}: /sessions lists them",
  NO_SESSION = "! no session is open: /open NAME opens a project",
  RENAMED = "* this session is called {title} now",
  SESSION_UPDATED = "* session {title} has changed",
  ATTACHMENT = "{number} {name} ({type}, {size} bytes)",
  NO_FILES = "There are no files in this session: /attach FILE sends one.",
  NO_SUCH_FILE = "! there is no file {name}: /files lists them",
  FILE_FAILED = "! {name}: {why}",
  SAVED = "* {name} is written",
  PROFILE = "you are {name}, {email}",
  STATUS = [[
user: {user}
project: {project}, {session}
connection: {connection}
waiting to be sent: {lines}, to be answered: {answers}, not sent: {refused}]],
  PREFERENCES = [[
theme: {theme}
language: {language}
email: {email}
push: {push}
desktop: {desktop}]],
  PREFERENCE = "* {name} is {value} now",
  NO_SUCH_PREFERENCE = "! there is no preference {name}: /set lists them",
  WRONG_PREFERENCE = "! {name} can be {choices}",
  CHOICES_ON_OFF = "on, off",
  CHOICES_THEME = "light, dark, system",
  CHOICES_LANGUAGE = "a language tag: en, de-AT",
  NOT_SET_THERE = "! kept here, but the server does not know: {why}",
  DISCARDED = "* {lines} forgotten",
  NOTHING_TO_RETRY = "* there is nothing that was not sent",
  NOTHING_YET = "none yet",

  UNKNOWN_COMMAND = "! there is no command /{name}: /help lists those there are",
  DID_YOU_MEAN = "! there is no command /{name}: do you mean /{near}?",
  NAME_WANTED = "! /{name} wants a name: /{name} NAME",
  NO_SUCH_PROJECT = "! you have no project {name}: /projects lists them",
  AMBIGUOUS_PROJECT = "! several projects are called like {name}: {names}",
  TOO_MANY_LINES = "! too many lines wait to be sent: this one was dropped",
  NOT_UTF8 = "! what was typed is not UTF-8: not sent",
  NOTHING_OPEN = "! no project is open: not sent: {content}",
  NOT_SENT = "! not sent: {content}",
  SEND_AGAIN = "* /retry sends again what was not sent, /discard forgets it",
  WILL_RETRY = "! not sent yet, trying again: {why}",
  FAILED = "! {why}",
  NOT_KEPT = "! what is new cannot be kept on the disk: {why}",
  KEPT_AGAIN = "* it is kept again",
  NOT_READABLE = "! not all that was kept can be used: {why}",
  UNSENT = "! left with {lines} unsent",
  UNANSWERED = "* left without an answer to {answers}",
}

---The texts of errors, by code: the server's and our own.
---@type table<string, string>
M.errors = {
  NETWORK_ERROR = "Network connection error. Please check your connection to {url}.",
  AUTH_ERROR = "Authentication error. Please log in again.",
  LOGIN_REFUSED = "The server does not know this e-mail address and password.",
  PERMISSION_ERROR = "You don't have permission to perform this action.",
  VALIDATION_ERROR = "Please check your input and try again.",
  RATE_LIMIT_ERROR = "Too many requests. Please wait a moment and try again.",
  SERVER_ERROR = "Server error. Please try again later.",
  WEBSOCKET_ERROR = "Connection error. Trying to reconnect...",
  NOT_FOUND = "It is not there any more.",
  LIMIT_REACHED = "There are too many of them already.",
  TOO_LARGE = "That is too long.",
  TLS = "The secure connection to {url} could not be made.",
  URL = "{url} is not an address that can be used.",
  DECODE = "The server's answer could not be read.",
  DENIED = "The file cannot be reached: start with --allow client:files=DIR (or DIR:write).",
  UNSUPPORTED = "The server does not take this kind of file.",
  IO = "The file could not be read or written.",
  UNEXPECTED = "An unexpected error occurred ({code}).",
}

-- Codes of the network share a text.
local meaning = {
  DNS = "NETWORK_ERROR", CONNECT = "NETWORK_ERROR", PROXY = "NETWORK_ERROR", RESET = "NETWORK_ERROR",
  TIMEOUT = "NETWORK_ERROR", ABORTED = "NETWORK_ERROR", CLOSED = "NETWORK_ERROR",
  NOT_CONNECTED = "NETWORK_ERROR", UNAVAILABLE = "NETWORK_ERROR", HANDSHAKE = "WEBSOCKET_ERROR",
  PROTOCOL = "WEBSOCKET_ERROR",
}

-- The reasons of a lost or closed connection.
local reasons = {
  ["io server disconnect"] = "the server ended it",
  ["io client disconnect"] = "closed here",
  ["ping timeout"] = "the server is silent",
  ["transport close"] = "the connection broke",
  ["transport error"] = "the connection broke",
  ["parse error"] = "the server is not understood",
  ["connect error"] = "the server cannot be reached",
  rejected = "the server refused",
  session = "the login has ended",
}

local function fill_text(text, values)
  return (text:gsub("{(%w+)}", function(name)
    local value = values and values[name]
    return value ~= nil and tostring(value) or nil
  end))
end

---@param code string of M.texts
---@param values? table<string, any>
---@return string
function M.text(code, values)
  local text = M.texts[code]
  if not text then error("no text has the code " .. tostring(code), 2) end
  return fill_text(text, values)
end

---The text of an error, with the server's list of wrong fields if there is one.
---@param err tidelock.Error
---@param values? table<string, any>
---@return string
function M.of_error(err, values)
  local code = meaning[err.code] or err.code
  local text = M.errors[code] or M.errors.UNEXPECTED
  local all = { code = err.code }
  for name, value in pairs(values or {}) do all[name] = value end
  local shown = fill_text(text, all)
  local fields = type(err.data) == "table" and err.data.errors
  if type(fields) ~= "table" or #fields == 0 then return shown end
  return shown .. " (" .. table.concat(fields, "; ") .. ")"
end

---@param reason string of a connection's state
---@return string
function M.reason(reason) return reasons[reason] or reason end

return M
