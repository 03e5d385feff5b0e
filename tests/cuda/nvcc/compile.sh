#!/bin/sh
# compile.sh NVCC ROOT HORNFELS MODEL OPTIONS...
#
# Emits a model's CUDA and compiles it for sm_80 and sm_90: no warning, and no kernel spills a register. 77: no nvcc.
set -eu
nvcc=$1
root=$2
[ -x "$nvcc" ] || { echo "no nvcc"; exit 77; }
hornfels=$3
model=$4
shift 4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$hornfels" emit "$model" "$@" --target=cuda -o "$folder/emitted" > /dev/null
name=$(basename "$model" .horn)
"$nvcc" -std=c++17 -gencode arch=compute_80,code=sm_80 -gencode arch=compute_90,code=sm_90 -Werror all-warnings \
  -Xptxas -v -I "$root" -fatbin "$folder/emitted/$name.cu" -o "$folder/fatbin" > "$folder/log" 2>&1 ||
  { cat "$folder/log"; exit 1; }
# "ptxas info : Function properties for F", then what it has on the stack and spills
awk '
  /Function properties for/ { name = $NF }
  /bytes spill stores/ {
    ++count
    if ($0 !~ / 0 bytes spill stores, 0 bytes spill loads/) { print name ": " $0; ++spilling }
  }
  END {
    print count " kernels and functions, " spilling + 0 " with spilled registers"
    exit count == 0 || spilling > 0
  }' "$folder/log"
