#!/bin/bash
# Compares fused with unfused code on more random graphs than ctest does, in chunks.
#   tests/numeric/hunt.sh BUILD FIRST_SEED COUNT [CHUNK]
# BUILD is a build directory with numeric_generate, hornfels_core and GoogleTest. Environment: KIND (random; or
# wide), CXX (c++), JOBS (2), FLAGS (-O1 and warnings as errors), TARGETS (those that this machine runs). Seeds that
# fail are named and their sources kept in BUILD/hunt. TARGETS="cuda x86-64-v3": one side of each graph is CUDA, on the CPU.
set -u
build=$(cd "$1" && pwd) first=$2 count=$3 chunk=${4:-30}
root=$(cd "$(dirname "$0")/../.." && pwd)
cxx=${CXX:-c++} jobs=${JOBS:-2}
flags=${FLAGS:--O1 -Wall -Wextra -Wconversion -Wshadow -Werror}
if [ -z "${TARGETS:-}" ]; then
  case $(uname -m) in
    x86_64) TARGETS=x86-64
      grep -qw avx2 /proc/cpuinfo && TARGETS="x86-64-v3 $TARGETS"
      grep -qw avx512vl /proc/cpuinfo && TARGETS="x86-64-v4 $TARGETS" ;;
    *) TARGETS=armv8 ;;
  esac
fi
targets=($TARGETS)
tests=$root/tests/numeric/numeric_test.cpp
[ "${KIND:-random}" = wide ] && tests="$tests $root/tests/numeric/wide_test.cpp $root/tests/numeric/abi_test.cpp $root/tests/numeric/Allocations.cpp"
failed=0
mkdir -p "$build/hunt"
host=
if [[ " $TARGETS " == *" cuda "* ]]; then
  host=$build/hunt/program.o
  "$cxx" -std=c++17 -O1 -xc++ -I"$root" -c "$root/runtime/device/program.cu" -o "$host" || exit 1
fi
for ((seed = first; seed < first + count; seed += chunk)); do
  n=$((first + count - seed < chunk ? first + count - seed : chunk))
  work=$build/hunt/$seed
  rm -rf "$work" && mkdir -p "$work"
  "$build/bin/numeric_generate" "${KIND:-random}" "$work" "$seed" "$n" "${targets[@]}" || failed=1
  while read -r side target; do
    [ "$target" = armv8 ] && target=armv8-a
    [ -e "$work/$side.cu" ] && echo "-xc++ $work/$side.cu"
    [ -e "$work/$side.cpp" ] && echo "-march=$target $work/$side.cpp"
  done < "$work/targets.txt" | xargs -P "$jobs" -L 1 bash -c '"$0" -std=c++17 '"$flags"' -fno-math-errno -fno-trapping-math \
      -ffp-contract=fast -I'"$root"' "$1" -c "$2" -o "${2%.*}.o" || echo "$2 does not compile"' "$cxx" || failed=1
  # One that does not compile has been named; the others run.
  for source in "$work"/graph*.c{pp,u}; do
    [ ! -e "$source" ] || [ -e "${source%.*}.o" ] && continue
    name=$(basename "${source%_*}")
    sed -i "/${name}_/d" "$work/numeric_table.cpp"
    rm -f "$work/${name}"_*.o
  done
  if ! "$cxx" -std=c++20 $flags -w -I"$root" $tests "$work/numeric_table.cpp" \
      "$work"/*.o $host "$build/lib/libhornfels_core.a" -lgtest -lgtest_main -pthread -o "$work/numeric"; then
    echo "seeds $seed to $((seed + n - 1)): no program" && failed=1 && continue
  fi
  if "$work/numeric" >"$work/log" 2>&1; then
    grep -c ' worst against the evaluation' "$work/log" | sed "s/\$/ graphs from $seed agree/"
    rm -rf "$work"
  else
    grep -E 'FAILED|Failure|fused|differs|rror' "$work/log" | head -40
    echo "seeds $seed to $((seed + n - 1)): see $work/log" && failed=1
  fi
done
exit $failed
