#!/usr/bin/env bash
# Fetches the daemons to compare with from Debian, through the mirror this machine already uses:
#   ./get-peers.sh            into $PEERS_DIR (default /tmp/vibepn-peers)
# Old ones are installed; newer static programs are only unpacked, each suite with an apt
# configuration of its own, so nothing else of that suite gets onto the machine.
set -eu
dir=${PEERS_DIR:-/tmp/vibepn-peers}
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq -y iperf3 iputils-ping nftables ethtool tcpdump gcc libc6-dev wireguard-tools tinc openvpn fastd >/dev/null
uri=$(grep -h '^URIs:' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -1 | awk '{print $2}')
[ -n "$uri" ] || uri=$(awk '/^deb .* main/{print ($2 ~ /^\[/) ? $3 : $2; exit}' /etc/apt/sources.list)
unpack() { # suite package...
  suite=$1; shift
  state=$dir/apt/$suite; mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$dir/dl/$suite"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main" >"$state/list"
  options="-o Dir::Etc::sourcelist=$state/list -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists=$state/lists -o Dir::Cache=$state/cache"
  apt-get $options update -qq
  for package in "$@"; do
    to=$dir/pkg/$suite/$package; [ -d "$to" ] && continue
    (cd "$dir/dl/$suite" && rm -f "${package}"_*.deb && apt-get $options download -qq "$package")
    mkdir -p "$to" && dpkg -x "$dir/dl/$suite/$package"_*.deb "$to"
  done
}
unpack bookworm-backports wireguard-go yggdrasil
unpack trixie nebula
unpack sid wireguard-go nebula
find "$dir/pkg" -path '*/bin/*' -type f
