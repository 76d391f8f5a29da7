-- What of a client another origin gets: headers, query and certificate are for one alone.
local test = require "tidelock.test"
local http = require "tidelock.http"
local core = require "tidelock.http.core"
local expect = test.expect

local home, other = "https://home.test/api", "https://other.test/x"
local own = { headers = { ["X-Secret"] = "s" }, query = { tenant = "t" }, cert = "c.pem", key = "k.pem",
  key_password = "p" }

-- Runs `call` with a core that sends nothing: its answers name `following` as the next page, once. Returns
-- what of each request is to be seen: its URL, and the names of what is in it of `own`.
local function sent_by(call, following)
  local seen, request = {}, core.request
  core.request = function(given)
    local parts = { given.url }
    for _, name in ipairs { "cert", "key", "key_password" } do parts[#parts + 1] = given[name] and name end
    if table.concat(given.headers):find "X%-Secret" then parts[#parts + 1] = "headers" end
    seen[#seen + 1] = table.concat(parts, " ")
    local leads = following and #seen == 1
    return { status = 200, url = given.url, body = "[1]", version = "1.1",
      headers = { link = leads and ("<%s>; rel=next"):format(following) or nil } }
  end
  local ok, why = pcall(call)
  core.request = request
  if not ok then error(why) end
  return seen
end

local function client(base_url)
  local options = { base_url = base_url }
  for name, value in pairs(own) do options[name] = value end
  return http.client(options)
end

local all = " cert key key_password headers"

test.describe("another origin", function()
  test.it("gets nothing of a client's own by an absolute URL", function()
    expect(sent_by(function() client(home):get "/a" end)).equals { home .. "/a?tenant=t" .. all }
    expect(sent_by(function() client(home):get(home) end)).equals { home .. "?tenant=t" .. all }
    expect(sent_by(function() client(home):get(other) end)).equals { other }
    expect(sent_by(function() client(home):get "http://home.test/api" end)).equals { "http://home.test/api" }
  end)

  test.it("gets what the request itself gives it", function()
    local options = { cert = "own.pem", headers = { ["X-Secret"] = "own" } }
    expect(sent_by(function() client(home):get(other, options) end)).equals { other .. " cert headers" }
  end)

  for _, base in ipairs { home, false } do
    test.it(("gets nothing by a next page, %s base_url"):format(base and "with" or "without"), function()
      local function walk() for _ in client(base or nil):pages(home) do end end
      expect(sent_by(walk, other)[2]).is(other)
      expect(sent_by(walk, home .. "?page=2")[2]).contains(all)
    end)
  end

  test.it("gets nothing of a request's own by a next page", function()
    local options = { headers = own.headers, cert = own.cert, key = own.key, key_password = own.key_password }
    local function walk() for _ in http.pages(home, options) do end end
    expect(sent_by(walk, other)).equals { home .. all, other }
    expect(sent_by(walk, home .. "?page=2")[2]).is(home .. "?page=2" .. all)
  end)

  test.it("gets nothing where a middleware leads there; the next attempt at home does", function()
    local function call()
      local api, count = client(home), 0
      api:use(function(req, next)
        count = count + 1
        if count == 1 then req.url = other end
        local res = next(req)
        return count == 1 and { status = 503, headers = { ["Retry-After"] = "0" } } or res
      end, { per_attempt = true })
      api:get "/a"
    end
    expect(sent_by(call)).equals { other, home .. "/a?tenant=t" .. all }
  end)
end)
