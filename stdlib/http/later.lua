-- Modules that most scripts never need are read when something of them is used first: a script that sends
-- requests alone starts without them.

--- Returns a table whose fields are those of the module.
---@param name string
---@return table
return function(name)
  return setmetatable({}, {
    __index = function(fields, key)
      local value = require(name)[key]
      fields[key] = value
      return value
    end,
  })
end
