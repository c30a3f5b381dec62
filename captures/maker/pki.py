"""The certificates of the captures, with the names, serial numbers and key
sizes of the published dumps.

The private keys lie in captures/pki/keys. They were made once for this purpose,
protect nothing and are worth nothing; they are kept so that every run yields
the same certificates and lists, byte for byte. A key that is missing is made
anew. Everything else here follows from the keys and from fixed dates.
"""

import datetime
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HERE = Path(__file__).resolve().parent.parent / "pki"

IPSEC_END_SYSTEM = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.5")
# Fixed, and wide (the start is the published one): the captures are not about expiry.
NOT_BEFORE = datetime.datetime(2011, 7, 27, 14, 0, 30)
NOT_AFTER = datetime.datetime(2041, 7, 27, 14, 10, 30)

# sha256WithRSAEncryption and sha1WithRSAEncryption differ in the last byte.
SHA256_RSA = bytes.fromhex("06092a864886f70d01010b")
SHA1_RSA = bytes.fromhex("06092a864886f70d010105")


@dataclass
class Identity:
    """A certificate, its key and where OpenSSL finds both."""
    label: str
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def cert_file(self):
        return HERE / "certs" / f"{self.label}.pem"

    @property
    def key_file(self):
        return HERE / "keys" / f"{self.label}.key"

    @property
    def der(self):
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def key_of(label, bits):
    path = HERE / "keys" / f"{label}.key"
    if path.exists():
        return serialization.load_pem_private_key(path.read_bytes(), None)
    path.parent.mkdir(parents=True, exist_ok=True)
    key = rsa.generate_private_key(65537, bits)
    path.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption()))
    return key


def name(common, unit=None, organisation=None, place=None, state=None, country=None):
    """A name in CUCM's order, most specific part first."""
    parts = [(NameOID.COMMON_NAME, common), (NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
             (NameOID.ORGANIZATION_NAME, organisation), (NameOID.LOCALITY_NAME, place),
             (NameOID.STATE_OR_PROVINCE_NAME, state), (NameOID.COUNTRY_NAME, country)]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts if value])


def tac(common):
    return name(common, "TAC", "Cisco", "RTP", "North Carolina", "US")


def joemar(common):
    return name(common, "tac", "cisco", "rtp", "nc", "US")


def key_usage(*wanted):
    every = ("digital_signature", "content_commitment", "key_encipherment",
             "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
             "encipher_only", "decipher_only")
    return x509.KeyUsage(**{usage: usage in wanted for usage in every})


def sha1_signed(builder, key):
    """Sign with SHA-1, as CUCM did, also where the library no longer offers it
    for certificates: sign with SHA-256, then exchange algorithm and signature."""
    made = builder.sign(key, hashes.SHA256())
    data = made.public_bytes(serialization.Encoding.DER).replace(SHA256_RSA, SHA1_RSA)
    body = made.tbs_certificate_bytes.replace(SHA256_RSA, SHA1_RSA)
    signature = key.sign(body, padding.PKCS1v15(), hashes.SHA1())
    return x509.load_der_x509_certificate(data[:-len(signature)] + signature)


def builder_of(subject, issuer, key, serial, start=NOT_BEFORE, end=NOT_AFTER):
    return x509.CertificateBuilder(issuer, subject, key.public_key(), serial, start, end)


def cucm(label, bits, subject, serial, ipsec=True, ca=None, end=NOT_AFTER):
    """A certificate as CUCM makes it: self-signed, three extensions. With
    these, TVS.pem comes to 975 bytes, as in the published capture."""
    key = key_of(label, bits)
    issuer, signing_key = (ca.certificate.subject, ca.key) if ca else (subject, key)
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    if ipsec:
        usages.append(IPSEC_END_SYSTEM)
    builder = (
        builder_of(subject, issuer, key, serial, end=end)
        .add_extension(key_usage("digital_signature", "key_encipherment",
                                 "data_encipherment", "key_cert_sign"), False)
        .add_extension(x509.ExtendedKeyUsage(usages), False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False))
    return Identity(label, sha1_signed(builder, signing_key), key)


def authority(label, subject, serial):
    key = key_of(label, 2048)
    builder = (builder_of(subject, subject, key, serial)
               .add_extension(x509.BasicConstraints(True, None), True)
               .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False))
    return Identity(label, sha1_signed(builder, key), key)


def microsoft_issued(label, bits, subject, serial, ca):
    """A certificate issued by a Microsoft authority, seven extensions. The
    directory paths are as such authorities write them, and bring the whole
    to the 1442 bytes of the published list."""
    key = key_of(label, bits)
    base = "CN=Public%20Key%20Services,CN=Services,CN=Configuration,DC=bbbburns,DC=lab"
    crl = (f"ldap:///CN=JASBURNS-AD(1),CN=jasburns-ad1,CN=CDP,{base}"
           "?certificateRevocationList?base?objectClass=cRLDistributionPoint")
    crl_http = "http://jasburns-ad1.bbbburns.lab/CertEnroll/JASBURNS-AD(1).crl"
    aia = (f"ldap:///CN=JASBURNS-AD,CN=AIA,{base}"
           "?cACertificate?base?objectClass=certificationAuthority")
    aia_http = ("http://jasburns-ad1.bbbburns.lab/CertEnroll/"
                "jasburns-ad1.bbbburns.lab_JASBURNS-AD.crt")
    template = "WebServer".encode("utf-16-be")
    builder = (
        builder_of(subject, ca.certificate.subject, key, serial)
        .add_extension(x509.ExtendedKeyUsage([
            ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH,
            IPSEC_END_SYSTEM]), False)
        .add_extension(key_usage("digital_signature", "key_encipherment",
                                 "data_encipherment"), False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
            ca.key.public_key()), False)
        .add_extension(x509.CRLDistributionPoints([x509.DistributionPoint(
            [x509.UniformResourceIdentifier(crl), x509.UniformResourceIdentifier(crl_http)],
            None, None, None)]), False)
        .add_extension(x509.AuthorityInformationAccess([
            x509.AccessDescription(x509.oid.AuthorityInformationAccessOID.CA_ISSUERS,
                                   x509.UniformResourceIdentifier(uri))
            for uri in (aia, aia_http)]), False)
        .add_extension(x509.UnrecognizedExtension(
            x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2"),
            bytes([0x1E, len(template)]) + template), False))
    return Identity(label, sha1_signed(builder, ca.key), key)


def etoken(label, common, serial, ca):
    """A security token of the CTL client, issued by Cisco Manufacturing CA."""
    key = key_of(label, 1024)
    builder = (
        builder_of(name(common, "IPCBU", "Cisco Systems"), ca.certificate.subject, key, serial)
        .add_extension(key_usage("digital_signature", "content_commitment",
                                 "key_encipherment"), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
            ca.key.public_key()), False)
        .add_extension(x509.CRLDistributionPoints([x509.DistributionPoint(
            [x509.UniformResourceIdentifier("http://www.cisco.com/security/pki/crl/cmca.crl")],
            None, None, None)]), False))
    return Identity(label, sha1_signed(builder, ca.key), key)


def phone_certificate(label, model, phone, serial, ca):
    """A phone's MIC: model and MAC in its name, issued by Cisco Manufacturing CA."""
    key = key_of(label, 2048)
    builder = (
        builder_of(name(f"{model}-{phone}", "CTG", "Cisco Systems Inc."),
                   ca.certificate.subject, key, serial)
        .add_extension(key_usage("digital_signature", "key_encipherment"), True)
        .add_extension(x509.ExtendedKeyUsage([
            ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH,
            IPSEC_END_SYSTEM]), False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
            ca.key.public_key()), False))
    return Identity(label, sha1_signed(builder, ca.key), key)


class Store:
    """Every identity of the captures, by attribute."""

    def __init__(self):
        publisher = tac("CUCM8-Publisher.bbbburns.lab")
        subscriber = tac("CUCM8-Subscriber.bbbburns.lab")
        oids = [(NameOID.DOMAIN_COMPONENT, "lab"), (NameOID.DOMAIN_COMPONENT, "bbbburns"),
                (NameOID.COMMON_NAME, "JASBURNS-AD")]
        ad_name = x509.Name([x509.NameAttribute(oid, value) for oid, value in oids])
        self.ad = authority("jasburns-ad", ad_name, 0x1B7F3D5C9A20E48144E1A9D08C6F3E52)
        self.cmca = authority("cisco-manufacturing-ca",
                              name("Cisco Manufacturing CA", organisation="Cisco Systems"),
                              0x6A6967B3000000000003)

        # The publisher as first installed ...
        self.callmanager = microsoft_issued(
            "callmanager-old", 1024, publisher, 0x21002D17000000000005, self.ad)
        self.tvs = cucm("tvs-old", 2048, publisher, 0x2E3E1A7BDAA64D84)
        self.capf = cucm("capf", 1024, tac("CAPF-9c4cba7d"), 0x0ADC6E7742914A53)
        self.tomcat = cucm("tomcat", 2048, publisher, 0x53CE2A9917F40B6D)
        self.tomcat_issued = microsoft_issued(
            "tomcat-issued", 2048, publisher, 0x3A00000009000000000009, self.ad)
        # ... and after CallManager.pem or TVS.pem was regenerated: the same
        # names, self-signed. The new TVS serial has its top bit set, so that
        # DER puts a zero byte before it and a list does not.
        self.callmanager_new = cucm("callmanager-new", 1024, publisher, 0x5C0B7D91E2A43F16)
        self.tvs_new = cucm("tvs-new", 2048, publisher, 0xB1F0C3527D91E80E)
        # Names and serial of tvs-old on another key.
        self.tvs_twin = cucm("tvs-twin", 2048, publisher, 0x2E3E1A7BDAA64D84)

        # A second node of the same cluster.
        self.callmanager_sub = cucm("callmanager-sub", 1024, subscriber, 0x4D1F62A0B3C75E89)
        self.tvs_sub = cucm("tvs-sub", 2048, subscriber, 0x71E4053BD2964CFA)
        self.tomcat_sub = cucm("tomcat-sub", 2048, subscriber, 0x3A8D11E67B0C92F5)

        # Two tokens of the CTL client; blanks fill the name, as on real ones.
        self.etoken1 = etoken("etoken-1", "SAST-ADN008580ef       ",
                              0x83E9080000005545AF31, self.cmca)
        self.etoken2 = etoken("etoken-2", "SAST-ADN0054f509       ",
                              0x3B21170000003D9C7A12, self.cmca)

        self.mic = phone_certificate("mic", "CP-8861", "SEP0011215A1AE3",
                                     0x1F3C88A20000000B7D31, self.cmca)

        # A 10.0(1) cluster: serials of 16 bytes and an ITLRecovery key. The
        # dump prints that name longer than its own length field says; the
        # length is kept, the host shortened.
        ten = joemar("test10pub.joemar2.lab")
        self.ten_callmanager = cucm("ten-callmanager", 1024, ten,
                                    0x614052E91EE97C779B7B5E810AB146A5)
        self.ten_callmanager_new = cucm("ten-callmanager-new", 1024, ten,
                                        0x5D21C7840B9FE6331A6E0F94C2D7785B)
        self.ten_tvs = cucm("ten-tvs", 1024, ten, 0x765984D8B730606336E5C7B6A7DDB9D6)
        self.ten_tvs_new = cucm("ten-tvs-new", 1024, ten, 0x4B907E3FA5D81C26E0137B52C86A49FD)
        self.ten_capf = cucm("ten-capf", 1024, joemar("CAPF-75638ad9"),
                             0x42BF37779B16AF1CD23088C217249DAA)
        self.ten_recovery = cucm("ten-itlrecovery", 1024,
                                 joemar("ITLRECOVERY_test10pub.joe2.lab"),
                                 0x6E3F65C297B3E01FE74281AB52CC55DC, ipsec=False)
        self.ten_tvs_sub = cucm("ten-tvs-sub", 2048, joemar("test10sub.joemar2.lab"),
                                0x67D1A19EF8AB91E6C0A610352630EE02)
        self.ten_tomcat = cucm("ten-tomcat", 2048, ten, 0x2F60B8D915C37EA4900D4C1B67E253F8)

    def all(self):
        return [value for value in vars(self).values() if isinstance(value, Identity)]

    def write(self):
        (HERE / "certs").mkdir(parents=True, exist_ok=True)
        for identity in self.all():
            identity.cert_file.write_bytes(identity.pem)

    def by_der(self, data):
        return next(identity for identity in self.all() if identity.der == data)
