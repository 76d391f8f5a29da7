-- Code that the CPU limit stops inside a function in C is reported with its line, whatever the function is.
local crypto = require "tidelock.crypto"
local json = require "tidelock.json"
local script = require "tidelock.script"
local store = require "tidelock.store"
local task = require "tidelock.task"
local test = require "tidelock.test"
local expect = test.expect

script.cpu_limit(0.1)
local text = ("a"):rep(1e5)
local list, wide = {}, {}
for i = 1, 1e5 do list[i] = i end
for i = 1, 2e4 do wide["k" .. i] = i end
local encoded = json.encode(list)
local base64 = crypto.base64_encode(text)
local values = store.define("values", { initial = { list = {}, wide = {} } })

local calls = {
  ["string.find"] = function() text:find("a-b") end,
  ["string.match"] = function() text:match("a-b") end,
  ["string.gmatch"] = function() for _ in text:gmatch("a") do end end,
  ["string.gsub with a text"] = function() text:gsub(".", "%0") end,
  ["string.gsub with a function"] = function() text:gsub(".", string.upper) end,
  ["string.gsub with a table"] = function() text:gsub(".", { a = "bb" }) end,
  ["string.rep"] = function() text:rep(100) end,
  ["string.rep with a gap"] = function() text:rep(100, ", ") end,
  ["string.format"] = function() ("%s%s"):format(text, text) end,
  ["string.format with %q"] = function() ("%q"):format(text) end,
  ["string.upper"] = function() text:upper() end,
  ["string.reverse"] = function() text:reverse() end,
  ["string.byte"] = function() text:byte(1, 5000) end,
  ["string.pack"] = function() string.pack("s4s4", text, text) end,
  ["table.concat"] = function() table.concat(list) end,
  ["table.concat with a gap"] = function() table.concat(list, ", ") end,
  ["table.insert"] = function() table.insert(list, 1, 1) end,
  ["table.remove"] = function() table.remove(list, 1) list[#list + 1] = 1 end,
  ["table.move"] = function() table.move(list, 1, #list, 1, {}) end,
  ["table.unpack"] = function() select("#", table.unpack(list, 1, 5000)) end,
  ["table.pack"] = function() table.pack(table.unpack(list, 1, 5000)) end,
  ["table.sort"] = function() table.sort(list, function(a, b) return a > b end) table.sort(list) end,
  ["utf8.len"] = function() utf8.len(text) end,
  ["load"] = function() load("return " .. encoded:sub(2, 2) .. (" + 1"):rep(10000)) end,
  ["json.encode"] = function() json.encode(list) end,
  ["json.encode of keys"] = function() json.encode(wide) end,
  ["json.decode"] = function() json.decode(encoded) end,
  ["crypto.sha256"] = function() crypto.sha256(text) end,
  ["crypto.hmac"] = function() crypto.hmac("sha256", "key", text) end,
  ["crypto.base64_encode"] = function() crypto.base64_encode(text) end,
  ["crypto.base64_decode"] = function() crypto.base64_decode(base64) end,
  ["crypto.hex_encode"] = function() crypto.hex_encode(text) end,
  ["store:set of a list"] = function() values:set { list = list } end,
  ["store:set of keys"] = function() values:set { wide = wide } end,
  ["store:change"] = function() values:change(function(draft) draft.wide = wide end) end,
}

local names = {}
for name in pairs(calls) do names[#names + 1] = name end
table.sort(names)

test.describe("the CPU limit tells the line of", function()
  for _, name in ipairs(names) do
    test.it(name, function()
      local call = calls[name]
      local running = task.spawn(function()
        while true do call() end
      end)
      local ok, err = pcall(running.await, running)
      expect(ok).is(false)
      expect(tostring(err)).matches("^[^\n]*limit_place_test.lua:%d+: CPU_LIMIT: ran for 0.1 s")
    end)
  end
end)
