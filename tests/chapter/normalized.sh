#!/bin/sh
# normalized.sh TOOL MODELS FOLDER: what train makes of a layer that adapts, on made-up houses: held-out rows do not
# matter, weights carry the states, a resumed run ends in the same bytes, weights to start from are not adapted again.
set -eu
tool=$1 models=$2 folder=$3
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
"$tool" build "$models/boston.horn" -o boston
# houses FILE SCALE FROM TO: rows FROM to TO are SCALE times what they are elsewhere
houses() {
    awk -v scale="$2" -v from="$3" -v to="$4" 'BEGIN {
        for (i = 0; i < 13; ++i) printf "house_%d,", i
        print "price"
        for (row = 0; row < 200; ++row) {
            sum = 0
            for (i = 0; i < 13; ++i) {
                x = ((row * 7919 + i * 104729) % 1009) / 1009 * 10 ^ (i % 4)
                if (row >= from && row <= to) x *= scale
                sum += x / 10 ^ (i % 4)
                printf "%.4f,", x
            }
            printf "%.3f\n", 10 + 3 * sum
        }
    }' > "$1"
}
houses plain.csv 1 0 0
houses held-out.csv 9 0 39
houses trained.csv 9 100 139
train() {
    data=$1 to=$2
    shift 2
    ./boston train --data "$data" --seed 1 --verbose 0 --weights "$to" "$@"
}
differ() { if cmp -s "$1" "$2"; then echo "$1 and $2 are the same"; exit 1; fi; }

train plain.csv plain.npz --validation 40 --epochs 6 --test-data plain.csv > plain.txt
train held-out.csv held-out.npz --validation 40 --epochs 6
cmp plain.npz held-out.npz
train trained.csv trained.npz --validation 40 --epochs 6
differ plain.npz trained.npz

./boston evaluate --data plain.csv --weights plain.npz --verbose 0 > again.txt
cmp plain.txt again.txt
grep -q '^test mae ' again.txt

train plain.csv half.npz --validation 40 --checkpoint saved --epochs 3
train plain.csv resumed.npz --validation 40 --checkpoint saved --resume --epochs 6
cmp plain.npz resumed.npz

# One epoch at a rate that moves nothing, on other rows: the file that comes out is the one that went in.
train trained.csv still.npz --initial-weights plain.npz --epochs 1 --learning-rate 1e-30
cmp plain.npz still.npz

# Fold 1 of 5 trains on rows 40 and on, the same in both files, fold 2 does not: their losses in training say so.
for data in plain held-out; do
    ./boston train --data $data.csv --kfold 5 --epochs 2 --seed 1 --history folds.json > folds.txt
    test "$(grep -c '^fold ' folds.txt)" = 5
    grep '"loss"' folds.json | sed -n 2p > $data-1.txt
    grep '"loss"' folds.json | sed -n 3p > $data-2.txt
done
test -s plain-1.txt
cmp plain-1.txt held-out-1.txt
differ plain-2.txt held-out-2.txt
echo "a layer that adapts sees the training rows and no others"
