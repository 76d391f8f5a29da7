-- What luacheck holds our Lua to: 5.4, no globals but Lua's own, 110 columns.
std = "lua54"
max_line_length = 110
codes = true
unused_args = true
exclude_files = { "**/node_modules/**" }
-- Type annotations for the modules written in C: bodies are empty, arguments unused.
files["stdlib/meta"] = { unused_args = false, unused = false, max_line_length = false, ignore = { "2.." } }
