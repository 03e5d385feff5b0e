#!/bin/sh
# models/run.sh [MODEL] [ARGUMENTS OF train]
#
# From a bare Debian 12 to a trained model: builds the tool, compiles models/MODEL.horn (default imdb) into a program,
# and trains it. Data: $HORNFELS_DATA/MODEL.npz, else Keras's file that `hornfels data` keeps in its cache or fetches,
# else a synthetic set; of characters $HORNFELS_DATA/tinyshakespeare.txt. `models/run.sh chapter` runs every experiment of the book's third chapter (chapter.sh).
set -eu
cd "$(dirname "$0")/.."
. models/set-up.sh

model=${1:-imdb}
[ $# -eq 0 ] || shift
if [ "$model" != chapter ] && [ ! -f "models/$model.horn" ]; then
    echo "models/run.sh: no model models/$model.horn; there are: $(cd models && echo *.horn)" >&2
    exit 2
fi

install_missing $packages
configure
show cmake --build "$build" --parallel "$(nproc)" --target hornfels hornfels_runtime hornfels-synthetic hornfels-baseline
if [ "$model" = chapter ]; then
    show sh models/chapter.sh "$build/bin/hornfels" "$build/bin/hornfels-baseline" "$build/models/chapter"
    exit
fi

output=$build/models
mkdir -p "$output"
# The data set of a model is in its name: reuters_bottleneck trains on reuters. Those named for their kind see digits.
set=${model%%_*}
case $set in resnet | inception | autoencoder) set=mnist ;; esac
file=$set.npz
[ "$set" != characters ] || file=tinyshakespeare.txt
data=
if [ -n "${HORNFELS_DATA:-}" ] && [ -f "$HORNFELS_DATA/$file" ]; then
    data=$HORNFELS_DATA/$file
else
    case $set in
    imdb | reuters | boston | mnist) data=$("$build/bin/hornfels" data "$set") || data= ;;
    esac
fi
if [ -z "$data" ]; then
    data=$output/$set-synthetic.npz
    case $set in
    imdb | reuters) ;;
    *)
        echo "models/run.sh: no data for $set: HORNFELS_DATA names no folder with $file" >&2
        exit 3
        ;;
    esac
    [ -f "$data" ] || show "$build/bin/hornfels-synthetic" "$set" "$data"
    echo "No real data were found (HORNFELS_DATA is a folder with $set.npz; \`hornfels data $set\` fetches it): training on SYNTHETIC data."
    echo "The figures below say nothing about the real set."
fi

# Of a text the end is held out, unless something else is said; the program writes some text of its own afterwards.
case "$set $*" in
*--validation*) ;;
characters*) set -- --validation-split 0.1 "$@" ;;
esac
show "$build/bin/hornfels" build "models/$model.horn" -o "$output/$model"
show "$output/$model" train --data "$data" --seed 1 --weights "$output/$model-weights.npz" "$@"
[ "$set" != characters ] || show "$output/$model" generate --weights "$output/$model-weights.npz" --temperature 0.5
