#!/bin/sh
# embed.sh TOOL SYNTHETIC ROOT FOLDER: a program outside the project that has only what `emit` wrote.
set -eu
tool=$1 synthetic=$2 root=$3 folder=$4
rm -rf "$folder"
mkdir -p "$folder/user"
cd "$folder"

# Weights: of a program trained on a small synthetic set.
"$synthetic" imdb data.npz
"$tool" build "$root/models/imdb.horn" -o imdb
./imdb train --data data.npz --epochs 1 --seed 1 --verbose 0 --weights weights.npz > train.txt

"$tool" emit "$root/models/imdb.horn" -o user/imdb
cp "$root/tests/embed/user.cpp" user/main.cpp
cp "$root/tests/embed/user_class.cpp" user/user_class.cpp
cat > user/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.16)
project(user CXX)
add_subdirectory(imdb)
add_executable(user main.cpp)
target_link_libraries(user PRIVATE imdb)
add_executable(user_class user_class.cpp)
target_compile_options(user_class PRIVATE -fno-exceptions -fno-rtti)
target_link_libraries(user_class PRIVATE imdb)
CMAKE
cmake -S user -B build -DCMAKE_CXX_FLAGS="-Wall -Wextra -Wconversion -Wshadow -Werror" > configure.txt
cmake --build build > build.txt 2>&1 || { cat build.txt; exit 1; }
./build/user weights.npz > user.txt
cat user.txt
# By the C++ header: the same numbers.
./build/user_class weights.npz > user_class.txt || { cat user_class.txt; exit 1; }
cmp user.txt user_class.txt

# A wrong file is named, and the program goes on to say so.
if ./build/user data.npz > refused.txt; then echo "data were taken for weights"; exit 1; fi
grep -q "data.npz" refused.txt
