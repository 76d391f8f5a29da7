-- Writes the page of a module, in Markdown.
local types = require "types"

local M = {}

local WIDTH = 100

-- --- text -----------------------------------------------------------------------------------

local function slug(heading) return (heading:lower():gsub("[^%w _-]", ""):gsub(" ", "-")) end

-- References become links: standards and the other pages of docs/. \1 is a blank at which no line
-- is broken.
local function with_links(text)
  text = text:gsub("RFC (%d+)", "[RFC\1%1](https://www.rfc-editor.org/rfc/rfc%1)")
  return (text:gsub("docs/([%w_]+%.md)", "[docs/%1](../%1)"))
end

local function put(out, ...)
  for _, line in ipairs { ... } do out[#out + 1] = line:gsub("\1", " ") end
end

local function put_wrapped(out, text)
  local line = ""
  for word in text:gmatch "%S+" do
    if line ~= "" and utf8.len(line) + 1 + utf8.len(word) > WIDTH then
      put(out, line)
      line = ""
    end
    line = line == "" and word or line .. " " .. word
  end
  if line ~= "" then put(out, line) end
end

local function add_blank(out)
  if out[#out] ~= "" then put(out, "") end
end

-- A description: paragraphs and fences. What an example prints stands right behind it.
local function put_doc(out, doc)
  local words, fence, last_fence = {}, false, nil
  local function end_paragraph()
    if #words > 0 then put_wrapped(out, with_links(table.concat(words, " "))) end
    words = {}
  end
  for _, line in ipairs(doc) do
    local opening = not fence and line:match "^```(%w+)$"
    if opening then
      if opening == "text" and last_fence == "lua" and #words == 0 then words = { "It prints:" } end
      end_paragraph()
      add_blank(out)
      put(out, line)
      fence, last_fence = true, opening
    elseif fence then
      put(out, line)
      fence = line ~= "```"
      if not fence then put(out, "") end
    elseif line:find "^%s*$" then
      end_paragraph()
      add_blank(out)
    else
      words[#words + 1] = line
    end
  end
  end_paragraph()
  add_blank(out)
end

-- "A sentence, to its end." The first of a description.
local function first_sentence(doc)
  local words = {}
  for _, line in ipairs(doc) do
    if line:find "^```" or line:find "^%s*$" then break end
    words[#words + 1] = line
  end
  local text = table.concat(words, " ")
  return with_links(text:match "^(.-)%.%s" or (text:gsub("[.:]$", "")))
end

-- --- types ----------------------------------------------------------------------------------

local function link_to(self, name)
  local place = self.places[name]
  if not place then return nil end
  return (place.page == self.name and "" or place.page .. ".md") .. "#" .. place.anchor
end

local function in_cell(text) return (text:gsub("|", "\\|")) end

-- The type in code, which leads to its class where it names just one; else links follow it.
local function show_type(self, text)
  local links, seen = {}, {}
  types.each_name(text, function(name)
    local link = not seen[name] and link_to(self, name)
    if link then links[#links + 1] = { name = name, to = link } end
    seen[name] = true
  end)
  local code = "`" .. in_cell(text) .. "`"
  if #links == 0 then return code end
  if #links == 1 then return ("[%s](%s)"):format(code, links[1].to) end
  local list = {}
  for i, link in ipairs(links) do list[i] = ("[%s](%s)"):format(link.name:match "[%w_]+$", link.to) end
  return code .. ": " .. table.concat(list, ", ")
end

-- --- tables ---------------------------------------------------------------------------------

local function has_default(list)
  for _, one in ipairs(list) do
    if one.default then return true end
  end
  return false
end

local function put_table(self, out, what, list)
  local defaults = has_default(list)
  put(out, ("| %s | type |%s |"):format(what, defaults and " default |" or ""),
    "|---|---|" .. (defaults and "---|" or "") .. "---|")
  for _, one in ipairs(list) do
    local name = ("`%s%s`"):format(one.name, one.optional and "?" or "")
    local default = not defaults and "" or one.default and (" %s |"):format(in_cell(one.default)) or " |"
    put(out, ("| %s | %s |%s %s |"):format(name, show_type(self, one.type), default,
      with_links(in_cell(one.text))))
  end
  put(out, "")
end

-- --- functions ------------------------------------------------------------------------------

local function is_error(result) return result and result.type:find "Error%?$" ~= nil end

local function show_results(returns)
  local names = {}
  for i, result in ipairs(returns) do
    names[i] = (result.type:find "%?$" and not is_error(result) and not is_error(returns[i + 1]))
        and result.name .. " | nil" or result.name
  end
  if #names == 0 then return "" end
  if #names == 2 and is_error(returns[2]) then return (" → %s | nil, err"):format(names[1]) end
  return " → " .. table.concat(names, ", ")
end

local function show_call(item)
  local args = {}
  for i, param in ipairs(item.params) do args[i] = param.name .. (param.optional and "?" or "") end
  return ("%s(%s)%s"):format(item.title, table.concat(args, ", "), show_results(item.returns))
end

local function show_overload(item, text)
  local names = types.arguments(text)
  if names[1] == "self" then table.remove(names, 1) end
  return ("%s(%s)%s"):format(item.title, table.concat(names, ", "), show_results(item.returns))
end

local function put_function(self, out, item)
  put(out, "### " .. item.title, "")
  put(out, "```text", show_call(item))
  for _, overload in ipairs(item.overloads) do put(out, show_overload(item, overload)) end
  put(out, "```", "")
  if item.deprecated then put(out, "Deprecated.", "") end
  put_doc(out, item.doc)
  for _, see in ipairs(item.see) do put(out, "See " .. with_links(see) .. ".", "") end
  if #item.params > 0 then put_table(self, out, "parameter", item.params) end
  if #item.returns > 0 then put_table(self, out, "result", item.returns) end
end

-- --- classes --------------------------------------------------------------------------------

local function put_methods(out, methods)
  if #methods == 0 then return end
  put(out, "| function | |", "|---|---|")
  for _, item in ipairs(methods) do
    put(out, ("| [`%s`](#%s) | %s |"):format(item.title, item.anchor, first_sentence(item.doc)))
  end
  put(out, "")
end

local function put_class(self, out, item)
  put(out, "### " .. item.name, "")
  put_doc(out, item.doc)
  local link = item.parent and link_to(self, item.parent)
  if link then put(out, ("It has all fields of [`%s`](%s), too."):format(item.parent, link), "") end
  if #item.fields > 0 then put_table(self, out, "field", item.fields) end
  put_methods(out, item.methods)
end

local function put_alias(self, out, item)
  put(out, "### " .. item.name, "")
  put_doc(out, item.doc)
  if item.type then return put(out, "It is " .. show_type(self, item.type):gsub("\\|", "|") .. ".", "") end
  put(out, "| value | |", "|---|---|")
  for _, one in ipairs(item.values) do put(out, ("| `%s` | %s |"):format(one.value, in_cell(one.text))) end
  put(out, "")
end

-- --- pages ----------------------------------------------------------------------------------

local function list_types(items)
  local list = {}
  for _, item in ipairs(items) do
    list[#list + 1] = ("[`%s`](#%s)"):format(item.name, item.anchor)
  end
  return "Types: " .. table.concat(list, ", ") .. "."
end

-- The functions of the module, those of its classes, and the types, each in the file's order.
local function sort_out_items(module)
  local own, others, shown_types = {}, {}, {}
  for _, item in ipairs(module.items) do
    if item.kind == "function" then table.insert(item.class == module.class and own or others, item)
    elseif item ~= module.class then shown_types[#shown_types + 1] = item end
  end
  return own, others, shown_types
end

-- Headings that are written alike get numbers, as GitHub gives them.
local function give_anchors(headings)
  local seen = {}
  for _, item in ipairs(headings) do
    local anchor = slug(item.title or item.name)
    local count = seen[anchor]
    seen[anchor] = (count or 0) + 1
    item.anchor = count and ("%s-%d"):format(anchor, count) or anchor
  end
end

local function joined(...)
  local all = {}
  for _, list in ipairs { ... } do table.move(list, 1, #list, #all + 1, all) end
  return all
end

---Gives each item of a module its heading and its anchor.
---@param module table
---@param places table<string, table> gets where each type is
function M.arrange(module, places)
  local own, methods, shown_types = sort_out_items(module)
  for _, item in ipairs(joined(own, methods)) do
    local receiver = item.class == module.class and module.name or item.class.shown
    item.title = receiver .. (item.colon and ":" or ".") .. item.name
  end
  give_anchors(joined(own, methods, shown_types))
  for _, item in ipairs(shown_types) do places[item.name] = { page = module.name, anchor = item.anchor } end
end

-- A type that a cell of a table names leads to its place.
local function link_types(self, lines)
  for i, line in ipairs(lines) do
    if line:find "^|" then
      lines[i] = line:gsub("([^%[])`(tidelock%.[%w_.]+)`", function(before, name)
        local link = link_to(self, name)
        return link and ("%s[`%s`](%s)"):format(before, name, link)
      end)
    end
  end
  return lines
end

---@param module table
---@param places table<string, table>
---@return string[] lines
function M.write(module, places)
  local self, out = { name = module.name, places = places }, {}
  local own, methods, shown_types = sort_out_items(module)
  put(out, "# tidelock." .. module.name, "")
  put_doc(out, module.class.doc)
  put_methods(out, joined(own))
  if #shown_types > 0 then
    put_wrapped(out, list_types(shown_types))
    put(out, "")
  end
  if #module.class.fields > 0 then
    put(out, "## Fields", "")
    put_table(self, out, "field", module.class.fields)
  end
  put(out, "## Functions", "")
  for _, item in ipairs(own) do put_function(self, out, item) end
  if #methods > 0 then put(out, "## Methods", "") end
  for _, item in ipairs(methods) do put_function(self, out, item) end
  if #shown_types > 0 then put(out, "## Types", "") end
  for _, item in ipairs(shown_types) do
    (item.kind == "class" and put_class or put_alias)(self, out, item)
  end
  put(out, "---", "", ("`make docs` writes this page from `stdlib/meta/%s.lua`."):format(module.name))
  return link_types(self, out)
end

-- --- the list of pages ----------------------------------------------------------------------

local intro = "Every module, with each function, its parameters, results and errors. Durations are in "
  .. "seconds. A function that can fail returns `nil` and an error, a "
  .. "[`tidelock.Error`](errors.md#tidelockerror); a wrong argument or option raises."

local example = {
  "```lua", 'local timer = require "tidelock.timer"', "",
  'timer.after(0.01, function() print "a module is required by its name" end)', "```", "",
  "It prints:", "", "```text", "a module is required by its name", "```", "",
}

---@param modules table[]
---@return string[] lines
function M.write_index(modules)
  local out = { "# API reference", "" }
  put_wrapped(out, intro)
  put(out, "", table.unpack(example))
  put(out, "| module | |", "|---|---|")
  for _, module in ipairs(modules) do
    local name = "tidelock." .. module.name
    put(out, ("| [%s](%s.md) | %s |"):format(name, module.name, first_sentence(module.class.doc)))
  end
  put(out, "")
  put_wrapped(out, "Editors that use the Lua language server show the same texts: `tidelock new` writes the "
    .. "`.luarc.json` that leads there.")
  put(out, "", "---", "", "`make docs` writes this page from `stdlib/meta`.")
  return out
end

return M
