"""Cisco trust lists (ITL, CTL) and signed files (.sgn): writing and reading.

Big-endian fields of tag (u8), length (u16), value. A list is a header followed
by records up to the end of the file; a signed file is the same header followed
by the plain body. The signature covers the whole file with the SIGNATURE field
(tag, length and value) taken out. Strings end with a NUL that is counted.

This module is written from the format alone and shares nothing with the Rust
program, so that the two can be compared.
"""

import hashlib
import struct
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

# Roles of a record (FUNCTION).
SAST, CCM, CCM_TFTP, TFTP, CAPF, TVS = 0, 1, 2, 3, 4, 21

# Header tags.
VERSION, HEADER_LENGTH, SIGNER_ID, SIGNER_NAME, SIGNER_SERIAL, CA_NAME = range(1, 7)
SIGNATURE_INFO, DIGEST, SIGNATURE_ALGO_INFO, SIGNATURE_ALGO, MODULUS, SIGNATURE = range(7, 13)
PADDING, FILE_NAME, TIMESTAMP = range(13, 16)

# Record tags.
RECORD_LENGTH, DNS_NAME, SUBJECT, FUNCTION, ISSUER, SERIAL = range(1, 7)
PUBLIC_KEY, CERT_SIGNATURE, CERTIFICATE, IP_ADDRESS, CERT_HASH, HASH_ALGORITHM = range(7, 13)

HASHES = {1: hashes.SHA1, 2: hashes.SHA256, 3: hashes.SHA512}

# The attributes of a distinguished name as CUCM abbreviates them.
ATTRIBUTES = {
    "2.5.4.3": "CN", "2.5.4.11": "OU", "2.5.4.10": "O",
    "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.6": "C",
}


def name_text(name):
    """A name as CUCM lists print it: `CN=…;OU=…;O=…;L=…;ST=…;C=…`.

    Domain components are left out, as in the published dump: there the issuer
    of CallManager.pem is CN=JASBURNS-AD, DC=…, DC=lab on the certificate page
    and plain CN=JASBURNS-AD (15 bytes) in the list.
    """
    parts = [(ATTRIBUTES[a.oid.dotted_string], a.value)
             for a in name if a.oid.dotted_string in ATTRIBUTES]
    return ";".join(f"{key}={value}" for key, value in parts)


def serial_bytes(number):
    """A serial number as lists hold it: no leading zero byte, unlike DER."""
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def der(certificate):
    return certificate.public_bytes(serialization.Encoding.DER)


def tlv(tag, value):
    return struct.pack(">BH", tag, len(value)) + value


def text(string):
    return string.encode("utf-8") + b"\0"


@dataclass
class Entry:
    """One record to be written."""
    certificate: x509.Certificate
    function: int
    # TVS and CAPF records of an ITL hold a hash in place of the certificate.
    hashed: bool = False
    # ITL records: two bytes that print empty. CTL records: a host name, or
    # (eTokens) an empty string of one byte.
    dns_name: bytes = b" \0"
    # Only in a CTL.
    address: bytes = None
    # eToken records lack the SIGNATURE field and spell the names their own way.
    etoken: bool = False
    subject: str = None
    issuer: str = None

    def encode(self):
        cert = self.certificate
        key = cert.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
        body = tlv(DNS_NAME, self.dns_name)
        body += tlv(SUBJECT, text(self.subject or name_text(cert.subject)))
        body += tlv(FUNCTION, struct.pack(">H", self.function))
        body += tlv(ISSUER, text(self.issuer or name_text(cert.issuer)))
        body += tlv(SERIAL, serial_bytes(cert.serial_number))
        body += tlv(PUBLIC_KEY, key)
        if not self.etoken:
            body += tlv(CERT_SIGNATURE, cert.signature)
        if not self.hashed:
            body += tlv(CERTIFICATE, der(cert))
        if self.address is not None:
            body += tlv(IP_ADDRESS, self.address)
        if self.hashed:
            body += tlv(CERT_HASH, hashlib.sha1(der(cert)).digest())
            body += tlv(HASH_ALGORITHM, b"\x01")
        return tlv(RECORD_LENGTH, struct.pack(">H", 5 + len(body))) + body


@dataclass
class Signer:
    """Who signs: the certificate, its private key, and how lists name it."""
    certificate: x509.Certificate
    key: object
    name: str = None
    issuer: str = None


def sign_file(signer, file_name, body, version, timestamp, digest=1):
    """Header and body of a signed file, as one byte string."""
    cert = signer.certificate
    size = (signer.key.key_size + 7) // 8
    modulus = {64: 0, 128: 1, 256: 2, 512: 3}[size]
    signer_id = (tlv(SIGNER_NAME, text(signer.name or name_text(cert.subject)))
                 + tlv(SIGNER_SERIAL, serial_bytes(cert.serial_number))
                 + tlv(CA_NAME, text(signer.issuer or name_text(cert.issuer))))
    algorithm = tlv(SIGNATURE_ALGO, b"\0") + tlv(MODULUS, bytes([modulus]))
    info = tlv(DIGEST, bytes([digest])) + tlv(SIGNATURE_ALGO_INFO, algorithm)
    # Containers count the fields inside them.
    before = tlv(SIGNER_ID, signer_id) + tlv(SIGNATURE_INFO, info)
    after = tlv(FILE_NAME, text(file_name)) + tlv(TIMESTAMP, struct.pack(">I", timestamp))
    length = 5 + 5 + len(before) + 3 + size + len(after)
    pad = -length % 4
    after += bytes([PADDING]) * pad
    start = tlv(VERSION, bytes(version)) + tlv(HEADER_LENGTH, struct.pack(">H", length + pad))
    signature = signer.key.sign(start + before + after + body,
                                padding.PKCS1v15(), HASHES[digest]())
    return start + before + tlv(SIGNATURE, signature) + after + body


def write_list(signer, entries, timestamp, file_name="ITLFile.tlv", digest=1):
    records = b"".join(entry.encode() for entry in entries)
    return sign_file(signer, file_name, records, (1, 2), timestamp, digest)


# ---------------------------------------------------------------- reading

@dataclass
class Record:
    function: int
    subject: str
    issuer: str
    serial: int
    certificate: bytes = None
    cert_hash: bytes = None

    def sha1(self):
        if self.certificate is not None:
            return hashlib.sha1(self.certificate).digest()
        return self.cert_hash


@dataclass
class SignedFile:
    data: bytes
    header_length: int = 0
    signer_name: str = ""
    signer_serial: int = 0
    signer_issuer: str = ""
    digest: int = 0
    signature: bytes = b""
    signature_at: int = 0
    file_name: str = ""
    records: list = field(default_factory=list)

    @property
    def body(self):
        return self.data[self.header_length:]

    def signer_is(self, record):
        return (record.serial == self.signer_serial
                and same_name(record.issuer, self.signer_issuer))

    def verify(self, certificate):
        """Does the signature verify with the key of this certificate?"""
        end = self.signature_at + 3 + len(self.signature)
        signed = self.data[:self.signature_at] + self.data[end:]
        key = x509.load_der_x509_certificate(certificate).public_key()
        try:
            key.verify(self.signature, signed, padding.PKCS1v15(), HASHES[self.digest]())
        except InvalidSignature:
            return False
        return True


def same_name(left, right):
    """Names compare as sets of attributes: order and blanks do not matter."""
    def parts(name):
        return sorted(part.strip().lower() for part in name.replace(",", ";").split(";"))
    return parts(left) == parts(right)


def fields(data, at, end):
    while at < end:
        tag = data[at]
        if tag == PADDING:  # no length, one byte
            at += 1
            continue
        size, = struct.unpack_from(">H", data, at + 1)
        yield tag, at, data[at + 3:at + 3 + size]
        # Containers are entered, all else is stepped over.
        at += 3 if tag in (SIGNER_ID, SIGNATURE_INFO, SIGNATURE_ALGO_INFO) else 3 + size


def unpack_text(value):
    return value.rstrip(b"\0").decode("utf-8")


def read_header(data):
    length, = struct.unpack_from(">H", data, 8)
    out = SignedFile(data, header_length=length)
    for tag, at, value in fields(data, 0, length):
        if tag == SIGNER_NAME:
            out.signer_name = unpack_text(value)
        elif tag == SIGNER_SERIAL:
            out.signer_serial = int.from_bytes(value, "big")
        elif tag == CA_NAME:
            out.signer_issuer = unpack_text(value)
        elif tag == DIGEST:
            out.digest = value[0]
        elif tag == SIGNATURE:
            out.signature, out.signature_at = value, at
        elif tag == FILE_NAME:
            out.file_name = unpack_text(value)
    return out


def read_list(data):
    out = read_header(data)
    at = out.header_length
    while at < len(data):
        length, = struct.unpack_from(">H", data, at + 3)
        values, inner = {}, at + 5
        while inner < at + length:
            tag, size = struct.unpack_from(">BH", data, inner)
            values[tag] = data[inner + 3:inner + 3 + size]
            inner += 3 + size
        out.records.append(Record(
            function=int.from_bytes(values[FUNCTION], "big"),
            subject=unpack_text(values[SUBJECT]),
            issuer=unpack_text(values[ISSUER]),
            serial=int.from_bytes(values[SERIAL], "big"),
            certificate=values.get(CERTIFICATE),
            cert_hash=values.get(CERT_HASH)))
        at += length
    return out
