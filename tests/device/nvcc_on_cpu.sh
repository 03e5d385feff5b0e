#!/bin/bash
# In the place of nvcc, as CUDACXX: the same command line, but the program runs on the CPU (runtime/device/on_cpu.h).
set -euo pipefail
arguments=()
while (($#)); do
  case $1 in
    -gencode* | -ftz=* | -cudart=* | --threads=* | -O2) ;;
    -Xcompiler) arguments+=("$2") && shift ;;
    *.cu) arguments+=(-xc++ "$1" -xnone) ;;
    *) arguments+=("$1") ;;
  esac
  shift
done
exec "${CXX:-c++}" -O1 "${arguments[@]}"
