#!/bin/sh
# tests/bench/run.sh [--only W1,W5] [--rounds N] [--quick] [--tool HORNFELS] [--output PATH]
#
# From a bare Debian 12 to the table of the workloads against their rivals: Debian's packages by name, virtual
# environments with pinned versions in a cache, then run.py. Needs the network the first time. HORNFELS_DATA names a
# folder with imdb.npz, reuters.npz, boston.npz and mnist.npz.
set -eu
start=$PWD
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}/hornfels-bench

(
    cd "$here/../.."
    . models/set-up.sh
    # PyTorch without OpenBLAS falls back to the reference BLAS, and is then no rival.
    install_missing g++ cmake make util-linux python3-venv python3-dev python3-numpy python3-torch libopenblas0-pthread \
        libdnnl-dev
    case " $* " in
        *" --tool"*) ;;
        *)
            install_missing $packages
            configure
            show cmake --build "$build" --parallel "$(nproc)" --target hornfels hornfels_runtime
            ;;
    esac

    # A virtual environment of its own for each list: made anew when the list changes.
    mkdir -p "$cache"
    for list in torch frameworks onednn; do
        if ! cmp -s "$here/requirements/$list.txt" "$cache/$list/requirements.txt"; then
            rm -rf "${cache:?}/$list"
            show /usr/bin/python3 -m venv "$cache/$list"
            show "$cache/$list/bin/pip" install --quiet --no-cache-dir -r "$here/requirements/$list.txt"
            cp "$here/requirements/$list.txt" "$cache/$list/requirements.txt"
        fi
    done
    # Debian's libtorch must not be what PyTorch's own compiler links (contestants.py).
    libraries=$(echo "$cache"/torch/lib/python3*/site-packages/torch/lib)
    printf '#!/bin/sh\nexec g++ "-L%s" "$@"\n' "$libraries" > "$cache/torch/bin/g++"
    chmod +x "$cache/torch/bin/g++"
) >&2

cd "$start"
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 "$here/run.py" --cache "$cache" "$@"
