local test = require "tidelock.test"
local state = require "state"
local expect = test.expect

test.describe("the state", function()
  test.before_each(state.reset)

  test.it("shows a message once", function()
    expect(state.show_once "m1").is(true)
    expect(state.show_once "m2").is(true)
    expect(state.show_once "m1").is(false)
  end)

  test.it("remembers the latest five hundred of them", function()
    for i = 1, 1000 do state.show_once("m" .. i) end
    expect(#state.get().shown).is(500)
    expect(state.show_once "m1000").is(false)
    expect(state.show_once "m501").is(false)
  end)

  test.it("is idle when all is sent and answered", function()
    expect(state.is_idle()).is(true)
    table.insert(state.get().lines, { id = "c1", text = "hello" })
    expect(state.is_idle()).is(false)
    state.expect_answer "c1"
    state.delivered "c1"
    expect(state.is_idle()).is(false)
    state.answered "another"
    expect(state.count_unanswered()).is(1)
    state.answered "c1"
    expect(state.is_idle()).is(true)
  end)

  test.it("takes nothing from the queue for messages that others sent", function()
    table.insert(state.get().lines, { id = "c1", text = "hello" })
    state.delivered(nil)
    state.delivered "c2"
    state.answered(nil)
    expect(#state.get().lines).is(1)
  end)

  test.it("knows what belongs to the screen", function()
    expect(state.is_open()).is(false)
    expect(state.is_here { sessionId = "s1" }).is(false)
    state.open({ id = "p1", name = "Moon" }, { id = "s1", title = "One" })
    expect(state.is_here { sessionId = "s1" }).is(true)
    expect(state.is_here { sessionId = "s2" }).is(false)
    state.close_project()
    expect(state.is_open()).is(false)
  end)
end)
