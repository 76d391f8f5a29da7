---@meta tidelock.session

---Logs in, and keeps the tokens of an account valid: they are renewed before they end, once however many
---requests need it, and are on the disk before they are used. See docs/session.md.
---
---```lua
---local http = require "tidelock.http"
---local script = require "tidelock.script"
---local server = require "tidelock.server"
---local session = require "tidelock.session"
---
---local srv = server.listen("shop", {})
---srv:post("/login", function() return { access = "a1", refresh = "r1", expires_in = 900 } end)
---srv:post("/refresh", function() return { access = "a2", refresh = "r2", expires_in = 900 } end)
---srv:get("/me", function(req) return { sent = req.headers.authorization } end)
---
---local api
---local me = session.define("me", {
---  login = function(name, password)
---    return api:post("/login", { json = { name = name, password = password }, value = true })
---  end,
---  refresh = function(token)
---    return api:post("/refresh", { json = { refresh = token }, value = true })
---  end,
---})
---
---script.on_start(function()
---  api = http.client { base_url = srv.url, session = me }
---  print(me:login("ann", "secret"))
---  print(me:state().status, api:get("/me"):json().sent)
---end)
---```
---```text
---true
---open	Bearer a1
---```
---@class tidelock.session
local session = {}

---What `login` and `refresh` give. Other fields are kept with it, and given to `refresh` and `logout`.
---@class tidelock.session.Pair
---@field access string the token that requests carry
---@field refresh? string the token that `refresh` gets; without it the one before is kept
---@field expires_in? number seconds that `access` is valid; without it (and expires_at), and at 0 or below: not known
---@field expires_at? number the same as a time, in seconds since 1970

---How a session logs in, renews and ends, and who may use it.
---@class tidelock.session.Options
---@field login? fun(...): tidelock.session.Pair?, any gets what `s:login(...)` got; waits; nil, err: no login
---@field refresh? fun(refresh_token: string?, pair: tidelock.session.Pair): tidelock.session.Pair?, any renews; waits, 10 s at most; nil, err: not now, or with `invalid_grant`, never
---@field logout? fun(pair: tidelock.session.Pair): boolean?, any tells the server; the tokens are forgotten already
---@field remember? boolean whether the tokens outlive the process (default true)
---@field origins? string[] where the token goes; by default that of the login
---@field share? "none"|"use" `use`: requests of other scripts may carry the token (default `none`)
---@field account? string tells accounts at one server apart, each with a file of its own

---What a session is, without its tokens.
---@class tidelock.session.State
---@field status "restoring"|"open"|"closed" its file is being read; there are tokens; there are none
---@field reason? "logout"|"expired"|"lost"|"rejected" why it is closed; nil: nobody has logged in
---@field since? number when that began, in seconds since 1970
---@field refreshing? boolean whether the tokens are renewed right now

---A session, for `session` of http.client and http.request.
---@class tidelock.Session
local Session = {}

---Calls the function `login` with the same arguments. What it gives is stored, and then used.
---@param ... any what the function gets
---@return true? done nil after an error
---@return any err the function's own; INVALID: it gave no pair; BUSY: it is the login or refresh that calls
function Session:login(...) end

---Forgets the tokens, here and on the disk, and calls the function `logout`. A refresh under way comes to
---nothing.
---@return true? done nil where the function gave an error
---@return any err the function's own: the tokens are forgotten all the same
function Session:logout() end

---Returns the access token, for the script that defines the session alone. Waits while it is renewed.
---@return string? token nil after an error
---@return tidelock.Error? err CLOSED: log in; else why it could not be renewed
function Session:token() end

---Returns what it is now, without tokens.
---@return tidelock.session.State state a copy
function Session:state() end

---Calls a function with each new state: after a login, a refresh, a logout, an end.
---@param fn fun(state: tidelock.session.State) runs in a task of its own
---@return tidelock.Handler handle `handle:off()` ends it
function Session:on_change(fn) end

---Returns what `auth` of socket.connect takes: each attempt sends `{ token = ... }`, of a token that holds.
---@return userdata auth for the connections of this script
function Session:auth() end

---Declares a session. Its tokens live over reloads; `refresh` is that of the newest version.
---@param name string letters, digits, `_`, `.` and `-`
---@param options? tidelock.session.Options without them nobody can log in
---@return tidelock.Session session the handle
function session.define(name, options) end

---Uses a session that another script defines with `share = "use"`. Requests carry its token, which is not shown.
---@param target string `"script:name"`
---@return tidelock.Session session the handle
function session.attach(target) end

---Returns whether a value is a session.
---@param value any any value
---@return boolean is true for one of `define` or `attach`
function session.is(value) end

return session
