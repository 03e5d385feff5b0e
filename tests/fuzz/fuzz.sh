#!/bin/sh
# fuzz.sh PROGRAM ARGUMENTS...: one fuzzer, as ctest runs it.
exec "$@" -seed=1 -max_total_time="${HORNFELS_FUZZ_SECONDS:-12}" -rss_limit_mb=512 -timeout=60 -print_final_stats=1 \
    -verbosity=0
