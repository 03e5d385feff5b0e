#!/bin/sh
# optimizers.sh HORNFELS FOLDER: which models are updated lazily, and that the others never are.
set -eu
tool=$1
folder=$2
models=$(dirname "$0")/tables.horn
mkdir -p "$folder"

# count MODEL OPTIONS...: how many tables of a model may be updated lazily
count() {
  name=$1
  shift
  "$tool" emit "$models" --model "$name" -o "$folder/$name" --force "$@" >/dev/null
  grep -c 'if (updates_lazily(' "$folder/$name/$name.cpp" || true
}

expect() {
  found=$(count "$2" ${3:-})
  if [ "$found" != "$1" ]; then
    echo "$2 ${3:-}: $found tables are updated lazily, expected $1" >&2
    exit 1
  fi
}

for name in words counts wide single sums under; do
  expect 1 $name
  expect 0 $name --lazy-rows=never
  expect 0 $name --fuse=none
done
expect 2 two
for name in one rooted_words rising_words adam_words momentum_words heavy_words centered_words shrinking_words bare_words; do
  expect 0 $name
done
