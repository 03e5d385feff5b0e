#!/bin/sh
# reviews.sh PROGRAM FOLDER: an epoch of the reviews with 1, 2, 4 and 8 threads leaves the same weights, byte for byte.
set -eu
program=$1 folder=$2
data=imdb.npz
if [ -z "${HORNFELS_DATA:-}" ] || [ ! -f "$HORNFELS_DATA/$data" ]; then
    echo "skipped: HORNFELS_DATA names no folder with $data"
    exit 77
fi
rm -rf "$folder"
mkdir -p "$folder"
for threads in 1 2 4 8; do
    "$program" train --data "$HORNFELS_DATA/$data" --epochs 1 --seed 1 --threads "$threads" --verbose 0 \
        --weights "$folder/$threads.npz" > "$folder/$threads.txt"
    cmp "$folder/1.npz" "$folder/$threads.npz"
done
# Weights of another seed are other bytes: the comparison sees a difference.
"$program" train --data "$HORNFELS_DATA/$data" --epochs 1 --seed 2 --threads 2 --verbose 0 \
    --weights "$folder/other.npz" > "$folder/other.txt"
if cmp -s "$folder/1.npz" "$folder/other.npz"; then echo "another seed gave the same weights"; exit 1; fi
cat "$folder/8.txt"
