#!/bin/sh
# Installs what building needs and is missing; with the word "test", and where root may install packages, also what the tests
# with real servers in network namespaces use. Without those they are skipped and say so.
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

if [ "${1:-}" = test ] && [ "$(id -u)" -eq 0 ]; then
	want iproute2 sh -c 'command -v ip && command -v ss'
	want procps sh -c 'command -v sysctl'
	want ethtool sh -c 'command -v ethtool'
	want openssl sh -c 'command -v openssl'
	want python3-cryptography /usr/bin/python3 -c 'import cryptography'
	want python3-openssl /usr/bin/python3 -c 'import OpenSSL'
	# Of a TFTP server that is unpacked, not installed: its package would start a service.
	want libwrap0 sh -c 'ls /usr/lib/*/libwrap.so.0 /lib/*/libwrap.so.0'
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
