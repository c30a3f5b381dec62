"""The trust lists of the captures, and the signed files beside them."""

import trustlist
from trustlist import CAPF, CCM_TFTP, SAST, TFTP, TVS, Entry, Signer

# Wed Jul 27 10:16:24 EDT 2011 as the published `show itl` says, and later.
FIRST, SECOND, THIRD = 1311776184, 1392042000, 1392100886

ETOKEN_ISSUER = "cn=Cisco Manufacturing CA;o=Cisco Systems"


def signer(identity):
    return Signer(identity.certificate, identity.key)


def itl8(callmanager, tvs_servers, capf, timestamp):
    """The four records of an 8.x list: the CallManager certificate in two
    roles, TVS and CAPF as hashes. Further TVS servers follow CAPF."""
    first, *more = tvs_servers
    entries = [Entry(callmanager.certificate, SAST), Entry(callmanager.certificate, CCM_TFTP),
               Entry(first.certificate, TVS, hashed=True),
               Entry(capf.certificate, CAPF, hashed=True)]
    entries += [Entry(tvs.certificate, TVS, hashed=True) for tvs in more]
    return trustlist.write_list(signer(callmanager), entries, timestamp)


def itl10(callmanager, tvs, store, timestamp, by=None):
    """The six records of a 10.0(1) list, signed by CallManager or by the
    recovery key (`utils itl reset localkey`)."""
    entries = [Entry(callmanager.certificate, SAST), Entry(callmanager.certificate, TFTP),
               Entry(store.ten_capf.certificate, CAPF, hashed=True),
               Entry(tvs.certificate, TVS, hashed=True),
               Entry(store.ten_recovery.certificate, SAST),
               Entry(store.ten_tvs_sub.certificate, TVS, hashed=True)]
    return trustlist.write_list(signer(by or callmanager), entries, timestamp)


def etoken_names(identity):
    common = identity.certificate.subject.get_attributes_for_oid(
        trustlist.x509.NameOID.COMMON_NAME)[0].value
    return dict(subject=f'cn="{common}";ou=IPCBU;o="Cisco Systems"', issuer=ETOKEN_ISSUER)


def ctl8(store, timestamp):
    """A list of the CTL client: two tokens, the publisher, CAPF. The tokens'
    records have no SIGNATURE field; a CTL never has TVS records."""
    server = dict(dns_name=trustlist.text("CUCM8-Publisher"), address=bytes([14, 48, 44, 80]))
    entries = [Entry(token.certificate, SAST, dns_name=b"\0", address=bytes(4), etoken=True,
                     **etoken_names(token)) for token in (store.etoken1, store.etoken2)]
    entries += [Entry(store.callmanager.certificate, CCM_TFTP, **server),
                Entry(store.capf.certificate, CAPF, **server)]
    names = etoken_names(store.etoken1)
    return trustlist.write_list(
        Signer(store.etoken1.certificate, store.etoken1.key, names["subject"], names["issuer"]),
        entries, timestamp, "CTLFile.tlv")


def signed(callmanager, file_name, body, timestamp=FIRST):
    return trustlist.sign_file(signer(callmanager), file_name, body, (1, 0), timestamp)


class Lists:
    """Every list by name; written to references/ as NAME.tlv."""

    def __init__(self, store):
        self.store = store
        s = store
        self.by_name = {
            # The publisher as installed, and after regenerations.
            "itl-old": itl8(s.callmanager, [s.tvs], s.capf, FIRST),
            "itl-tvs-new": itl8(s.callmanager, [s.tvs_new], s.capf, SECOND),
            "itl-callmanager-new": itl8(s.callmanager_new, [s.tvs], s.capf, SECOND),
            "itl-both-new": itl8(s.callmanager_new, [s.tvs_new], s.capf, THIRD),
            # A cluster of two: one list per TFTP server.
            "itl-two-publisher": itl8(s.callmanager, [s.tvs, s.tvs_sub], s.capf, FIRST),
            "itl-two-subscriber": itl8(s.callmanager_sub, [s.tvs, s.tvs_sub], s.capf, FIRST),
            "itl-two-publisher-new": itl8(s.callmanager_new, [s.tvs_new, s.tvs_sub], s.capf,
                                          SECOND),
            "ctl": ctl8(s, FIRST),
            # 10.0(1), with ITLRecovery.
            "itl10-old": itl10(s.ten_callmanager, s.ten_tvs, s, SECOND),
            "itl10-new": itl10(s.ten_callmanager_new, s.ten_tvs_new, s, THIRD),
            "itl10-recovery": itl10(s.ten_callmanager_new, s.ten_tvs_new, s, THIRD,
                                    by=s.ten_recovery),
        }
        self.check_lengths()

    def __getitem__(self, name):
        return self.by_name[name]

    def check_lengths(self):
        """The figures of the published dumps must come out."""
        def shape(name):
            data = self[name]
            at = int.from_bytes(data[8:10], "big")
            lengths = [at]
            while at < len(data):
                lengths.append(int.from_bytes(data[at + 3:at + 5], "big"))
                at += lengths[-1]
            return len(data), lengths

        assert shape("itl-old") == (5438, [296, 1972, 1972, 743, 455])
        ten = [1115, 1115, 439, 455, 1141, 713]
        assert shape("itl10-old") == (5302, [324, *ten])
        assert shape("itl10-recovery") == (5322, [344, *ten])
        assert shape("ctl")[1][0] == 304

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in self.by_name.items():
            (folder / f"{name}.tlv").write_bytes(data)
        for identity in (self.store.tvs, self.store.tvs_new, self.store.tvs_twin,
                         self.store.tvs_sub):
            (folder / f"{identity.label}.pem").write_bytes(identity.pem)
