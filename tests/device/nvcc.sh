#!/bin/sh
# tests/device/nvcc.sh NVCC FOLDER FILES...
#
# Compiles each file for sm_80 and sm_90 with FOLDER as include path, warnings being errors. A header must compile alone,
# for sm_80, and all of them together; other files must not spill registers. Two compilers at a time.
set -eu
nvcc=$1
folder=$2
shift 2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

: > "$out/headers.cu"
number=0
for file in "$@"; do
  number=$((number + 1))
  echo "#include \"$file\"" > "$out/$number.cu"
  echo "sm_80 $out/$number.cu" >> "$out/jobs"
  case $file in
  *.h) cat "$out/$number.cu" >> "$out/headers.cu" ;;
  *) echo "sm_90 $out/$number.cu" >> "$out/jobs" ;;
  esac
done
echo "sm_90 $out/headers.cu" >> "$out/jobs"

# shellcheck disable=SC2016 # the inner shell's parameters
xargs -P 2 -n 2 sh -c '
  case $(cat "$3") in *.cu\") spills="-Xptxas --warn-on-spills" ;; *) spills= ;; esac
  "$0" -std=c++17 -arch=$2 -Werror all-warnings $spills -I "$1" --cubin "$3" -o "$3.$2" ||
    { echo "does not compile for $2: $(cat "$3")" >&2; exit 1; }' "$nvcc" "$folder" < "$out/jobs"
