"""A Trust Verification Service: `openssl s_server` does TCP and TLS, and this
script answers the requests that come out of it.

Usage: tvs.py PLAN.json

    {"command": ["openssl", "s_server", "-quiet", ...],
     "store": [{"cert": "callmanager.pem", "roles": [0, 2]}, ...]}

With -quiet, s_server writes what the client sends to its standard output and
sends what comes in on its standard input: one connection after the other.

A message is 10 bytes (0x57, version, type, 0, session u32, length u16) and
elements of tag u8, length u16, value. A phone asks QUERY for the signer of a
file (names and serial; the answer holds the certificate) and VERIFY for the
certificate of an HTTPS server (the answer holds only the verdict).
"""

import json
import struct
import subprocess
import sys

from cryptography import x509

import trustlist

HEADER = struct.Struct(">BBBBIH")
VERIFY_REQUEST, VERIFY_ANSWER, QUERY_REQUEST, QUERY_ANSWER = 1, 2, 3, 4
# Elements.
DEVICE, CERTIFICATE, SUBJECT, ISSUER, SERIAL, _, STATUS, ROLES, TTL = range(1, 10)
TRUSTED, UNKNOWN = b"\0", b"\1"
ONE_DAY = 86400


def message(kind, session, elements, version=1):
    body = b"".join(trustlist.tlv(tag, value) for tag, value in elements)
    return HEADER.pack(0x57, version, kind, 0, session, len(body)) + body


def parse(body):
    elements, at = {}, 0
    while at < len(body):
        tag, size = struct.unpack_from(">BH", body, at)
        elements[tag] = body[at + 3:at + 3 + size]
        at += 3 + size
    return elements


def query(device, session, subject, issuer, serial):
    """The phone's question about a signer."""
    return message(QUERY_REQUEST, session, [
        (DEVICE, b"\1" + device.encode()), (SUBJECT, trustlist.text(subject)),
        (ISSUER, trustlist.text(issuer)), (SERIAL, trustlist.serial_bytes(serial))])


def verify(device, session, certificate):
    """The phone's question about an HTTPS server's certificate."""
    return message(VERIFY_REQUEST, session, [
        (DEVICE, b"\1" + device.encode()), (CERTIFICATE, certificate)])


class Store:
    """Certificates of the node, with the roles that it grants them."""

    def __init__(self, items):
        self.items = []
        for item in items:
            with open(item["cert"], "rb") as file:
                certificate = x509.load_pem_x509_certificate(file.read())
            self.items.append((certificate, bytes(item["roles"])))

    def answer(self, kind, session, elements):
        for certificate, roles in self.items:
            data = trustlist.der(certificate)
            if kind == VERIFY_REQUEST and elements[CERTIFICATE] == data:
                return message(VERIFY_ANSWER, session, [
                    (STATUS, TRUSTED), (ROLES, roles), (TTL, struct.pack(">I", ONE_DAY))])
            if kind == QUERY_REQUEST and self.is_asked_for(certificate, elements):
                return message(QUERY_ANSWER, session, [
                    (STATUS, TRUSTED), (CERTIFICATE, data), (ROLES, roles),
                    (TTL, struct.pack(">I", ONE_DAY))])
        return message(kind + 1, session, [(STATUS, UNKNOWN)])

    @staticmethod
    def is_asked_for(certificate, elements):
        issuer = trustlist.unpack_text(elements[ISSUER])
        return (trustlist.serial_bytes(certificate.serial_number) == elements[SERIAL]
                and trustlist.same_name(trustlist.name_text(certificate.issuer), issuer))


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    store = Store(plan["store"])
    server = subprocess.Popen(plan["command"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, bufsize=0)

    def exactly(count):
        data = b""
        while len(data) < count:
            more = server.stdout.read(count - len(data))
            if not more:
                sys.exit("s_server ended")
            data += more
        return data

    while True:
        _, _, kind, _, session, size = HEADER.unpack(exactly(HEADER.size))
        server.stdin.write(store.answer(kind, session, parse(exactly(size))))


if __name__ == "__main__":
    main()
