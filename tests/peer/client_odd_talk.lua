-- Some 160 conversations with a server that says what it should not: run by odd_talk_test.sh. Those named
-- here are survived, as most are by the reference client; the others end their connection, and nothing else.
local env = require "tidelock.env"
local json = require "tidelock.json"
local socket = require "tidelock.socket"
local test = require "tidelock.test"
local expect, wait_for = test.expect, test.wait_for

local survived = [[
  ack_empty ack_huge ack_no_id ack_unknown bin_1000 bin_11 bin_ack bin_deep bin_early bin_empty bin_false
  bin_name bin_no_payload bin_ok bin_ping_between bin_twice bin_unused connect_100 connect_extra
  connect_id connect_other connect_pid_long connect_sid_long connect_sid_number connect_twice
  disconnect_other early_ack early_many event_ack_2_53 event_ack_huge event_ack_zeros event_bad_json
  event_big_number event_bool event_deep event_deeper event_empty event_empty_array event_keys
  event_many_args event_name_long event_nested event_nul event_number event_proto event_reserved
  event_reserved2 event_surrogate event_trailing fragment_ping fragments hello_extra hello_int0
  hello_max0 hello_max1 hello_maxneg hello_maxnull hello_maxstr hello_sidlong hello_sidnum hello_sidodd
  hello_slow hello_twice hello_twice_fast hello_upg hello_upgws join_before_asked join_with_hello
  noop_flood nsp_long nsp_no_comma nsp_query nsp_slash nsp_unknown ok ping_flood ping_long ping_payload
  pong upgrade
]]

test.timeout = 60
test.describe("odd conversations", function()
  test.it("are survived, or end their own connection alone", function()
    local ended, open, count = {}, {}, 0
    for _, name in ipairs(json.decode(env.get "NAMES")) do
      count = count + 1
      local s = socket.connect(name, { url = env.get "WS_URL", query = { c = name }, multiplex = false,
        transports = { "websocket" }, reconnect = false })
      s:on("e", function(ack) if type(ack) == "function" then ack "ok" end end)
      s:on("end", function() ended[name] = true end)
      open[name] = s
    end
    expect(count > 100).is(true)
    for name in survived:gmatch "%S+" do
      local ok = pcall(wait_for, function() return ended[name] or open[name].state == "closed" end)
      if not ok then error(name .. " hangs: " .. open[name].state) end
      if not ended[name] then error(name .. " was not survived") end
      expect(open[name].connected).is(true)
    end
    for _, s in pairs(open) do s:disconnect() end
  end)
end)
