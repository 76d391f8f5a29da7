---@meta tidelock.test

---Describes tests of scripts, which `tidelock test PATH...` runs.
---While the file loads the tests are collected; then they run one after the other, each in a task
---that may wait. A test fails when it raises, when it takes longer than `test.timeout`, and when a
---handler, timer, task or subscriber raises meanwhile and nobody catches the error. See
---docs/tasks.md.
---
---```lua
---local test = require "tidelock.test"
---local expect = test.expect
---
---test.describe("a list", function()
---  test.it("has a length", function() expect(#{ 1, 2 }).is(2) end)
---  test.it("can be compared", function() expect({ 1, { 2 } }).equals { 1, { 2 } } end)
---end)
---```
---```text
---ok a list has a length
---ok a list can be compared
---```
---@class tidelock.test
---@field timeout number the longest time of a test in seconds; a file may set it. Default: 30
local test = {}

---Groups the tests that the function declares. Groups nest; the name of a test begins with the
---names of its groups.
---@param name string the name of the group
---@param fn fun() declares tests and hooks; may not wait
function test.describe(name, fn) end

---Declares a test.
---@param name string what holds when the test passes
---@param fn fun() the test, in a task of its own; may wait
function test.it(name, fn) end

---Runs a function before each test that follows in this group and the groups in it.
---@param fn fun() may wait; when it raises, the test fails
function test.before_each(fn) end

---Runs a function after each test that follows in this group and the groups in it, also after one
---that failed.
---@param fn fun() may wait; when it raises, the test fails
function test.after_each(fn) end

---Checks a value: `test.expect(value).is(1)`.
---@param value any the value to check
---@return tidelock.Expectation expectation its functions raise when they do not hold; call them with a dot
function test.expect(value) end

---Waits until a function returns a true value. Raises when it takes too long.
---@param fn fun(): any is called every 5 ms; may wait
---@param seconds? number the longest time. Default: 5
---@return any value the true value
function test.wait_for(fn, seconds) end

---What a test's clock says at first.
---@class tidelock.ClockOptions
---@field at? string|number the wall clock: `"2026-03-29T00:30:00"` in the zone, with `Z` or `+01:00` elsewhere; or seconds since 1970. Default: what it is
---@field zone? string the time zone of `os.date` and `os.time`, such as `"Europe/Berlin"`. Default: the system's

---The clock of a test. Its functions are called with a dot.
---@class tidelock.Clock
local Clock = {}

---Runs all that is due within some seconds, in order: everything until nothing is to be done, tasks
---that wake included; then the clock goes to the next due time. Waits.
---@param seconds number how far the clock goes, 0 or more; 0: what is to be done now
function Clock.advance(seconds) end

---Sets the wall clock alone, as somebody who corrects it does.
---@param seconds number by how much; may be negative
function Clock.step(seconds) end

---The machine sleeps: the wall clock goes on, timers and waits stand.
---@param seconds number for how long
function Clock.suspend(seconds) end

---Stops the time of this test until it ends. Timers, waits, time-outs, `tidelock.rate`, the delays of
---stores and reconnections, `timer.now`, `os.time` and `os.date` stand, and go on as the test says.
---`test.timeout`, `test.wait_for` and the limit of turns go by the system's clock. Connections to the
---outside fail at once with `TEST_CLOCK`. Raises while one is open, or while another clock stands.
---@param options? tidelock.ClockOptions what the wall clock says, and where
---@return tidelock.Clock clock sets it forward
function test.clock(options) end

---What a fake server answers.
---@class tidelock.FakeServerOptions
---@field host? string its name; connections of this process to it, whatever the port, lead there. Default: `"fake.test"`
---@field routes? table<string, any> answers by `"GET /users/:id"`: a function of the request as in `tidelock.server`, the answer itself, or `{ status =, headers =, body =, delay = }`
---@field delay? number seconds before each answer. Default: 0

---A request that a fake server got.
---@class tidelock.FakeRequest
---@field method string as received
---@field path string without the query
---@field query table<string, string> its parameters
---@field query_string string as received
---@field headers table<string, string> by lower-case name
---@field body string as received
---@field time number what `timer.now` said

---How often, and how.
---@class tidelock.FaultOptions
---@field times? integer for so many connections; `math.huge`: all to come. Default: 1
---@field bytes? integer of `"cut"`: what the client still gets. Default: 0

---A server in this process, without a port.
---@class tidelock.FakeServer
---@field url string `"http://HOST"`
---@field host string its name
---@field requests tidelock.FakeRequest[] what it was asked, in order
local FakeServer = {}

---Adds a route.
---@param method string `"GET"`, or `"*"` for any
---@param pattern string as in `tidelock.server`
---@param what any a function of the request, or the answer
---@return tidelock.FakeServer self the same one
function FakeServer:route(method, pattern, what) end

---Puts a middleware before the routes, as `tidelock.server` has it.
---@param fn fun(req: tidelock.server.Request, next: fun(): any): any returns an answer, or that of `next`
---@return tidelock.server.Server server the server behind it
function FakeServer:use(fn) end

---Takes WebSockets at a pattern, as `tidelock.server` has it.
---@param pattern string a path
---@param handlers table<string, function> `accept`, `open`, `message`, `close`
---@return tidelock.server.Server server the server behind it
function FakeServer:websocket(pattern, handlers) end

---Speaks Socket.IO, as `tidelock.server` has it.
---@param options? tidelock.server.IoOptions as there
---@return tidelock.server.Namespace root the namespace `/`
function FakeServer:io(options) end

---Says how many connections are open.
---@return integer count idle ones included
function FakeServer:connections() end

---Lets the next connections go wrong; those that are idle are closed.
---@param kind "refuse"|"hang"|"reset"|"cut"|"none" refused; nothing is read; broken at the first byte; ended after some bytes; nothing goes wrong any more
---@param options? tidelock.FaultOptions how often
function FakeServer:fail(kind, options) end

---Breaks all connections.
function FakeServer:disconnect() end

---Closes it. The end of the test does, too.
function FakeServer:close() end

---Starts a server in this process, without a port, until the test ends. The real client and the real
---server talk to each other; with `test.clock` its delays are the clock's. Raises when the host is
---taken.
---@param options? tidelock.FakeServerOptions what it answers
---@return tidelock.FakeServer server its address is in `url`
function test.server(options) end

---Compares two values as `equals` does.
---@param a any one value
---@param b any the other value
---@return boolean same whether they are equal
function test.same(a, b) end

---Returns the errors that handlers, timers, tasks and subscribers raised since the last call, or
---since the test began. Errors that were asked for do not fail the test.
---@return string? text all of them with their tracebacks; `nil`: there is none
function test.uncaught() end

---The checks of `test.expect`. Each of them raises if the value does not pass it, or if an argument
---has the wrong type.
---@class tidelock.Expectation
local Expectation = {}

---The value is this one: `==`.
---@param want any the value that is expected
function Expectation.is(want) end

---The value is not this one.
---@param unwanted any the value that is not expected
function Expectation.is_not(unwanted) end

---The value equals this one; tables, and the views and drafts of stores, by their content.
---@param want any the value that is expected
function Expectation.equals(want) end

---The value is neither `nil` nor `false`.
function Expectation.is_true() end

---The value is `nil`.
function Expectation.is_nil() end

---The value, a string or an error, matches a pattern.
---@param pattern string a Lua pattern
function Expectation.matches(pattern) end

---The value, a string or an error, contains a text.
---@param part string a plain text
function Expectation.contains(part) end

---The value is a number near this one.
---@param want number the number that is expected
---@param tolerance number the largest difference
function Expectation.is_close(want, tolerance) end

---The value is a function that raises.
---@param part? string a text that the error contains. Default: any error will do
function Expectation.raises(part) end

return test
