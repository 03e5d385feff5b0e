#!/bin/sh
# bless.sh BUILD [CASE ...]
#
# Shows how the generated text of the cases (all, if none is named) differs from expected/, and takes it over.
set -eu
here=$(cd "$(dirname "$0")" && pwd) bin=$(cd "$1/bin" && pwd)
shift
. "$here/generate.sh"
[ $# -gt 0 ] || set -- $(cd "$here" && ls ./*.mlir ./*.horn | sed 's|^\./||; s|\.[a-z]*$||')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for case; do
  generate "$work" "$case"
done
mkdir -p "$here/expected"
for file in "$work"/*; do
  diff -uN "$here/expected/${file##*/}" "$file" || true
  cp "$file" "$here/expected"
done
