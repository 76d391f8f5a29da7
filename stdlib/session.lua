-- tidelock.session: the tokens of an account, renewed in time and by one at a time. See docs/session.md.
--
--   local me = session.define("me", { login = login, refresh = refresh })
--   local api = http.client { base_url = url, session = me }
--
-- The tokens are in runtime/resource/session.c; here options are checked, and the script's functions for
-- login and logout are called.
local checks = require "tidelock.options.core"
local core = require "tidelock.session.core"
local errors = require "tidelock.errors"

---@type tidelock.session see meta/session.lua
local M = {}

local Session = {}
Session.__index = Session
Session.__name = "session"

-- The functions of each session that is this script's own.
local functions_of = setmetatable({}, { __mode = "k" })

-- --- options --------------------------------------------------------------------------------

local known = { "login", "refresh", "logout", "remember", "origins", "share", "account" }
local types = { login = "function", refresh = "function", logout = "function", remember = "boolean",
  origins = "table", share = "string", account = "string" }

local function misuse(fmt, ...) error("session.define: " .. fmt:format(...), 0) end

local function check_types(options)
  checks.check("session.define", options, known)
  for name, want in pairs(types) do
    local value = options[name]
    if value ~= nil and type(value) ~= want then
      misuse("%s must be a %s, not a %s", name, want, type(value))
    end
  end
  local share = options.share
  if share and share ~= "none" and share ~= "use" then
    misuse('share is "none" or "use", not "%s"', checks.cut(share))
  end
  if options.account and (options.account == "" or options.account:find "%c") then
    misuse "account must be a text without control characters"
  end
end

local function read_origins(list)
  local origins = {}
  for i, url in ipairs(list or {}) do
    local origin = type(url) == "string" and core.origin(url)
    if not origin then misuse("origins[%d] is no URL like \"https://api.example.org\"", i) end
    origins[i] = origin
  end
  return origins
end

local function read_options(options)
  options = options or {}
  check_types(options)
  return { remember = options.remember ~= false, shared = options.share == "use", account = options.account,
    origins = read_origins(options.origins) }
end

local function wrap(handle) return setmetatable({ core = handle }, Session) end

--- Declares a session of this script.
function M.define(name, options)
  local ok, read = pcall(read_options, options)
  if not ok then error(read, 2) end
  local session = wrap(core.define(name, read, options and options.refresh))
  functions_of[session] = { login = options and options.login, logout = options and options.logout }
  return session
end

--- Uses a session of another script: its requests get the token, which is not shown.
function M.attach(target) return wrap(core.attach(target)) end

--- Whether a value is a session.
function M.is(value) return getmetatable(value) == Session end

-- --- login and logout -----------------------------------------------------------------------

local function own(session, name)
  local functions = functions_of[session]
  if not functions then error(("session:%s is for the script that defines the session"):format(name), 3) end
  return functions
end

local function no_pair(name)
  return errors.new { code = "INVALID", message = ("%s of a session gave no pair of tokens"):format(name) }
end

--- Calls the function `login` with the same arguments; what it gives is stored and then used.
function Session:login(...)
  local login = own(self, "login").login
  if not login then error("this session was defined without a function for login", 2) end
  local begun, why = core.login_begin(self.core)
  if not begun then return nil, why end
  local ok, pair, err = pcall(login, ...)
  if not ok or type(pair) ~= "table" then
    core.login_end(self.core)
    if not ok then error(pair, 0) end
    return nil, err or no_pair "login"
  end
  return core.login_end(self.core, pair)
end

--- Forgets the tokens at once, here and on the disk; then calls the function `logout`.
function Session:logout()
  local logout = own(self, "logout").logout
  local pair, err = core.logout(self.core)
  core.stored(self.core)
  if not pair or not logout then return not err or nil, err end
  local done, why = logout(pair)
  if not done and why then return nil, why end
  return true
end

-- --- using it -------------------------------------------------------------------------------

--- The access token; waits while it is renewed.
function Session:token()
  own(self, "token")
  return core.token(self.core)
end

function Session:state() return core.state(self.core) end

function Session:on_change(fn) return core.on_change(self.core, fn) end

--- For `auth` of socket.connect: each attempt gets the token.
function Session:auth() return self.core end

checks.strict("a session", Session, "method")

return M
