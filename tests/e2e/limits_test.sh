#!/usr/bin/env bash
# What scripts may use: depth, processor time, wall clock, memory. See also tests/lua/depth_test.lua
# and tests/lua/sandbox_test.lua.
. "$ROOT/tests/e2e/run.bash"

# --- depth, with stacks of other sizes -----------------------------------------------------------
for stack in 6144 8192 65536; do
  out=$(ulimit -s $stack && timeout -k 1 60 "$TIDELOCK" test "$ROOT/tests/lua/depth_test.lua" 2>&1)
  is "depth: every nesting raises with a stack of $stack KB" "$?" 0
done
save chain.lua <<'END'
local last
for _ = 1, 15000 do
  local inner = last
  last = coroutine.create(function()
    local _ <close> = setmetatable({}, { __close = function()
      if inner then assert(coroutine.close(inner)) end
    end })
    coroutine.yield()
  end)
  coroutine.resume(last)
end
assert(coroutine.close(last))
END
for command in check "run --memory"; do
  # shellcheck disable=SC2086
  run_to $command chain.lua
  is "depth: $command ends a chain at the top level with an error, not a signal" \
    "$((status == 1 || status == 78))" 1
  expect "depth: and says why ($command)" 'C stack overflow'
done
finish
