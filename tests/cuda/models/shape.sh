#!/bin/sh
# shape.sh MODEL.horn KIND: the model as these tests train it, on standard output.
#   own      with its own optimizer
#   descent  with plain descent at rate 1: a step moves each weight by its gradient
# What takes the CPU long in CUDA's place has fewer places; its channels, which kernels are shaped by, stay.
set -eu
case $1 in
*/characters.horn) smaller='s/i32\[100\]/i32[9]/; s/lstm(256/lstm(96/' ;; # a device's orthonormal rows are one block's
*/inception.horn) smaller='s/28/16/g' ;; # resnet stays: moments of four places magnify what rounding leaves
*/imdb_lstm.horn) smaller='s/pad(200)/pad(40)/' ;;
*) smaller= ;;
esac
case $2 in
descent) optimizer='s/^\( *optimizer *= \).*/\1sgd(learning_rate = 1.0)/' ;;
own) optimizer= ;;
esac
sed -e "$smaller" -e "$optimizer" "$1"
