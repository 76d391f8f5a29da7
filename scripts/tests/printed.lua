-- What print gets while fn runs: a list of lines.
---@param fn fun() may wait
---@return string[]
return function(fn)
  local real, lines = print, {}
  print = function(line) lines[#lines + 1] = line end -- luacheck: ignore 121
  local ok, err = pcall(fn)
  print = real -- luacheck: ignore 121
  if not ok then error(err, 0) end
  return lines
end
