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

"$tool" emit "$root/models/imdb.horn" -o user/imdb --embed-weights weights.npz
"$tool" emit "$root/tests/embed/mixed.horn" -o user/mixed
cp "$root/tests/embed/user.cpp" user/main.cpp
cp "$root/tests/embed/user_class.cpp" "$root/tests/embed/user_shared.cpp" "$root/tests/embed/user_loads.cpp" user
# The same as main.cpp, with the weights that the library has inside.
sed -e 's/#include "imdb.h"/#include "imdb_weights.h"/' -e 's/char \*\*arguments/char **/' \
    -e 's/imdb_load(model, arguments\[1\], error, sizeof error)/imdb_load_embedded(model)/' user/main.cpp > user/inside.cpp
grep -q 'imdb_load_embedded(model)' user/inside.cpp
cat > user/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.16)
project(user CXX)
add_subdirectory(imdb)
add_executable(user main.cpp)
target_link_libraries(user PRIVATE imdb)
add_executable(user_inside inside.cpp)
target_link_libraries(user_inside PRIVATE imdb)
add_executable(user_class user_class.cpp)
target_compile_options(user_class PRIVATE -fno-exceptions -fno-rtti)
target_link_libraries(user_class PRIVATE imdb)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set_target_properties(imdb PROPERTIES POSITION_INDEPENDENT_CODE ON)
add_subdirectory(mixed)
add_library(both SHARED user_shared.cpp)
target_compile_features(both PRIVATE cxx_std_20)
target_compile_options(both PRIVATE -fno-exceptions -fno-rtti)
target_link_libraries(both PRIVATE imdb mixed)
target_link_options(both PRIVATE -Wl,--no-undefined)
add_executable(user_loads user_loads.cpp)
target_link_libraries(user_loads PRIVATE ${CMAKE_DL_LIBS})
CMAKE
cmake -S user -B build -DCMAKE_CXX_FLAGS="-Wall -Wextra -Wconversion -Wshadow -Werror" > configure.txt
cmake --build build > build.txt 2>&1 || { cat build.txt; exit 1; }
./build/user weights.npz > user.txt
cat user.txt
rm user/imdb/imdb_weights.bin
./build/user_inside > user_inside.txt
cmp user.txt user_inside.txt
# By the C++ header: the same numbers.
./build/user_class weights.npz > user_class.txt || { cat user_class.txt; exit 1; }
cmp user.txt user_class.txt
# Two models in one shared object.
./build/user_loads ./build/libboth.so

# Weights in the program itself: the same predictions without --weights; what does not fit is refused when it compiles.
"$tool" build "$root/models/imdb.horn" -o alone --embed-weights weights.npz
./imdb predict --data data.npz --weights weights.npz -o by_file.npy --verbose 0
./alone predict --data data.npz -o by_itself.npy --verbose 0
cmp by_file.npy by_itself.npy
./imdb evaluate --data data.npz --weights weights.npz --verbose 0 > by_file.txt
./alone evaluate --data data.npz --verbose 0 > by_itself.txt
cmp by_file.txt by_itself.txt
./alone selftest > selftest.txt || { cat selftest.txt; exit 1; }
if "$tool" build "$root/models/reuters.horn" -o wrong --embed-weights weights.npz 2> misfit.txt; then
    echo "weights of another model were embedded"; exit 1
fi
grep -q "weights.npz: " misfit.txt
if [ -e wrong ]; then echo "a program was built with weights of another model"; exit 1; fi

# A wrong file is named, and the program goes on to say so.
if ./build/user data.npz > refused.txt; then echo "data were taken for weights"; exit 1; fi
grep -q "data.npz" refused.txt
