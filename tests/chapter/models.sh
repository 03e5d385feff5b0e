#!/bin/sh
# models.sh TOOL FOLDER: every model of the folder is right, and is named as its file.
set -eu
tool=$1 folder=$2
count=0
for file in "$folder"/*.horn; do
    name=$(basename "$file" .horn)
    "$tool" check "$file" --model "$name"
    grep -q "^train $name {" "$file" || { echo "$file: has no train block for $name"; exit 1; }
    count=$((count + 1))
done
echo "$count models"
test "$count" -gt 0
