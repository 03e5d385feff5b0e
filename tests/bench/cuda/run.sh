#!/bin/sh
# tests/bench/cuda/run.sh [--tool HORNFELS] [--folder DIR] [--only PARTS] [--minutes N] [--dry]
#
# On a machine with a device and its toolkit: builds the tool (unless told which), prepares a folder, then builds, checks and
# times everything in it (README.md). Without the tool's own needs on that machine: prepare.sh elsewhere, OUTDIR/run.sh there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
tool= folder=
arguments=
while [ $# -gt 0 ]; do
    case $1 in
    --tool) tool=$2 && shift ;;
    --tool=*) tool=${1#*=} ;;
    --folder) folder=$2 && shift ;;
    --folder=*) folder=${1#*=} ;;
    *) arguments="$arguments $1" ;; # none of them has spaces
    esac
    shift
done
if [ -z "$tool" ]; then
    cd "$root"
    . models/set-up.sh
    install_missing $packages
    configure
    show cmake --build "$build" --parallel "$(nproc)" --target hornfels
    tool=$root/$build/bin/hornfels
    case $build in /*) tool=$build/bin/hornfels ;; esac
fi
folder=${folder:-${XDG_CACHE_HOME:-$HOME/.cache}/hornfels-bench/cuda}
mkdir -p "$(dirname "$folder")"
"$here/prepare.sh" "$folder" --tool "$tool"
exec "$folder/run.sh" $arguments
