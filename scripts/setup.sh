# Sourced by the other scripts. Goes to the root of the repository and sees to it that a machine which has only Swift
# gets what the build needs: SQLite's and PostgreSQL's headers and libraries, pkg-config, git. Installs nothing that is
# already there.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# How the scripts build the tests: the same everywhere, so that nothing is built twice. SILLOK_BUILD_OPTIONS adds options
# of `swift build`.
read -r -a build_options <<<"--traits Postgres -Xswiftc -warnings-as-errors ${SILLOK_BUILD_OPTIONS:-}"

say() { printf '\n== %s\n' "$*"; }

stop() {
    printf '%s\n' "$*" >&2
    exit 1
}

sqlite_is_there() {
    if pkg-config --exists sqlite3 2>/dev/null; then return 0; fi
    [ "$(uname)" = Darwin ] && [ -e "$(xcrun --show-sdk-path 2>/dev/null)/usr/include/sqlite3.h" ]
}

everything_is_there() {
    command -v git >/dev/null && sqlite_is_there && pkg-config --exists libpq 2>/dev/null
}

install_with_apt() {
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null || return 1
        as_root=(sudo -n)
    fi
    say "Installing libsqlite3-dev, libpq-dev, pkg-config and git"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq || true
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends libsqlite3-dev libpq-dev pkg-config git </dev/null
}

install_with_brew() {
    say "Installing sqlite, libpq, pkg-config and git"
    brew install sqlite libpq pkg-config git </dev/null
    # Homebrew keeps it apart from the system's.
    export PKG_CONFIG_PATH="$(brew --prefix libpq)/lib/pkgconfig:${PKG_CONFIG_PATH:-}"
}

prepare_machine() {
    command -v swift >/dev/null \
        || stop "Swift is not installed: get Swift 6.2 or newer from https://www.swift.org/install and try again."
    everything_is_there && return
    if command -v apt-get >/dev/null; then install_with_apt || true
    elif command -v brew >/dev/null; then install_with_brew || true
    fi
    everything_is_there \
        || stop "Install the development files of SQLite and libpq (Debian: libsqlite3-dev libpq-dev), pkg-config and git."
}

prepare_machine
