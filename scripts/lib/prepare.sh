# Sourced by the scripts: what they need of the machine, and building the programs.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SWIFT=${SWIFT:-swift}

say() { printf '\n== %s\n' "$*"; }
fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# need_packages NAME... : installs the Debian packages that are missing, or says how to.
need_packages() {
    local missing=() package
    for package in "$@"; do has_package "$package" || missing+=("$package"); done
    [ ${#missing[@]} -eq 0 ] && return
    if [ "$(id -u)" -ne 0 ]; then
        {
            echo "$(basename "$0"): these packages are missing: ${missing[*]}. Please run:"
            echo
            echo "    sudo apt-get update && sudo apt-get install -y ${missing[*]}"
        } >&2
        exit 1
    fi
    say "Installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq || echo "apt-get update failed; trying with the lists that are there" >&2
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null \
        || fail "apt-get cannot install ${missing[*]}"
}

# Whether what the package brings is there, wherever it comes from.
has_package() {
    case "$1" in
    libssl-dev) has_header openssl/ssl.h ;;
    libsqlite3-dev) has_header sqlite3.h ;;
    zlib1g-dev) has_header zlib.h ;;
    python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

has_header() {
    local folder
    for folder in /usr/include /usr/include/"$(uname -m)"-linux-gnu /usr/local/include; do
        [ -f "$folder/$1" ] && return
    done
    return 1
}

need_swift() {
    command -v "${SWIFT%% *}" >/dev/null \
        || fail "Swift 6.2 or newer is missing: see https://www.swift.org/install/linux/"
    local version
    version=$($SWIFT --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -n 1)
    # shellcheck disable=SC2086
    set -- $version
    if [ "${1:-0}" -lt 6 ] || { [ "${1:-0}" -eq 6 ] && [ "${2:-0}" -lt 2 ]; }; then
        fail "Swift 6.2 or newer is needed; \`$SWIFT --version\` is ${1:-unknown}.${2:-}"
    fi
}

# build_release PRODUCT... : builds them and sets BIN to where they are.
build_release() {
    local product started=$SECONDS number=0
    for product in "$@"; do
        number=$((number + 1))
        say "Building $product ($number of $#, release; the first takes minutes)"
        (cd "$ROOT" && $SWIFT build -c release --product "$product") \
            || fail "$product does not build"
    done
    find_release
    say "Built in $((SECONDS - started)) s"
}

# Sets BIN to where release builds are.
find_release() {
    BIN=$(cd "$ROOT" && $SWIFT build -c release --show-bin-path) || fail "no folder of binaries"
    export BIN
}

# Prints the comment at the script's head.
usage() { sed -n '2,/^[^#]/s/^#\( \|$\)//p' "$0"; }
