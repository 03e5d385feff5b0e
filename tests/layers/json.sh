#!/bin/sh
# json.sh HORNFELS FOLDER: every model that Keras wrote into FOLDER is read without an error.
set -eu
count=0
for file in "$2"/*.json; do
  "$1" check "$file" || { echo "json.sh: $file is refused" >&2; exit 1; }
  count=$((count + 1))
done
[ "$count" -ge 5 ] || { echo "json.sh: only $count models in $2" >&2; exit 1; }
