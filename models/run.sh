#!/bin/sh
# models/run.sh [MODEL] [ARGUMENTS OF train]
#
# From a bare Debian 12 to a trained model: builds the tool, compiles models/MODEL.horn (default imdb) into a program,
# and trains it. Data: $HORNFELS_DATA/MODEL.npz, else ~/.cache/hornfels/MODEL.npz, else a synthetic set.
set -eu
cd "$(dirname "$0")/.."
. models/set-up.sh

model=${1:-imdb}
[ $# -eq 0 ] || shift
if [ ! -f "models/$model.horn" ]; then
    echo "models/run.sh: no model models/$model.horn; there are: $(cd models && echo *.horn)" >&2
    exit 2
fi

install_missing $packages
configure
show cmake --build "$build" --parallel "$(nproc)" --target hornfels hornfels_runtime hornfels-synthetic

output=$build/models
mkdir -p "$output"
data=
for folder in "${HORNFELS_DATA:-}" "${XDG_CACHE_HOME:-${HOME:-}/.cache}/hornfels"; do
    if [ -n "$folder" ] && [ -f "$folder/$model.npz" ]; then
        data=$folder/$model.npz
        break
    fi
done
if [ -z "$data" ]; then
    data=$output/$model-synthetic.npz
    [ -f "$data" ] || show "$build/bin/hornfels-synthetic" "$model" "$data"
    echo "No real data were found (HORNFELS_DATA is a folder with $model.npz): training on SYNTHETIC data."
    echo "The figures below say nothing about the real set."
fi

show "$build/bin/hornfels" build "models/$model.horn" -o "$output/$model"
show "$output/$model" train --data "$data" --seed 1 --weights "$output/$model-weights.npz" "$@"
