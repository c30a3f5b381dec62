#!/bin/sh
# Installs what building and testing need and is missing; with the argument 'bench', what benchmarks compare with as well.
set -eu

missing=""
want() { # PACKAGE PROBE...: installs PACKAGE unless the probe succeeds
	package=$1
	shift
	"$@" >/dev/null 2>&1 || missing="$missing $package"
}

# The linker that Rust uses, and libpcap with its headers for live capture.
want gcc sh -c 'command -v cc'
want libc6-dev sh -c 'echo "int main(void){return 0;}" | cc -x c - -o /dev/null'
want libpcap-dev sh -c 'echo "int main(void){return 0;}" | cc -x c - -lpcap -o /dev/null'

if [ "${1-}" = bench ]; then
	want tcpdump sh -c 'command -v tcpdump'
	want tshark sh -c 'command -v tshark'
	want python3 sh -c 'command -v python3'
fi

[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "deps: please install:$missing (or build without live capture: cargo build --no-default-features)" >&2
	exit 1
fi
sudo=""
[ "$(id -u)" -eq 0 ] || sudo=sudo
echo "deps: installing$missing"
$sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq
# shellcheck disable=SC2086 # a list of packages
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
