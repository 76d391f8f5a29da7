-- tidelock.store: state that outlives reloads, is shared by scripts, and cannot be half-changed.
-- The stores themselves are the core's; derived ones are put together here.
local core = require "tidelock.store.core"

local M = {
  define = core.define,
  attach = core.attach,
  trace = core.trace,
  copy = core.copy,
  is_view = core.is_view,
}

local Derived = {}
Derived.__index = Derived

local function roots_of(derived)
  local roots = {}
  for i, store in ipairs(derived.stores) do roots[i] = store:get() end
  return roots
end

local function same_roots(a, b)
  if not a then return false end
  for i = 1, #b do
    if a[i] ~= b[i] then return false end
  end
  return true
end

--- The value, computed anew only when one of the stores has changed.
---@return any
function Derived:get()
  local roots = roots_of(self)
  if not same_roots(self.roots, roots) then
    self.value = self.fn(table.unpack(roots, 1, #self.stores))
    self.roots = roots
  end
  return self.value
end

local function same(a, b)
  if rawequal(a, b) or a == b or (a ~= a and b ~= b) then return true end
  if type(a) ~= "table" or type(b) ~= "table" then return false end
  for key, value in pairs(a) do
    if value ~= b[key] then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

--- Calls fn(new, old) when the derived value has changed, at most once for each store that did.
---@param fn fun(new: any, old: any)
---@param options? { fire_immediately?: boolean, equals?: fun(new: any, old: any): boolean }
---@return tidelock.Handler
function Derived:subscribe(fn, options)
  local equals = options and options.equals or same
  local last, known
  local function tell(value)
    if known and equals(value, last) then return end
    local old = last
    last, known = value, true
    fn(value, old)
  end
  -- The value before the first change that is heard: from the root that its store had.
  local function begin(i, old_root)
    local roots = roots_of(self)
    roots[i] = old_root
    last, known = self.fn(table.unpack(roots, 1, #self.stores)), true
  end
  local handles = {}
  for i, store in ipairs(self.stores) do
    handles[i] = store:subscribe(function(_, old_root)
      if not known then begin(i, old_root) end
      tell(self:get())
    end)
  end
  if options and options.fire_immediately then tell(self:get()) end
  return { off = function() for _, handle in ipairs(handles) do handle:off() end end }
end

--- A value computed from stores: fn gets their states, in order, and may not wait.
---@param stores tidelock.Store[]
---@param fn fun(...): any
---@return tidelock.Derived
function M.derive(stores, fn)
  if type(stores) ~= "table" or type(fn) ~= "function" then
    error("derive takes a list of stores and a function", 2)
  end
  return setmetatable({ stores = stores, fn = fn }, Derived)
end

return M
