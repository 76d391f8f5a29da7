-- tidelock.store: state that survives reloads, is shared by scripts, and changes in transactions.
-- The stores are implemented in C; derived values are implemented here.
local checks = require "tidelock.options.core"
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

-- A query's get waits: what it shows now is given by peek.
local function root_of(store)
  local meta = getmetatable(store)
  if type(meta) == "table" and meta.__name == "query" then return store:peek() end
  return store:get()
end

local function roots_of(derived)
  local roots = {}
  for i, store in ipairs(derived.stores) do roots[i] = root_of(store) end
  return roots
end

local function same_roots(a, b, count)
  if not a then return false end
  for i = 1, count do
    if a[i] ~= b[i] then return false end
  end
  return true
end

--- The value, computed anew only when one of the stores has changed.
---@return any
function Derived:get()
  local roots = roots_of(self)
  if not same_roots(self.roots, roots, #self.stores) then
    self.value = self.fn(table.unpack(roots, 1, #self.stores))
    self.roots = roots
  end
  return self.value
end

local function is_shallow_equal(a, b)
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

-- A subscriber to a derived value, with the value it was last called with. The first value is computed
-- from the states at the time of subscribing (of the swap, for subscriptions at the top level), which
-- the selectors receive. It is not called before all stores exist.
local Subscriber = {}
Subscriber.__index = Subscriber

function Subscriber:note(i, root)
  if self.complete then return end
  if not self.noted[i] then self.missing = self.missing - 1 end
  self.roots[i], self.noted[i] = root, true
  self.complete = self.missing == 0
end

function Subscriber:begin()
  local derived = self.derived
  local ok, value = pcall(derived.fn, table.unpack(self.roots, 1, #derived.stores))
  self.last, self.begun, self.roots = ok and value or nil, true, {}
  if ok and value == false then self.last = false end
end

function Subscriber:notify()
  if not self.complete then return end
  local immediate = self.immediate
  self.immediate = false
  if not self.begun and not immediate then self:begin() end
  local value, old = self.derived:get(), self.last
  if self.begun and self.equals(value, old) then return end
  self.last, self.begun = value, true
  self.fn(value, old)
end

--- Calls fn(new, old) when the derived value has changed, once after each turn.
---@param fn fun(new: any, old: any)
---@param options? { fire_immediately?: boolean, equals?: fun(new: any, old: any): boolean }
---@return tidelock.Handler
function Derived:subscribe(fn, options)
  checks.check("store:subscribe", options, { "fire_immediately", "equals" })
  options = options or {}
  local immediate = options.fire_immediately
  local subscriber = setmetatable({ derived = self, fn = fn, equals = options.equals or is_shallow_equal,
    immediate = immediate, roots = {}, noted = {}, missing = #self.stores }, Subscriber)
  local handles = {}
  for i, store in ipairs(self.stores) do
    local function note(root)
      subscriber:note(i, root)
      return root
    end
    local function notify() subscriber:notify() end
    handles[i] = store:subscribe(note, notify, { fire_immediately = immediate })
  end
  return { off = function() for _, handle in ipairs(handles) do handle:off() end end }
end

--- A value computed from stores: fn gets their states, in order, and may not wait.
---@param stores tidelock.Store[]
---@param fn fun(...): any
---@return tidelock.Derived
function M.derive(stores, fn, none)
  checks.none("store.derive", none)
  if type(stores) ~= "table" or type(fn) ~= "function" then
    error("derive takes a list of stores and a function", 2)
  end
  return setmetatable({ stores = stores, fn = fn }, Derived)
end

return M
