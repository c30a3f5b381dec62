#!/bin/sh
# Installs what building needs and is missing; with the argument 'bench', what benchmarks compare with as well; with 'peer', what
# test-peer asks; with 'test', where root may install packages, what the tests with real servers in network namespaces use. Without that
# those tests are skipped and say so.
set -eu

missing=""
want() { # PACKAGE PROBE...: installs PACKAGE unless the probe succeeds
	package=$1
	shift
	"$@" >/dev/null 2>&1 || missing="$missing $package"
}
install() { # PACKAGE...
	sudo=""
	[ "$(id -u)" -eq 0 ] || sudo=sudo
	echo "deps: installing $*"
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
		$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

# The linker that Rust uses, and libpcap with its headers for live capture.
want gcc sh -c 'command -v cc'
want libc6-dev sh -c 'echo "int main(void){return 0;}" | cc -x c - -o /dev/null'
want libpcap-dev sh -c 'echo "int main(void){return 0;}" | cc -x c - -lpcap -o /dev/null'

case ${1-} in
bench)
	want tcpdump sh -c 'command -v tcpdump'
	want tshark sh -c 'command -v tshark'
	want python3 sh -c 'command -v python3'
	;;
peer)
	want tshark sh -c 'command -v tshark'
	want openssl sh -c 'command -v openssl'
	;;
esac

if [ -n "$missing" ]; then
	if ! command -v apt-get >/dev/null 2>&1; then
		echo "deps: please install:$missing (or build without live capture: cargo build --no-default-features)" >&2
		exit 1
	fi
	# shellcheck disable=SC2086 # a list of packages
	install $missing
fi

if [ "${1-}" = test ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
	missing=""
	want iproute2 sh -c 'command -v ip && command -v ss'
	want procps sh -c 'command -v sysctl'
	want ethtool sh -c 'command -v ethtool'
	want openssl sh -c 'command -v openssl'
	want python3-cryptography /usr/bin/python3 -c 'import cryptography'
	want python3-openssl /usr/bin/python3 -c 'import OpenSSL'
	# Of a TFTP server that is unpacked, not installed: its package would start a service.
	want libwrap0 sh -c 'ls /usr/lib/*/libwrap.so.0 /lib/*/libwrap.so.0 2>/dev/null | grep -q .'
	# shellcheck disable=SC2086 # a list of packages
	[ -z "$missing" ] || install $missing || echo "deps: without$missing some tests are skipped"
fi
