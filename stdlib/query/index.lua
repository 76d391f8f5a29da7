-- The keys of a query by prefix and by tag, so that an invalidation costs what it matches. Made when
-- something is first invalidated that way.
--
-- The keys are a tree by their items. A branch is a table: [item text] = branch, and [1] = the key that
-- ends there; what has nothing below it is the key itself.
local keys_of = require "tidelock.query.key"

local M = {}

local Index = {}
Index.__index = Index

local function add_below(branch, items, at, k)
  local item = items[at]
  local below = branch[item]
  if at == #items then
    if type(below) == "table" then below[1] = k else branch[item] = k end
    return
  end
  if type(below) ~= "table" then
    below = { below }
    branch[item] = below
  end
  add_below(below, items, at + 1, k)
end

-- Returns whether nothing is left of the branch.
local function remove_below(branch, items, at)
  local item = items[at]
  local below = branch[item]
  if type(below) ~= "table" then branch[item] = nil
  elseif at == #items then below[1] = nil
  elseif remove_below(below, items, at + 1) then branch[item] = nil end
  if at == #items and type(below) == "table" and next(below) == nil then branch[item] = nil end
  return next(branch) == nil
end

local function collect(branch, keys)
  if type(branch) ~= "table" then
    keys[#keys + 1] = branch
    return keys
  end
  for _, below in pairs(branch) do collect(below, keys) end
  return keys
end

function Index:add(k, tags)
  add_below(self.root, keys_of.items(k), 1, k)
  self:untag(k)
  if not tags then return end
  self.tags_of[k] = tags
  for _, tag in ipairs(tags) do
    self.tagged[tag] = self.tagged[tag] or {}
    self.tagged[tag][k] = true
  end
end

function Index:untag(k)
  for _, tag in ipairs(self.tags_of[k] or {}) do
    local keys = self.tagged[tag]
    keys[k] = nil
    if next(keys) == nil then self.tagged[tag] = nil end
  end
  self.tags_of[k] = nil
end

function Index:remove(k)
  remove_below(self.root, keys_of.items(k), 1)
  self:untag(k)
end

--- The keys that begin with the items of a key's text; with `exact`, that key alone.
function Index:under(text)
  local branch = self.root
  for _, item in ipairs(keys_of.items(text)) do
    branch = type(branch) == "table" and branch[item] or nil
    if branch == nil then return {} end
  end
  return collect(branch, {})
end

function Index:with_tag(tag)
  local keys = {}
  for k in pairs(self.tagged[tag] or {}) do keys[#keys + 1] = k end
  return keys
end

--- An empty index.
function M.new() return setmetatable({ root = {}, tagged = {}, tags_of = {} }, Index) end

return M
