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
