-- Tokens, which a client presents instead of a password. Each login has a pair. The access token is
-- short-lived; the refresh token is exchanged once for the next pair, which ends both. Tokens are long
-- and random, so that a table lookup is safe.
local M = {}

---@class backend.Tokens
---@field private entries fun(): table<string, backend.Token> returns the table of tokens
---@field private options backend.Tokens.Options
local Tokens = {}
Tokens.__index = Tokens

---@class backend.Token
---@field user string its owner
---@field login string the login it came from: stays the same over refreshes
---@field kind "access"|"refresh"
---@field expires number

---@class backend.Tokens.Options
---@field entries fun(): table<string, backend.Token>
---@field now fun(): number
---@field random fun(): string
---@field access_seconds number
---@field refresh_seconds number
---@field max integer the limit; the tokens that expire first are dropped

---@class backend.Pair
---@field token string
---@field refreshToken string
---@field expires number of the access token, by the clock of `now`

---@param options backend.Tokens.Options
---@return backend.Tokens
function M.new(options)
  return setmetatable({ entries = options.entries, options = options }, Tokens)
end

local function count_entries(entries)
  local n = 0
  for _ in pairs(entries) do n = n + 1 end
  return n
end

-- Drops expired tokens, then those that expire first until there is room for a pair.
function Tokens:sweep()
  local entries, now = self.entries(), self.options.now()
  for token, entry in pairs(entries) do
    if entry.expires <= now then entries[token] = nil end
  end
  local left = count_entries(entries)
  if left + 2 <= self.options.max then return end
  local order = {}
  for token in pairs(entries) do order[#order + 1] = token end
  table.sort(order, function(a, b) return entries[a].expires < entries[b].expires end)
  for i = 1, left + 2 - self.options.max do entries[order[i]] = nil end
end

---@param user string
---@param login? string the login of a refresh; nil: a new login
---@return backend.Pair
function Tokens:issue(user, login)
  self:sweep()
  local entries, options = self.entries(), self.options
  local access, refresh = options.random(), options.random()
  login = login or options.random()
  local expires = options.now() + options.access_seconds
  entries[access] = { user = user, login = login, kind = "access", expires = expires }
  entries[refresh] = {
    user = user, login = login, kind = "refresh", expires = options.now() + options.refresh_seconds,
  }
  return { token = access, refreshToken = refresh, expires = expires }
end

function Tokens:find(token, kind)
  local entry = type(token) == "string" and self.entries()[token] or nil
  if not entry or entry.kind ~= kind or entry.expires <= self.options.now() then return nil end
  return entry
end

---@param token any from the request
---@return string? user the owner of a valid access token
---@return string? login
function Tokens:user_of(token)
  local entry = self:find(token, "access")
  if entry then return entry.user, entry.login end
end

---Ends the tokens of a login.
---@param login string
function Tokens:revoke(login)
  local entries = self.entries()
  for token, entry in pairs(entries) do
    if entry.login == login then entries[token] = nil end
  end
end

---@param refresh_token any from the request
---@return backend.Pair? next nil when the token is not valid
---@return string? user
function Tokens:rotate(refresh_token)
  local entry = self:find(refresh_token, "refresh")
  if not entry then return nil end
  self:revoke(entry.login)
  return self:issue(entry.user, entry.login), entry.user
end

---Compares in constant time, so that the duration reveals nothing.
---@param a string
---@param b string
---@return boolean
function M.same_secret(a, b)
  local difference = #a ~ #b
  for i = 1, #a do difference = difference | (a:byte(i) ~ (b:byte(i) or 0)) end
  return difference == 0
end

return M
