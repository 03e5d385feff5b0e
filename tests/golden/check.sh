#!/bin/sh
# check.sh BIN CASE
#
# Generates a case twice: both runs give the same bytes, and those of expected/.
set -eu
bin=$1 case=$2 here=$(cd "$(dirname "$0")" && pwd)
. "$here/generate.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/first" "$work/second"
generate "$work/first" "$case"
generate "$work/second" "$case"
diff -r "$work/first" "$work/second" || { echo "$case: two runs differ" >&2; exit 1; }
for file in "$work"/first/*; do
  diff -u "$here/expected/${file##*/}" "$file" || {
    echo "$case: ${file##*/} has changed; if that is meant, run tests/golden/bless.sh" >&2
    exit 1
  }
done
