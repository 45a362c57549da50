# shellcheck shell=bash
# What the scripts of this repository share. Sourced, never run.

repository="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

say() { printf '==> %s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

require_root() {
    [ "$EUID" -eq 0 ] || fail "$(basename "$0") makes network namespaces, which needs root: run 'sudo $0'."
}

# sudo may have dropped the directory of a user-local SDK from PATH.
find_dotnet() {
    local home directory
    home="$(getent passwd "${SUDO_USER:-root}" | cut -d: -f6)"
    for directory in "" "${DOTNET_ROOT:-}" "$home/.dotnet" /usr/share/dotnet /usr/lib/dotnet /usr/local/share/dotnet; do
        [ -z "$directory" ] || [ ! -x "$directory/dotnet" ] || PATH="$directory:$PATH"
        command -v dotnet > /dev/null && break
    done
    command -v dotnet > /dev/null \
        || fail "the command 'dotnet' was not found. Install the .NET SDK 10.0, or put its directory on PATH."
    dotnet --list-sdks | grep -q '^10\.' \
        || fail "the .NET SDK 10.0 is needed; 'dotnet --list-sdks' shows: $(dotnet --list-sdks | tr '\n' ' ')"
    # The native launchers of vibepnd, vpnctl and the tests look here first.
    DOTNET_ROOT="$(dirname "$(readlink -f "$(command -v dotnet)")")"
    export PATH DOTNET_ROOT DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
}

# Under sudo, builds run as the owner of the tree, so that no file in it ends up owned by root.
as_owner() {
    if [ "$EUID" -eq 0 ] && [ -n "${SUDO_USER:-}" ] && [ "$SUDO_USER" != root ] \
        && [ "$(stat -c %U "$repository")" = "$SUDO_USER" ]; then
        runuser -u "$SUDO_USER" -- env HOME="$(getent passwd "$SUDO_USER" | cut -d: -f6)" \
            PATH="$PATH" DOTNET_ROOT="${DOTNET_ROOT:-}" "$@"
    else
        "$@"
    fi
}
