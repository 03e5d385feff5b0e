# generate FOLDER CASE: the generated text of a case, in FOLDER. Read by check.sh and bless.sh, which say what $bin and
# $here are. A case is a module of the elaborator's form (CASE.mlir) or a model (CASE.horn; with its unfused kernels
# where the first line says so).
generate() {
  if [ -e "$here/$2.mlir" ]; then
    (cd "$here" && "$bin/golden_print" "$2.mlir") >"$1/$2.cpp"
    header=$(sed -n 's|^#include "\([^/]*\.h\)"$|\1|p' "$1/$2.cpp")
    (cd "$here" && "$bin/golden_print" "$2.mlir" --header) >"$1/$header"
    return
  fi
  fusions=all
  ! head -n 1 "$here/$2.horn" | grep -q unfused || fusions="all none"
  for fuse in $fusions; do
    (cd "$here" && "$bin/hornfels" emit "$2.horn" -o "$1/emitted" --cpu=x86-64-v4 --fuse=$fuse)
    if [ $fuse = all ]; then cp "$1/emitted/$2.cpp" "$1/emitted/$2.h" "$1"; else cp "$1/emitted/$2.cpp" "$1/$2-unfused.cpp"; fi
    rm -rf "$1/emitted"
  done
}
