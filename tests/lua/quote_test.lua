-- What a message quotes of a script's is cut: a name of megabytes is no message.
local test = require "tidelock.test"
local expect = test.expect
local http, schema, server = require "tidelock.http", require "tidelock.schema", require "tidelock.server"
local socket, store, task = require "tidelock.socket", require "tidelock.store", require "tidelock.task"
local errors, timer = require "tidelock.errors", require "tidelock.timer"

local big = ("long"):rep(1 << 18)
local LONGEST = 2000

local function quotes(what, fn)
  test.it(what, function()
    local fine, err = pcall(fn)
    expect(fine).is(false)
    local text = tostring(err)
    expect(text).contains "longlong"
    if #text > LONGEST then error(("%s: %d bytes"):format(what, #text)) end
  end)
end

local url = "http://127.0.0.1:1/"
test.describe("a message quotes, cut:", function()
  quotes("a module's name", function() require(big) end)
  quotes("a server's name", function() server.listen(big, {}) end)
  quotes("a store's name", function() store.define(big, { initial = {} }) end)
  quotes("a connection's name", function() socket.connect(big, { url = url }) end)
  quotes("what a connection is attached to", function() socket.attach(big) end)
  quotes("what a store is attached to", function() store.attach("x:" .. big) end)
  quotes("an option of a request", function() http.get(url, { [big] = 1 }) end)
  quotes("an option of a client", function() http.client { [big] = 1 } end)
  quotes("a name in a query", function() http.get(url, { query = { [big] = print } }) end)
  quotes("a nested name in a query", function() http.get(url, { query = { [big] = { x = 1 } } }) end)
  quotes("a header", function() http.get(url, { headers = { [big] = print } }) end)
  quotes("an option of a connection", function() socket.connect("x", { url = url, [big] = 1 }) end)
  quotes("a choice of a connection", function() socket.connect("x", { url = url, share = big }) end)
  quotes("a transport", function() socket.connect("x", { url = url, transports = { big } }) end)
  quotes("an option of a server", function() server.listen("x", { [big] = 1 }) end)
  quotes("an option of a store", function() store.define("x", { initial = {}, [big] = 1 }) end)
  quotes("a key that is kept twice", function()
    store.define("x", { initial = {}, persist = { big, big } })
  end)
  quotes("a format", function() schema.string { format = big } end)
  quotes("a field", function() schema.record { [big] = 1 } end)
  quotes("a field that is picked", function() schema.record({}):pick { big } end)
  quotes("a choice", function() schema.tagged_union("kind", { [big] = 1 }) end)
  quotes("a member", function() task.all { [big] = 1 } end)
  quotes("a raced member", function() task.race { [big] = 1 } end)
  quotes("an error's code", function() errors.new { code = big, message = "x" } end)
  quotes("an error's field", function() errors.new { code = "X", [big] = 1 } end)
  quotes("an expectation", function() expect(1)[big](1) end)
  quotes("a function of a module", function() return timer[big] end)
  quotes("a function of the test module", function() return test[big] end)
end)

test.it("what is cut ends with three dots, and within no character", function()
  local _, err = pcall(server.listen, ("é"):rep(1000), {})
  expect(err).contains "é...\""
  _, err = pcall(server.listen, "x" .. ("é"):rep(1000), {})
  expect(err).contains "é...\""
  expect(utf8.len(err)).is_true()
end)
