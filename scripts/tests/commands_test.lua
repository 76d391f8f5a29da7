local test = require "tidelock.test"
local commands = require "flows.commands"
local expect = test.expect

-- What print gets while fn runs.
local function printed(fn)
  local real, lines = print, {}
  print = function(line) lines[#lines + 1] = line end -- luacheck: ignore 121
  local ok, err = pcall(fn)
  print = real -- luacheck: ignore 121
  if not ok then error(err, 0) end
  return table.concat(lines, "\n")
end

local function said(line)
  return printed(function() commands.run(commands.parse(line)) end)
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
    for _, line in ipairs { "/help", "/status", "/quit", "/nonsense", "/new" } do
      expect(commands.parse(line).at_once).is(true)
    end
  end)

  test.it("that is no command gets a hint", function()
    expect(said "/projekts").contains("do you mean /projects?")
    expect(said "/xyz").is("! there is no command /xyz: /help lists those there are")
    expect(said "/").is("! there is no command /: /help lists those there are")
    expect(said "/%d").contains("there is no command /%d")
  end)

  test.it("that lacks a name is told so", function()
    expect(said "/open").is("! /open wants a name: /open NAME")
    expect(said "/new  ").is("! /new wants a name: /new NAME")
  end)

  test.it("asks for help and gets every command", function()
    local help = said "/help"
    for _, name in ipairs { "help", "projects", "new", "open", "status", "quit" } do
      expect(help).contains("/" .. name)
    end
  end)

  test.it("asks for the status before there is anything", function()
    expect(said "/status").contains("user: none yet")
  end)
end)

test.describe("a project's name", function()
  local list = { { name = "Moon" }, { name = "Moon base" }, { name = "Mars" }, { name = "2" } }

  local function found(wanted)
    local names = {}
    for i, project in ipairs(commands.matching(list, wanted)) do names[i] = project.name end
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
