#!/bin/sh
# averages.sh HORNFELS DIRECTORY: when training ends the moving averages of the weights become the weights. With momentum 1
# an average stays what it was after the first step: five epochs of one step leave the weights of one step.
set -eu
rm -rf "$2" && mkdir -p "$2" && cd "$2"
model() {
  printf 'model line(x: real[1]) -> y { y = x |> dense(1) }\n'
  printf 'train line {\n    optimizer = sgd(0.05%s)\n    loss = mse\n    batch_size = 4\n}\n' "$1"
}
model "" >plain.horn
model ", use_ema = true, ema_momentum = 1.0" >averaged.horn
printf 'x,y\n1,2\n2,3\n3,5\n4,8\n' >data.csv
for name in plain averaged; do
  "$1" build "$name.horn" -o "$name"
done
./plain train --data data.csv --epochs 1 --weights one.npz >/dev/null
./plain train --data data.csv --epochs 5 --weights five.npz >/dev/null
./averaged train --data data.csv --epochs 5 --weights averaged.npz >/dev/null
cmp one.npz averaged.npz || { echo "averages.sh: the averages did not become the weights" >&2; exit 1; }
if cmp -s one.npz five.npz; then echo "averages.sh: five steps are as one" >&2; exit 1; fi
