#!/bin/sh
# two_orders.sh HORNFELS FOLDER: an input cannot be read in its order and as a set of ids; a table holds what pad gives.
set -eu
hornfels=$1
folder=$2
mkdir -p "$folder"
refused() { # MODEL PATTERN
    printf '%s\n' "$1" >"$folder/model.horn"
    if "$hornfels" emit "$folder/model.horn" --force -o "$folder/out" 2>"$folder/errors"; then
        echo "accepted: $1" >&2
        exit 1
    fi
    grep -q "$2" "$folder/errors" || { cat "$folder/errors" >&2; exit 1; }
}
refused 'model m(ids: tokens[50]) -> y { y = (ids |> multi_hot |> dense(4)) + (ids |> pad(6) |> embedding(50, 3) |> flatten |> dense(4)) }' \
    "as rows in their order and as sets of ids"
refused 'model m(ids: tokens[50]) -> y { y = ids |> pad(6) |> embedding(40, 3) |> flatten }' "ids below 50 have no place"
refused 'model m(ids: tokens[50]) -> y { y = ids |> pad(6, side = "middle") |> embedding(50, 3) |> flatten }' 'side is "left" or "right"'
