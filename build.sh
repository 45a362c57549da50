#!/usr/bin/env bash
# Publishes the daemon, its plugins and the client to dist/.
set -euo pipefail
. "$(dirname "$0")/tools/common.sh"

usage() {
    cat << 'END'
usage: ./build.sh [--force] [--no-r2r]

Publishes a Release build, compiled ahead of time for this machine, to

  dist/bin/vibepnd  dist/bin/vpnctl  dist/plugins/<id>/  dist/plugins.toml

  --force    publish even though nothing has changed since the last time
  --no-r2r   leave compilation to the start of the daemon (ReadyToRun off)
END
}

force=false
ready_to_run=true
for argument in "$@"; do
    case "$argument" in
        --force) force=true ;;
        --no-r2r) ready_to_run=false ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) rid=linux-x64 ;;
    Linux-aarch64) rid=linux-arm64 ;;
    *) fail "vibepnd runs on Linux on x64 and arm64; this is $(uname -s) on $(uname -m)." ;;
esac

cd "$repository"
# Made before the time is taken, because making them changes the time of the folders they are in.
for folder in contracts prefixes offload bestpath certificates invites engine host vpnctl plugins/*/; do
    mkdir -p "$folder/bin" "$folder/obj"
done
inputs=(build.sh plugins.toml Directory.Build.props Directory.Packages.props tools/dist.proj
    contracts prefixes offload bestpath certificates invites engine host vpnctl plugins)
# The day of the build is in it; SOURCE_DATE_EPOCH fixes that day.
stamp="dist/.built-$rid-r2r-$ready_to_run${SOURCE_DATE_EPOCH:+-$SOURCE_DATE_EPOCH}"

# Folders count too: deleting a file changes only its folder.
is_current() {
    [ -f "$stamp" ] && [ -z "$(find "${inputs[@]}" \( -name bin -o -name obj \) -prune -o -newer "$stamp" -print -quit)" ]
}

if ! $force && is_current; then
    say "dist/ is up to date"
    exit 0
fi

started="$(date +%s.%N)"
find_dotnet
umask 022
log="$(mktemp)"
trap 'rm -f "$log"' EXIT

# Output goes to a file: compiler servers that outlive the build would otherwise hold our
# standard output open, and whoever reads it would wait for them.
msbuild() {
    dotnet msbuild tools/dist.proj -nologo -v:minimal -nodeReuse:false -p:Rid="$rid" \
        -p:ReadyToRun="$ready_to_run" "$@" > "$log" 2>&1
}

failed() {
    grep -E '(error|warning) [A-Z]+[0-9]+' "$log" | sort -u | head -n 20 >&2 || tail -n 20 "$log" >&2
    fail "$1"
}

say "publishing for $rid (ReadyToRun: $ready_to_run)"
if ! msbuild -t:Restore; then
    # The registry may lack the compiler of exactly this SDK's version; the daemon runs without.
    if $ready_to_run && grep -qiE "crossgen|Microsoft\.NETCore\.App\.Runtime" "$log"; then
        warn "no ReadyToRun compiler for this SDK in the package source; the daemon will start slower."
        ready_to_run=false
        msbuild -t:Restore || failed "packages could not be restored."
    else
        failed "packages could not be restored."
    fi
fi
msbuild -t:Publish || failed "the build failed."

# dist.new becomes dist in the end, so a failed build leaves the last good one.
rm -rf dist.new
mkdir -p dist.new/bin dist.new/plugins
published() { printf '%s/bin/Release/net10.0/%s/publish/.' "$1" "$rid"; }
cp -R --preserve=timestamps "$(published host)" "$(published vpnctl)" dist.new/bin/
for folder in plugins/*/; do
    mkdir "dist.new/$folder"
    cp -R --preserve=timestamps "$(published "${folder%/}")" "dist.new/$folder"
done
cp plugins.toml dist.new/

# The host provides these to every plugin and refuses a plugin that ships its own copy.
shared='VibePN\.(Contracts|Engine)|System\.Composition\..*|Microsoft\.Extensions\..*|vibepnd'
shipped="$(find dist.new/plugins -name '*.dll' | grep -E "/($shared)\.dll$" || true)"
[ -z "$shipped" ] || fail "a plugin ships what the host provides; reference it with ExcludeAssets=\"runtime\":" \
    "$(tr '\n' ' ' <<< "${shipped//dist.new/dist}")"
for folder in dist.new/plugins/*/; do
    foreign="$(find "$folder" -name 'VibePN.Plugins.*.dll' | wc -l)"
    [ "$foreign" -eq 1 ] || fail "${folder/dist.new/dist} holds $foreign plugin assemblies; a plugin sees no other plugin."
done

chmod -R u=rwX,go=rX dist.new
rm -rf dist
mv dist.new dist
touch -d "@$started" "dist/.built-$rid-r2r-$ready_to_run${SOURCE_DATE_EPOCH:+-$SOURCE_DATE_EPOCH}"
say "dist/bin/vibepnd, dist/bin/vpnctl and $(find dist/plugins -mindepth 1 -maxdepth 1 | wc -l) plugins are ready"
