#!/bin/sh
# run.sh [--only PARTS] [--minutes N] [--dry]: builds, checks and times what lies here. Needs nvcc, g++ and python3 with
# numpy; PyTorch and JAX where they are there (HORNFELS_BENCH_PYTHON: further interpreters to look in, with : between).
cd "$(dirname "$0")" && PYTHONDONTWRITEBYTECODE=1 exec "${PYTHON:-python3}" bench/cuda/main.py "$@"
