#!/bin/sh
# Record every capture of this folder anew, from real software, in network
# namespaces of this machine: make.sh [CASE...]
#
# Needs root on Debian or Ubuntu; installs what is missing. Time stamps, ports and
# sequence numbers differ from run to run, the trust lists and certificates do not;
# expected.json is written together with its capture. See README.md.
set -eu

here=$(cd "$(dirname "$0")" && pwd)

if [ "$(id -u)" -ne 0 ]; then
    echo "make.sh: needs root (network namespaces, packet sockets)" >&2
    exit 1
fi

missing=
for package in iproute2 procps ethtool openssl tcpdump tshark libwrap0 \
    sip-tester libpcre2-8-0 python3 python3-cryptography python3-openssl; do
    # libwrap0 and libpcre2-8-0 are for servers that make.py unpacks where they are not
    # installed: their packages would start a service, or exclude each other.
    if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed'; then
        missing="$missing $package"
    fi
done
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086 # a list of package names
    DEBIAN_FRONTEND=noninteractive sh -c '
        apt-get update -q && apt-get install -q -y --no-install-recommends "$@"' sh $missing
fi

# The distribution's Python, which the packages above belong to; and none of the
# system's OpenSSL settings, which may forbid TLS 1.0.
OPENSSL_CONF=/dev/null PYTHONDONTWRITEBYTECODE=1 \
    exec /usr/bin/python3 -W ignore "$here/maker/make.py" "$@"
