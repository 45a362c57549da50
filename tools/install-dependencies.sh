#!/usr/bin/env bash
# Installs the Debian packages that are missing, and nothing when none is.
set -euo pipefail
. "$(dirname "$0")/common.sh"

usage() {
    cat << 'END'
usage: tools/install-dependencies.sh [runtime|demo|test] [--list]

  runtime   what the daemon needs (the default): ngtcp2 and its GnuTLS glue; and on x86-64, where the
            release has it, ipsec-mb, which encrypts packets faster than GnuTLS does
  demo      runtime, and what demo.sh calls: ip, ping, iperf3, pgrep
  test      demo, and what the tests call: a foreign QUIC client, setpriv, strace, tcc, man,
            systemd-analyze, zsh, fish, and Prometheus with promtool (installed, neither started nor enabled)
  --list    print the missing packages, install nothing

On Debian 12 ngtcp2 is in bookworm-backports. When that suite is not configured, the
script adds it from the mirror that already serves bookworm, with the same signing key,
in a file of its own: /etc/apt/sources.list.d/vibepn-backports.{sources,list}.
END
}

quic=(libngtcp2-16 libngtcp2-crypto-gnutls8)
set_name=runtime
list_only=false
for argument in "$@"; do
    case "$argument" in
        runtime | demo | test) set_name="$argument" ;;
        --list) list_only=true ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done

wanted=("${quic[@]}")
[ "$set_name" = runtime ] || wanted+=(iproute2 iputils-ping iperf3 procps)
if [ "$set_name" = test ]; then
    wanted+=(ngtcp2-client util-linux strace tcc man-db systemd prometheus zsh fish)
    quic+=(ngtcp2-client)
fi

is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2> /dev/null)" = installed ]; }

# Debian 12 itself ships an older ngtcp2-client, whose QUIC library is another one.
is_too_old() { [ "$1" = ngtcp2-client ] && dpkg --compare-versions "$2" lt 1.0; }

is_missing() {
    ! is_installed "$1" || is_too_old "$1" "$(dpkg-query -W -f='${Version}' "$1")"
}

candidate() { LC_ALL=C apt-cache policy "$1" | sed -n 's/^  Candidate: \([0-9].*\)/\1/p'; }

# True when some configured source has the package in a version that will do.
is_offered() {
    local version
    for version in $(apt-cache madison "$1" | cut -d '|' -f 2); do
        is_too_old "$1" "$version" || return 0
    done
    return 1
}

lacks_ngtcp2() {
    local package
    for package in "${missing[@]}"; do
        if [[ " ${quic[*]} " == *" $package "* ]] && ! is_offered "$package"; then
            return 0
        fi
    done
    return 1
}

# One line instead of apt's page: its first error is the cause.
apt() {
    local log
    log="$(mktemp)"
    if ! DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -y -o DPkg::Lock::Timeout=300 \
        -o Acquire::Retries=2 -o Acquire::http::Timeout=30 "$@" > "$log" 2>&1; then
        local cause
        cause="$(grep -m1 '^E: ' "$log" || tail -n 1 "$log")"
        rm -f "$log"
        fail "apt-get $(printf '%s ' "$@")failed: ${cause#E: }"
    fi
    rm -f "$log"
}

# Copies the source entry that serves the release itself and changes only its suite: mirror,
# signing key and options stay the operator's, in whichever of apt's two formats they are.
print_backports_entry() {
    local format="$1" codename="$2" file="$3"
    if [ "$format" = sources ]; then
        awk -v RS='' -v suite="$codename" '
            /(^|\n)[Ee]nabled:[ \t]*no/ || !/(^|\n)Types:[^\n]*deb([ \t\n]|$)/ { next }
            {
                found = 0; text = ""
                lines = split($0, line, "\n")
                for (i = 1; i <= lines; i++) {
                    if (line[i] ~ /^#/) continue
                    if (line[i] ~ /^Suites:/) {
                        names = split(line[i], name, /[ \t]+/)
                        for (n = 2; n <= names; n++) if (name[n] == suite) found = 1
                        line[i] = "Suites: " suite "-backports"
                    }
                    if (line[i] ~ /^Types:/) line[i] = "Types: deb"
                    if (line[i] ~ /^Components:/) line[i] = "Components: main"
                    text = text line[i] "\n"
                }
                if (found) { printf "%s", text; exit }
            }' "$file"
    else
        awk -v suite="$codename" '
            $1 == "deb" {
                at = 2
                if ($2 ~ /^\[/) while (at <= NF && $at !~ /\]$/) at++
                if ($2 ~ /^\[/) at++
                if ($(at + 1) != suite) next
                for (i = 1; i <= at; i++) printf "%s ", $i
                print suite "-backports main"
                exit
            }' "$file"
    fi
}

add_backports() {
    local codename="$1" file entry target
    for file in /etc/apt/sources.list.d/*.sources /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -f "$file" ] || continue
        entry="$(print_backports_entry "${file##*.}" "$codename" "$file")"
        [ -n "$entry" ] || continue
        case "$file" in
            *.sources) target=/etc/apt/sources.list.d/vibepn-backports.sources ;;
            *) target=/etc/apt/sources.list.d/vibepn-backports.list ;;
        esac
        say "adding ${codename}-backports from the mirror of $file, as $target"
        printf '# Added by tools/install-dependencies.sh: ngtcp2 for VibePN.\n%s\n' "$entry" > "$target"
        chmod 0644 "$target"
        return
    done
    fail "libngtcp2-16 is not in the configured package sources, and none of them serves" \
        "'$codename' itself. Add ${codename}-backports, or install libngtcp2 1.x with its GnuTLS glue by hand."
}

if ! command -v dpkg-query > /dev/null || ! command -v apt-get > /dev/null; then
    ldconfig -p 2> /dev/null | grep -q 'libngtcp2_crypto_gnutls\.so\.8' && exit 0
    fail "this system has no apt-get. Install libngtcp2 (libngtcp2.so.16) with its GnuTLS glue" \
        "(libngtcp2_crypto_gnutls.so.8) from its packages, then run this again."
fi

missing=()
for package in "${wanted[@]}"; do
    ! is_missing "$package" || missing+=("$package")
done
# Debian 12 has libipsec-mb1, Debian 13 libipsec-mb2: which one is known once apt's lists are read.
fastest=libipsec-mb
if [ "$(dpkg --print-architecture)" = amd64 ] && ! is_installed "${fastest}1" && ! is_installed "${fastest}2"; then
    missing+=("$fastest")
fi
if [ "${#missing[@]}" -eq 0 ]; then
    exit 0
fi
if $list_only; then
    printf '%s\n' "${missing[@]}"
    exit 0
fi
# What only makes it faster stops nobody who may not install or has no network.
if [ "${missing[*]}" = "$fastest" ] && { [ "$EUID" -ne 0 ] || ! (apt update); }; then
    say "$fastest is not installed: GnuTLS will encrypt packets"
    exit 0
fi
[ "$EUID" -eq 0 ] || fail "missing: ${missing[*]}. Installing them needs root: run 'sudo $0 $set_name'."

say "installing ${missing[*]}"
apt update
if lacks_ngtcp2; then
    codename="$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")"
    [ -n "$codename" ] || fail "ngtcp2 is in no configured package source, and /etc/os-release names no release."
    add_backports "$codename"
    apt update
    ! lacks_ngtcp2 || fail "${codename}-backports was read but does not hold ngtcp2 1.x. Is the mirror complete?"
fi

# apt prefers the release's own version, so one that is too old is passed over by naming the suite.
requests=()
for package in "${missing[@]}"; do
    if [ "$package" = "$fastest" ]; then
        if is_offered "${fastest}2"; then
            requests+=("${fastest}2")
        elif is_offered "${fastest}1"; then
            requests+=("${fastest}1")
        else
            say "no configured package source has $fastest: GnuTLS will encrypt packets"
        fi
    elif is_too_old "$package" "$(candidate "$package")"; then
        suite="$(LC_ALL=C apt-cache policy "$package" | grep -o '[a-z]*-backports' | head -n 1)"
        requests+=("$package/$suite")
    else
        requests+=("$package")
    fi
done
[ "${#requests[@]}" -gt 0 ] || exit 0
# Debian starts a server that it installs. The tests need Prometheus' programs only: a policy of our own forbids the
# start while the packages are installed, and afterwards it is switched off for the next boot.
policy=/usr/sbin/policy-rc.d
if [[ " ${missing[*]} " == *' prometheus '* ]]; then
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' > "$policy"
        chmod 0755 "$policy"
        trap 'rm -f "$policy"' EXIT
    fi
    apt install --no-install-recommends "${requests[@]}"
    ! command -v deb-systemd-helper > /dev/null || deb-systemd-helper disable prometheus.service > /dev/null 2>&1 || true
else
    apt install --no-install-recommends "${requests[@]}"
fi
