#!/bin/sh
# same_code.sh TOOL MODELS KERAS FOLDER: each model of MODELS and its form in Keras's JSON become the same code. Names are
# made the same in the JSON; comments and the places that messages name are left out of the code, and batch_size and epochs,
# which JSON has not, of the Horn form. `boston_own` has no JSON; in `mnist` buffers are named otherwise, and pairs_test.cpp has it.
set -eu
tool=$1 models=$2 keras=$3 folder=$4
rm -rf "$folder"
mkdir -p "$folder"
code() { sed -e 's,//.*,,' -e 's,/\*.*,,' -e 's,^ \* .*,,' -e 's,"[^"]*\(horn\|json\):[0-9:]*",PLACE,g' -e '/^$/d' "$1"; }
count=0
for file in "$keras"/*.json; do
    name=$(basename "$file" .json)
    case $name in
    imdb*) input=review output=sentiment ;;
    reuters*) input=newswire output=topic ;;
    boston*) input=house output=price ;;
    *) continue ;;
    esac
    tokens=
    [ $input = house ] || tokens="--tokens $input"
    last=$(grep -o '"name": "dense[_0-9]*"' "$file" | tail -n 1 | cut -d '"' -f 4)
    sed -e "s/\"$last\"/\"$output\"/g" -e "s/\"keras_$name\"/\"$name\"/" -e "s/\"input_layer\"/\"$input\"/" \
        "$file" > "$folder/$name.json"
    "$tool" emit "$folder/$name.json" $tokens -o "$folder/keras_$name"
    sed '/^ *\(batch_size\|epochs\) *=/d' "$models/$name.horn" > "$folder/$name.horn"
    "$tool" emit "$folder/$name.horn" -o "$folder/$name"
    for end in cpp h hpp; do
        code "$folder/keras_$name/$name.$end" > "$folder/keras.txt"
        code "$folder/$name/$name.$end" > "$folder/horn.txt"
        test -s "$folder/horn.txt"
        diff "$folder/keras.txt" "$folder/horn.txt" || { echo "$name.$end differs: Keras <, Horn >"; exit 1; }
    done
    count=$((count + 1))
done
echo "$count models"
test "$count" -ge 14
