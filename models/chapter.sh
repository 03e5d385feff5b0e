#!/bin/sh
# models/chapter.sh TOOL BASELINE FOLDER
#
# Every experiment of the third chapter of "Deep Learning with Python": compiles the models, trains them, and prints a
# table of ours beside the book's. Curves, logs and programs lie in FOLDER. Exit 1: a figure is out of its bounds;
# 77: there are no data. TOOL is hornfels, BASELINE hornfels-baseline; `models/run.sh chapter` builds both.
set -eu
tool=$1 baseline=$2 folder=$3
models=$(cd "$(dirname "$0")" && pwd)
rm -rf "$folder"
mkdir -p "$folder"

data_of() {
    if [ -n "${HORNFELS_DATA:-}" ]; then
        [ -f "$HORNFELS_DATA/$1.npz" ] && echo "$HORNFELS_DATA/$1.npz"
    else
        "$tool" data "$1"
    fi
}
imdb=$(data_of imdb) && reuters=$(data_of reuters) && boston=$(data_of boston) || {
    echo "skipped: HORNFELS_DATA names no folder with imdb.npz, reuters.npz and boston.npz"
    exit 77
}

now() { date +%s.%N; }
since() { echo "$1 $(now)" | awk '{ printf "%.1f", $2 - $1 }'; }
# fit NAME MODEL DATA ARGUMENTS: trains; what it prints is in NAME.txt
fit() {
    name=$1 program=$folder/$2 data=$3
    shift 3
    "$program" train --data "$data" --verbose 0 "$@" > "$folder/$name.txt"
}
# mean_of METRIC NAME...: over these runs, of the line "test METRIC VALUE"
mean_of() {
    metric=$1
    shift
    for name in "$@"; do cat "$folder/$name.txt"; done |
        awk -v metric="$metric" '$1 == "test" && $2 == metric { s += $3; ++n } END { printf "%.4f", s / n }'
}
# best NAME COLUMN SIGN: "EPOCH VALUE LAST" of the lowest value times SIGN in NAME.csv
best() {
    awk -F, -v want="$2" -v sign="$3" '{ sub(/\r$/, "") }
        NR == 1 { for (i = 1; i <= NF; ++i) if ($i == want) column = i; next }
        { last = $column; if (NR == 2 || sign * last < sign * value) { value = last; epoch = NR - 1 } }
        END { print epoch, value, last }' "$folder/$1.csv"
}
# row WHAT OURS BOOK LOW HIGH: a line of the table; an empty bound is none
failed=0
row() {
    said=
    if [ -n "$4$5" ]; then
        said=ok
        echo "$2 $4" | awk '{ exit !(NF < 2 || $1 >= $2) }' || said=OUT
        echo "$2 $5" | awk '{ exit !(NF < 2 || $1 <= $2) }' || said=OUT
    fi
    [ "$said" != OUT ] || failed=1
    bounds="${4:+>= $4 }${5:+<= $5}"
    printf '%-62s %9s %12s   %-16s %s\n' "$1" "$2" "$3" "$bounds" "$said" >> "$folder/table.txt"
}

began=$(now)
printf '%s\n' imdb reuters reuters_sparse reuters_bottleneck boston |
    xargs -P 2 -I MODEL "$tool" build "$models/MODEL.horn" -o "$folder/MODEL"
compiled=$(since "$began")

fit imdb-20 imdb "$imdb" --epochs 20 --validation 10000 --seed 1 --csv-log "$folder/imdb-20.csv" \
    --plot "$folder/imdb-20.svg"
for seed in 1 2 3; do fit imdb-4-$seed imdb "$imdb" --epochs 4 --seed $seed; done
set -- $(best imdb-20 val_loss 1)
row "IMDB, 20 epochs, 10,000 held out: epoch of the lowest val_loss" "$1" "4" 3 5
row "  the last val_loss over the lowest" "$(echo "$3 $2" | awk '{ printf "%.2f", $1 / $2 }')" "rising" 1.2 ""
row "  4 epochs on all: test accuracy, mean of 3 seeds" "$(mean_of accuracy imdb-4-1 imdb-4-2 imdb-4-3)" 0.88 0.872 ""

for seed in 1 2 3; do fit reuters-9-$seed reuters "$reuters" --epochs 9 --seed $seed; done
fit categorical reuters "$reuters" --epochs 9 --validation 1000 --seed 1 --weights "$folder/categorical.npz"
fit sparse reuters_sparse "$reuters" --epochs 9 --validation 1000 --seed 1 --weights "$folder/sparse.npz"
fit reuters-20 reuters "$reuters" --epochs 20 --validation 1000 --seed 1 --csv-log "$folder/reuters-20.csv" \
    --plot "$folder/reuters-20.svg"
fit reuters-4 reuters_bottleneck "$reuters" --epochs 20 --batch-size 128 --validation 1000 --seed 1 \
    --csv-log "$folder/reuters-4.csv" --plot "$folder/reuters-4.svg"
row "Reuters, 9 epochs: test accuracy, mean of 3 seeds" "$(mean_of accuracy reuters-9-1 reuters-9-2 reuters-9-3)" 0.80 0.775 ""
differ=0
cmp -s "$folder/categorical.npz" "$folder/sparse.npz" || differ=1
row "  weight files that differ, categorical and sparse labels" $differ "-" "" 0
wide=$(best reuters-20 val_accuracy -1 | cut -d' ' -f2)
narrow=$(best reuters-4 val_accuracy -1 | cut -d' ' -f2)
row "  highest val_accuracy" "$(printf %.4f "$wide")" 0.80 "" ""
row "  with a layer of 4 units" "$(printf %.4f "$narrow")" 0.71 "" ""
row "  lost, in points" "$(echo "$wide $narrow" | awk '{ printf "%.1f", 100 * ($1 - $2) }')" 8 6 ""
row "  random labels: accuracy" "$("$baseline" "$reuters" | awk '$1 == "one" { print $2 }')" 0.19 0.16 0.22

fit boston-100 boston "$boston" --kfold 4 --epochs 100 --batch-size 1 --seed 1
row "Boston, 4 folds, 100 epochs, batches of 1: mean val_mae" \
    "$(awk '$2 == "val_mae" && $1 == "mean" { printf "%.3f", $3 }' "$folder/boston-100.txt")" 2.6 2.1 3.1
row "  the folds' val_mae" "$(awk '$1 == "fold" { v = $NF + 0; if (low == 0 || v < low) low = v; if (v > high) high = v }
    END { printf "%.1f-%.1f", low, high }' "$folder/boston-100.txt")" "2.1-3.1" "" ""
fit boston-500 boston "$boston" --kfold 4 --epochs 500 --batch-size 1 --seed 1 --history "$folder/boston-500.json" \
    --plot "$folder/boston-500.svg" --plot-smooth 0.9 --plot-skip 10
# The mean history is the file's first "val_mae"; smoothed as in figure 3.13.
set -- $(sed -n 's/^  "val_mae": \[\(.*\)\],$/\1/p' "$folder/boston-500.json" | head -n 1 |
    awk -F', ' '{ for (i = 11; i <= NF; ++i) { s = i == 11 ? $i : 0.9 * s + 0.1 * $i
                  if (i == 11 || s < least) { least = s; epoch = i } } printf "%d %.3f %.3f", epoch, least, s }')
row "  500 epochs: epoch of the lowest smoothed val_mae" "$1" "80" "" ""
row "  that val_mae" "$2" "-" "" ""
row "  the last one" "$3" "rising" "" ""
for seed in 1 2 3; do fit boston-80-$seed boston "$boston" --epochs 80 --batch-size 16 --seed $seed; done
row "  80 epochs, batches of 16: test mae, mean of 3 seeds" "$(mean_of mae boston-80-1 boston-80-2 boston-80-3)" 2.55 "" 2.9

printf '%-62s %9s %12s   %s\n' "experiment" "ours" "the book" "must be"
cat "$folder/table.txt"
echo "compiled in $compiled s; everything in $(since "$began") s. Curves: $(cd "$folder" && echo *.svg) in $folder"
exit $failed
