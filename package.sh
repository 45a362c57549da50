#!/usr/bin/env bash
# Builds the Debian package: ./package.sh
set -euo pipefail
. "$(dirname "$0")/tools/common.sh"

usage() {
    cat << 'END'
usage: ./package.sh [--version VERSION] [--system-runtime] [--fast] [--output FOLDER]

Builds and writes vibepn_VERSION_ARCHITECTURE.deb for this machine to artifacts/package/:
daemon, client and plugins, the systemd unit, manual pages, completion and a .NET runtime.
The same commit, SDK and version give the same file, byte for byte.

  --version VERSION    of the package; default: the one in Directory.Build.props
  --system-runtime     leave the runtime out and depend on dotnet-runtime-10.0, for systems
                       whose package sources have it
  --fast               compress little: for trials
  --output FOLDER      where to write
END
}

version=''
own_runtime=true
output=artifacts/package
compression=(-Zxz)
while [ $# -gt 0 ]; do
    case "$1" in
        --version) version="${2:?--version needs a value}"; shift ;;
        --system-runtime) own_runtime=false ;;
        --fast) compression=(-Zgzip -z1) ;;
        --output) output="$(realpath -m "${2:?--output needs a folder}")"; shift ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
    shift
done

cd "$repository"
for tool in dpkg-deb gzip man; do
    command -v "$tool" > /dev/null || fail "'$tool' is missing: install dpkg, gzip and man-db."
done
case "$(uname -m)" in
    x86_64) architecture=amd64 ;;
    aarch64) architecture=arm64 ;;
    *) fail "there are packages for x64 and arm64; this is $(uname -m)." ;;
esac
[ -n "$version" ] || version="$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' Directory.Build.props)"
dpkg --validate-version "$version" || fail "'$version' is no version of a Debian package."

# Whatever has a time in the package has the commit's. Outside a repository, this file's.
SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2> /dev/null || stat -c %Y package.sh)}"
export SOURCE_DATE_EPOCH
find_dotnet
./build.sh
umask 022

root="$(mktemp -d)"
trap 'rm -rf "$root"' EXIT
install_file() { install -D -m "${3:-0644}" "$1" "$root/$2"; }
write_compressed() {
    mkdir -p "$(dirname "$root/$1")"
    gzip -9n > "$root/$1"
}

# Programs.
mkdir -p "$root/usr/lib/vibepn" "$root/usr/bin" "$root/etc/vibepn"
cp -R dist/bin dist/plugins "$root/usr/lib/vibepn/"
ln -s ../lib/vibepn/bin/vibepnd ../lib/vibepn/bin/vpnctl "$root/usr/bin/"
sed 's:^\(path = "\)plugins/:\1/usr/lib/vibepn/plugins/:' plugins.toml > "$root/etc/vibepn/plugins.toml"
documents="usr/share/doc/vibepn"
runtime_dependency=', dotnet-runtime-10.0'
if $own_runtime; then
    framework="$(dotnet --list-runtimes | sed -n 's/^Microsoft\.NETCore\.App \(10\.[0-9.]*\) .*/\1/p' | sort -V | tail -n 1)"
    [ -n "$framework" ] || fail "the SDK at $DOTNET_ROOT has no runtime 10.0."
    say "with the .NET runtime $framework"
    for part in "shared/Microsoft.NETCore.App/$framework" "host/fxr/$framework"; do
        mkdir -p "$root/usr/lib/vibepn/dotnet/$part"
        cp -R "$DOTNET_ROOT/$part/." "$root/usr/lib/vibepn/dotnet/$part/"
    done
    install_file "$DOTNET_ROOT/LICENSE.txt" "$documents/dotnet-license.txt"
    write_compressed "$documents/dotnet-notices.txt.gz" < "$DOTNET_ROOT/ThirdPartyNotices.txt"
    runtime_dependency=''
fi

# What the operator reads and the system needs.
install_file packaging/vibepn.service usr/lib/systemd/system/vibepn.service
install_file packaging/config.toml "$documents/examples/config.toml"
install_file packaging/debian/copyright "$documents/copyright"
install_file docs/running.md "$documents/running.md"
for page in packaging/man/*.[58]; do
    write_compressed "usr/share/man/man${page##*.}/$(basename "$page").gz" < "$page"
done
client="dist/bin/vpnctl"
"$client" man | write_compressed usr/share/man/man1/vpnctl.1.gz
if "$client" completion bash > /dev/null 2>&1; then
    mkdir -p "$root/usr/share/bash-completion/completions" "$root/usr/share/zsh/vendor-completions" \
        "$root/usr/share/fish/vendor_completions.d"
    "$client" completion bash > "$root/usr/share/bash-completion/completions/vpnctl"
    "$client" completion zsh > "$root/usr/share/zsh/vendor-completions/_vpnctl"
    "$client" completion fish > "$root/usr/share/fish/vendor_completions.d/vpnctl.fish"
fi

# Only what has to be executable is.
find "$root" -type d -exec chmod 0755 {} +
find "$root" -type f -exec chmod 0644 {} +
chmod 0755 "$root"/usr/lib/vibepn/bin/{vibepnd,vpnctl}
[ ! -e "$root/usr/lib/vibepn/dotnet" ] || find "$root/usr/lib/vibepn/dotnet" -name createdump -exec chmod 0755 {} +

mkdir "$root/DEBIAN"
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@RUNTIME@/$runtime_dependency/" \
    -e "s/@INSTALLED_SIZE@/$(du -sk --apparent-size --exclude=DEBIAN "$root" | cut -f1)/" \
    packaging/debian/control.in > "$root/DEBIAN/control"
install_file packaging/debian/conffiles DEBIAN/conffiles
for script in postinst prerm postrm; do
    install_file "packaging/debian/$script" "DEBIAN/$script" 0755
done
(cd "$root" && find etc usr -type f -print0 | sort -z | xargs -0 md5sum) > "$root/DEBIAN/md5sums"
find "$root" -exec touch --no-dereference -d "@$SOURCE_DATE_EPOCH" {} +

mkdir -p "$output"
package="$output/vibepn_${version}_$architecture.deb"
dpkg-deb --root-owner-group "${compression[@]}" --build "$root" "$package" > /dev/null
say "$package: $(du -h "$package" | cut -f1), $(du -sh --exclude=DEBIAN "$root" | cut -f1) installed"
