#!/bin/sh
# sources.sh TOOL ROOT FOLDER: what is emitted is the same bytes each time, and compiles without a warning with both
# compilers, fused and unfused, for each vector width, in f32 and f64.
set -eu
tool=$1 root=$2 folder=$3
rm -rf "$folder"
mkdir -p "$folder"
strict="-std=c++17 -Wall -Wextra -Wconversion -Wshadow -Werror -fno-math-errno -fno-trapping-math -ffp-contract=fast"
count=0
compile() { # COMPILER FLAGS DIRECTORY NAME
    $1 $strict $2 -I"$3" -c "$3/$4.cpp" -o "$3/$4.o"
    count=$((count + 1))
}
for model in "$root"/models/imdb.horn "$root"/models/reuters.horn "$root"/tests/embed/mixed.horn; do
    name=$(basename "$model" .horn)
    for options in "--fuse=all --cpu=x86-64-v4" "--fuse=none --cpu=x86-64-v3" "--fuse=all --cpu=x86-64-v3 --real=f64"; do
        out=$folder/$name-$(echo "$options" | tr -cd 'a-z0-9')
        "$tool" emit "$model" -o "$out" $options
        "$tool" emit "$model" -o "$out-again" $options
        cmp "$out/$name.cpp" "$out-again/$name.cpp"
        cmp "$out/$name.h" "$out-again/$name.h"
        cmp "$out/$name.hpp" "$out-again/$name.hpp"
        printf '#include "%s.hpp"\n' "$name" > "$out/class.cpp"
        march=x86-64-v3
        case $options in *v4*) march=x86-64-v4 ;; esac
        for compiler in g++ clang++-19; do
            if command -v $compiler > /dev/null; then
                compile $compiler "-O1 -march=$march" "$out" "$name"
                compile $compiler "-fno-exceptions -fno-rtti" "$out" class
            fi
        done
    done
done
echo "$count compilations without a warning"
test "$count" -gt 0
