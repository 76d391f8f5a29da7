local test = require "tidelock.test"
local chat = require "stores.chat"
local commands = require "flows.commands"
local printed = require "tests.printed"
local stores = require "stores.all"
local user = require "stores.user"
local expect = test.expect

local function said(line)
  return table.concat(printed(function() commands.run(commands.parse(line)) end), "\n")
end

test.describe("a typed line", function()
  test.it("is a message, trimmed, unless it begins with a slash", function()
    expect(commands.parse("  hello there ").content).is("hello there")
    expect(commands.parse("and / or").content).is("and / or")
    expect(commands.parse("hello").at_once).is_nil()
  end)

  test.it("is nothing when it is blank", function()
    expect(commands.parse("")).is_nil()
    expect(commands.parse(" \t ")).is_nil()
  end)

  test.it("is a message with a slash when it begins with two", function()
    expect(commands.parse("//help me").content).is("/help me")
  end)

  test.it("is a command, in any case, with the rest as its argument", function()
    local typed = commands.parse("/OPEN  Moon base ")
    expect(typed.content).is_nil()
    expect(typed.argument).is("Moon base")
    expect(typed.at_once).is_nil()
  end)

  test.it("does not wait where it need not", function()
    for _, line in ipairs { "/help", "/status", "/quit", "/nonsense", "/new", "/set", "/retry" } do
      expect(commands.parse(line).at_once).is(true)
    end
  end)

  test.it("that is no command gets a hint", function()
    expect(said "/projekts").contains("do you mean /projects?")
    expect(said "/xyz").is("! there is no command /xyz: /help lists those there are")
    expect(said "/").is("! there is no command /: /help lists those there are")
    expect(said "/%d").contains("there is no command /%d")
  end)

  test.it("that lacks a name says so", function()
    expect(said "/open").is("! /open wants a name: /open NAME")
    expect(said "/new  ").is("! /new wants a name: /new NAME")
  end)

  test.it("asks for help and gets every command", function()
    local help = said "/help"
    for _, name in ipairs {
      "help", "projects", "new", "open", "status", "quit", "set", "retry", "discard",
    } do
      expect(help).contains("/" .. name)
    end
  end)

  test.it("asks for the status before there is anything", function()
    expect(said "/status").contains("user: none yet")
  end)
end)

test.describe("preferences", function()
  test.before_each(stores.reset)

  test.it("are listed, with what holds where nothing was said", function()
    expect(said "/set").is("theme: system\nlanguage: en\nemail: off\npush: off\ndesktop: on")
  end)

  test.it("are set, each to what it can be", function()
    expect(said "/set Theme dark").is("* theme is dark now")
    expect(said "/set language de-AT").is("* language is de-AT now")
    expect(said "/set push on").is("* push is on now")
    expect(said "/set desktop off").is("* desktop is off now")
    expect(said "/set").is("theme: dark\nlanguage: de-AT\nemail: off\npush: on\ndesktop: off")
  end)

  test.it("are not set to anything else", function()
    expect(said "/set theme pink").is("! theme can be light, dark, system")
    expect(said "/set theme").is("! theme can be light, dark, system")
    expect(said "/set push maybe").is("! push can be on, off")
    expect(said("/set language " .. ("x"):rep(30))).contains "language can be"
    expect(said "/set speed 9").is("! there is no preference speed: /set lists them")
    expect(user.preferences().theme).is("system")
  end)
end)

test.describe("what was not sent", function()
  test.before_each(stores.reset)

  test.it("is sent again or forgotten", function()
    expect(said "/retry").is("* there is nothing that was not sent")
    chat.enqueue { id = "c1", time = 1, content = "x" }
    chat.mark_refused("c1", { code = "TOO_LARGE", message = "no" })
    expect(said "/status").contains("not sent: 1")
    expect(said "/retry").is("")
    expect(chat.count_waiting()).is(1)
    chat.mark_refused("c1", { code = "TOO_LARGE", message = "no" })
    expect(said "/discard").is("* 1 forgotten")
    expect(#chat.lines()).is(0)
  end)
end)

test.describe("a project's name", function()
  local list = { { name = "Moon" }, { name = "Moon base" }, { name = "Mars" }, { name = "2" } }

  local function found(wanted)
    local names = {}
    for i, project in ipairs(commands.find_projects(list, wanted)) do names[i] = project.name end
    return table.concat(names, ",")
  end

  test.it("is matched whole before its beginning", function() expect(found "moon").is("Moon") end)
  test.it("may be cut short", function() expect(found "MA").is("Mars") end)
  test.it("may be ambiguous", function() expect(found "m").is("Moon,Moon base,Mars") end)
  test.it("may be a number, if no name is", function()
    expect(found "3").is("Mars")
    expect(found "2").is("2")
    expect(found "9").is("")
    expect(found "99999999999999999999").is("")
  end)
  test.it("is no pattern", function() expect(found ".*").is("") end)
end)
