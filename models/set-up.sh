# Sourced by models/run.sh and tests/run.sh, in the root of the project: the packages of Debian 12 that are missing,
# then a configured build/release. A second run skips what is done.

build=build/release
# LLVM and MLIR 19 come from Debian's own archive.
packages="g++ cmake ninja-build ccache lld llvm-19-dev libmlir-19-dev mlir-19-tools libfmt-dev nlohmann-json3-dev
  zlib1g-dev"

# Shows a command as one can type it, and runs it.
show() {
    printf '%s' '$'
    for word in "$@"; do
        case $word in
            *[!A-Za-z0-9_./=:,+-]* | '') printf " '%s'" "$word" ;;
            *) printf ' %s' "$word" ;;
        esac
    done
    echo
    "$@"
}

install_missing() {
    missing=
    for package in "$@"; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$state" = installed ] || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        echo "these packages are missing; install them as root: apt-get install$missing" >&2
        exit 3
    fi
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive show apt-get install -y --no-install-recommends $missing ||
        { show apt-get update && DEBIAN_FRONTEND=noninteractive show apt-get install -y --no-install-recommends $missing; }
}

configure() {
    [ -f "$build/build.ninja" ] || show cmake --preset release
}
