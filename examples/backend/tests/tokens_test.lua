local test = require "tidelock.test"
local tokens = require "tokens"
local expect = test.expect

local clock, kept, count

local function new(max)
  clock, kept, count = 1000, {}, 0
  return tokens.new {
    entries = function() return kept end,
    now = function() return clock end,
    random = function()
      count = count + 1
      return "random-" .. count
    end,
    access_seconds = 10, refresh_seconds = 100, max = max or 50,
  }
end

test.describe("tokens", function()
  test.it("are good until they expire", function()
    local all = new()
    local pair = all:issue("u1")
    expect(all:user_of(pair.token)).is("u1")
    clock = 1009.9
    expect(all:user_of(pair.token)).is("u1")
    clock = 1010
    expect(all:user_of(pair.token)).is_nil()
  end)

  test.it("are not each other", function()
    local all = new()
    local pair = all:issue("u1")
    expect(all:user_of(pair.refreshToken)).is_nil()
    expect(all:rotate(pair.token)).is_nil()
    for _, nonsense in ipairs { "", "random", 7, {}, true } do
      expect(all:user_of(nonsense)).is_nil()
      expect(all:rotate(nonsense)).is_nil()
    end
    expect(all:user_of(nil)).is_nil()
  end)

  test.it("are refreshed once; the old pair ends then", function()
    local all = new()
    local first = all:issue("u1")
    local _, login = all:user_of(first.token)
    clock = 1050
    local second, user = all:rotate(first.refreshToken)
    expect(user).is("u1")
    expect(all:rotate(first.refreshToken)).is_nil()
    expect(all:user_of(first.token)).is_nil()
    local now_user, same_login = all:user_of(second.token)
    expect(now_user).is("u1")
    expect(same_login).is(login)
  end)

  test.it("are not refreshed after the end of the refresh token", function()
    local all = new()
    local pair = all:issue("u1")
    clock = 1100
    expect(all:rotate(pair.refreshToken)).is_nil()
  end)

  test.it("end with their login, and no other", function()
    local all = new()
    local first, second = all:issue("u1"), all:issue("u1")
    local _, login = all:user_of(first.token)
    all:revoke(login)
    expect(all:user_of(first.token)).is_nil()
    expect(all:rotate(first.refreshToken)).is_nil()
    expect(all:user_of(second.token)).is("u1")
  end)

  test.it("are bounded in number: what is expired goes, then what ends first", function()
    local all = new(6)
    local last
    for _ = 1, 20 do
      last = all:issue("u1")
      clock = clock + 1
    end
    local n = 0
    for _ in pairs(kept) do n = n + 1 end
    expect(n <= 6).is(true)
    expect(all:user_of(last.token)).is("u1")
  end)

  test.it("compare secrets whole", function()
    expect(tokens.same_secret("demo", "demo")).is(true)
    expect(tokens.same_secret("", "")).is(true)
    for _, other in ipairs { "demO", "Demo", "dem", "demos", "", "xxxx" } do
      expect(tokens.same_secret("demo", other)).is(false)
      expect(tokens.same_secret(other, "demo")).is(false)
    end
  end)
end)
