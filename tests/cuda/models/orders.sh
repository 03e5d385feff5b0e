#!/bin/sh
# orders.sh PROGRAM MODEL: the tests of a model with the threads of a block in order, backward and shuffled. All must pass
# and leave the same bytes.
set -eu
bytes=$(mktemp -d)
trap 'rm -rf "$bytes"' EXIT
export HORNFELS_STRICT_DEVICE=1 HORNFELS_LATE_STREAMS=1
for order in forward backward 1; do
  echo "threads: $order"
  HORNFELS_FIBER_SEED=$order HORNFELS_BYTES=$bytes/$order "$1" --gtest_filter="*/$2" --gtest_brief=1
done
test -s "$bytes/forward"
for order in backward 1; do
  cmp "$bytes/forward" "$bytes/$order"
done
