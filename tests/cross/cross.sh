#!/bin/sh
# cross.sh TOOL ROOT FOLDER CPU: the code for a processor whose vectors are not this one's. Its products must keep their
# sums in vector registers, and its numbers must agree with those of this machine's code (under an emulator where the
# processor is another one). Exit code 77: a compiler or an emulator is missing.
set -eu
tool=$1 root=$2 folder=$3 cpu=$4
case $cpu in
armv8) # 8 rows by 2 vectors of sums
    compiler=aarch64-linux-gnu-g++ disassembler=aarch64-linux-gnu-objdump run="qemu-aarch64-static -L /usr/aarch64-linux-gnu"
    march=armv8-a tile=16 vector='\tfmla\tv' scalar='\tf(n?madd|n?msub)\t' stack='\\[sp' ;;
x86-64-v3) # 6 rows by 2 vectors
    compiler=g++ disassembler=objdump run=
    march=x86-64-v3 tile=12 vector='\tvfn?m(add|sub)[0-9]+ps .*%ymm' scalar='\tvfn?m(add|sub)[0-9]+ss' stack='\\((%rsp|%rbp)' ;;
esac
for needed in $compiler $disassembler ${run%% *}; do
    if ! command -v "$needed" > /dev/null; then echo "skipped: no $needed"; exit 77; fi
done
rm -rf "$folder"
mkdir -p "$folder"
flags="-std=c++17 -O2 -fno-math-errno -fno-trapping-math -ffp-contract=fast -pthread -static"

build() { # COMPILER CPU MARCH: the emitted sources and the test's main
    "$tool" emit "$root/tests/cross/mlp.horn" --cpu="$2" -o "$folder/$2"
    "$1" $flags -march="$3" -I"$folder/$2" -c "$folder/$2/mlp.cpp" -o "$folder/$2.o"
    "$1" $flags -march="$3" -I"$folder/$2" "$root/tests/cross/step.cpp" "$folder/$2.o" \
        "$folder/$2"/runtime/core/*.cpp -o "$folder/$2.program"
}

build $compiler "$cpu" $march
$disassembler -d --no-show-raw-insn "$folder/$cpu.o" |
    awk -v vector="$vector" -v scalar="$scalar" -v stack="$stack" -f "$root/tests/cross/loops.awk" > "$folder/$cpu.loops"
for product in dense_forward dense_1_forward dense_1_backward dense_kernel_update dense_1_kernel_update; do
    # A narrower last panel may put a mask in the place of one sum; whole panels have all of theirs in registers.
    awk -v product="$product" -v tile=$tile '
        index($1, "_ZL" length(product) product) == 1 && $2 + $3 >= tile { ++loops; clean += !$4; if ($2 != tile || $3) wrong = $0 }
        END { if (loops && 2 * clean >= loops && !wrong) exit 0
              print product ": " (wrong ? "a loop has " wrong : clean + 0 " of " loops + 0 " loops keep their sums in registers"); exit 1 }' \
        "$folder/$cpu.loops"
done
echo "$(awk -v tile=$tile '$2 == tile && !$3 && !$4' "$folder/$cpu.loops" | wc -l) loops of $tile sums in vector registers"

if [ "$cpu" = x86-64-v3 ] && ! grep -qw avx2 /proc/cpuinfo; then echo "this processor has no AVX2: not run"; exit 0; fi
$run "$folder/$cpu.program" > "$folder/$cpu.txt"
"$tool" emit "$root/tests/cross/mlp.horn" --cpu=native --fuse=none -o "$folder/native"
g++ $flags -march=native -I"$folder/native" "$root/tests/cross/step.cpp" "$folder"/native/mlp.cpp \
    "$folder"/native/runtime/core/*.cpp -o "$folder/native.program"
"$folder/native.program" > "$folder/native.txt"
paste "$folder/native.txt" "$folder/$cpu.txt" | awk '
    NF != 2 { print "line " NR ": " $0; exit 1 }
    { d = $1 - $2; a = $1 < 0 ? -$1 : $1; d = (d < 0 ? -d : d) / (1 + a); if (!(d <= worst)) { worst = d; at = NR } }
    END { print NR " numbers, the worst differs by " worst " in line " at; exit !(NR > 100000 && worst <= 1e-5) }'
