# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What tools/demo and tools/check share: packages, and commands that are silent unless
# they fail. To be sourced; the caller has `set -u` on and stands in the source tree.

program=${0##*/}

complain() {
    printf '%s: %s\n' "$program" "$*" >&2
}

# On a terminal, one line that says what is going on; elsewhere nothing.
doing() {
    if [ -t 2 ] && [ "${TERM:-dumb}" != dumb ]; then
        printf '\r\033[K%s' "${*:+$*…}" >&2
    fi
}

done_doing() {
    if [ -t 2 ] && [ "${TERM:-dumb}" != dumb ]; then
        printf '\r\033[K' >&2
    fi
}

# quietly WHAT COMMAND...: nothing is printed where the command succeeds, all of its
# output where it does not.
quietly() {
    local what=$1 log status
    shift
    doing "$what"
    log=$(mktemp) || return 3
    "$@" >"$log" 2>&1 </dev/null
    status=$?
    done_doing
    if [ "$status" -ne 0 ]; then
        complain "$what: failed (exit status $status): $*"
        sed 's/^/    /' "$log" >&2
        complain "$what: failed, see above"
    fi
    rm -f "$log"
    return "$status"
}

# What a program or library is missing as, in Debian's packages. "have" tests by use, not
# by package, so that other ways of having it do as well.
have() {
    case $1 in
    gcc | clang | meson | ninja-build | pkg-config | gnuplot-nox | valgrind | git | spin | \
        tmux | strace | help2man | mandoc | zstd | heaptrack | chromium | gcovr | jq | \
        python3 | xvfb | xauth)
        local command=$1
        [ "$command" = ninja-build ] && command=ninja
        [ "$command" = gnuplot-nox ] && command=gnuplot
        [ "$command" = xvfb ] && command=Xvfb
        command -v "$command" >/dev/null 2>&1 ;;
    g++) command -v c++ >/dev/null 2>&1 || command -v g++ >/dev/null 2>&1 ;;
    libc6-dev) printf '#include <stdio.h>\n' | gcc -E - >/dev/null 2>&1 ;;
    uthash-dev) printf '#include <uthash.h>\n' | gcc -E - >/dev/null 2>&1 ;;
    zlib1g-dev) pkg-config --exists zlib 2>/dev/null ;;
    libxml2-utils) command -v xmllint >/dev/null 2>&1 ;;
    libjudy-dev) printf '#include <Judy.h>\n' | gcc -E - >/dev/null 2>&1 ;;
    libzstd-dev) pkg-config --exists libzstd 2>/dev/null ;;
    libncurses-dev) pkg-config --exists ncursesw 2>/dev/null ;;
    libjansson-dev) pkg-config --exists jansson 2>/dev/null ;;
    libglib2.0-dev) pkg-config --exists glib-2.0 2>/dev/null ;;
    libcurl4-openssl-dev) pkg-config --exists libcurl 2>/dev/null ;;
    libxml2-dev) pkg-config --exists libxml-2.0 2>/dev/null ;;
    libpng-dev) pkg-config --exists libpng 2>/dev/null ;;
    libjpeg-dev) pkg-config --exists libjpeg 2>/dev/null ;;
    libwebp-dev) pkg-config --exists libwebp 2>/dev/null ;;
    libpango1.0-dev) pkg-config --exists pangocairo 2>/dev/null ;;
    libsdl2-dev) pkg-config --exists sdl2 2>/dev/null ;;
    fonts-dejavu-core) [ -f /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] ;;
    libclang-rt-14-dev)
        printf 'int main(void) { return 0; }\n' |
            clang -fsanitize=address,undefined -x c - -o /dev/null >/dev/null 2>&1 ;;
    gcc-12-multilib)
        printf 'int main(void) { return 0; }\n' | gcc -m32 -x c - -o /dev/null >/dev/null 2>&1 ;;
    qemu-user) command -v qemu-aarch64 >/dev/null 2>&1 ;;
    gcc-arm-linux-gnueabihf | gcc-aarch64-linux-gnu | gcc-s390x-linux-gnu)
        command -v "${1#gcc-}-gcc" >/dev/null 2>&1 ;;
    libc6-dev-armhf-cross) has_libc arm-linux-gnueabihf-gcc ;;
    libc6-dev-arm64-cross) has_libc aarch64-linux-gnu-gcc ;;
    libc6-dev-s390x-cross) has_libc s390x-linux-gnu-gcc ;;
    *) return 1 ;;
    esac
}
has_libc() { printf '#include <stdio.h>\n' | "$1" -E - >/dev/null 2>&1; }

apt_get() {
    local -a as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q "$@"
}

# install PACKAGE...: those that are missing; nothing at all happens where none is.
install() {
    local package
    local -a missing=()
    for package; do
        have "$package" || missing+=("$package")
    done
    [ "${#missing[@]}" -eq 0 ] && return 0

    if ! command -v apt-get >/dev/null 2>&1; then
        complain "missing, and no apt-get to install it with: ${missing[*]}"
        return 3
    fi
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            complain "missing, and neither root nor sudo here: apt-get install ${missing[*]}"
            return 3
        fi
        sudo -v || return 3 # a password is asked for here, not under a progress line
    fi
    printf 'installing %s\n' "${missing[*]}"
    quietly 'apt-get update' apt_get update || return 3
    quietly 'apt-get install' apt_get install -y --no-install-recommends \
        "${missing[@]}" || return 3
    for package in "${missing[@]}"; do
        if ! have "$package"; then
            complain "$package has been installed, and still does not work"
            return 3
        fi
    done
}

# configure DIR OPTION...: sets the options in a build directory, new or old.
configure() {
    local directory=$1
    shift
    if [ -f "$directory/build.ninja" ] &&
        meson configure "$directory" "$@" >/dev/null 2>&1; then
        return 0
    fi
    rm -rf "$directory"
    quietly "configuring $directory" meson setup "$directory" "$@"
}

compile() {
    quietly "building $1" ninja -C "$1"
}
