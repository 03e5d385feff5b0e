#!/bin/sh
# tests/run.sh [ARGUMENTS OF ctest]
#
# From a bare Debian 12 to all suites: builds everything into build/release and runs ctest. HORNFELS_DATA names a
# folder with real data; the tests that need them are skipped without it. Each fuzzer runs for a minute.
set -eu
cd "$(dirname "$0")/.."
. models/set-up.sh

export HORNFELS_FUZZ_SECONDS="${HORNFELS_FUZZ_SECONDS:-60}"
install_missing $packages libgtest-dev clang-19 libclang-rt-19-dev llvm-19-tools python3 python3-numpy g++-aarch64-linux-gnu qemu-user-static strace
configure
show cmake --build "$build" --parallel "$(nproc)"
show ctest --test-dir "$build" --output-on-failure --parallel "$(nproc)" "$@"
