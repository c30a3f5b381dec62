"""Every capture, as a case: who serves what, what the phones hold, what happens
on the way, and what the recording must show."""

from scene import (OLD, SERVE_12, SERVE_13, SERVE_OLD, TLS12, TLS13, Case, Handset, Question,
                   Server, Tap)

PHONE = "SEP0011215A1AE3"

# What a phone does that holds a list whose signer still signs.
SIGNED_FILES = ["ITL*.tlv complete", "ITL*.tlv accepted: signer_in_list",
                "*.cnf.xml.sgn complete", "*.cnf.xml.sgn accepted: signer_in_list",
                "tzupdate.jar.sgn complete", "tzupdate.jar.sgn accepted: signer_in_list"]
NO_CTL = ["CTL*.tlv refused"]
DIRECTORY = ["tvs established", "tomcat established"]
# TVS is refused, so Tomcat's certificate cannot be confirmed either.
NO_DIRECTORY = ["tvs refused", "tomcat refused"]


def ref(name):
    return f"references/{name}"


def cases(store):
    s = store
    old = dict(callmanager=s.callmanager, tvs=s.tvs, tomcat=s.tomcat)

    yield Case(
        "healthy",
        "A boot without fault, as in the published capture: CTL, ITL, signed configuration, "
        "tzupdate; then the Directories key: 8443, and TVS on 2445 asked while that handshake "
        "waits. TLS 1.0, AES256-SHA; VLAN 444.",
        [Server(**old, itl="itl-old", ctl="ctl")],
        [Handset({"ctl": "ctl", "itl": "itl-old"})],
        {PHONE: ["CTL*.tlv complete", "CTL*.tlv accepted: signer_in_list", *SIGNED_FILES,
                 *DIRECTORY]},
        [Question([ref("itl-old.tlv")], 0, {PHONE: "not_needed"}),
         Question([ref("tvs-old.pem")], 0, {PHONE: "not_needed"}),
         Question([ref("itl-both-new.tlv")], 1,
                  because="Compared with another list, both checks must fail.")])

    yield Case(
        "tvs-regenerated",
        "TVS.pem was regenerated and TVS restarted, TFTP was not: the served ITL is still the "
        "one that the phone holds, TVS presents a certificate that is not in it. Lists and "
        "configuration are accepted, the Directories key fails: the phone refuses TVS with "
        "unknown_ca, then Tomcat.",
        [Server(**{**old, "tvs": s.tvs_new}, itl="itl-old", tftp="hpa")],
        [Handset({"itl": "itl-old"})],
        {PHONE: [*NO_CTL, *SIGNED_FILES, *NO_DIRECTORY]},
        [Question([ref("itl-old.tlv")], 1, {PHONE: "not_needed"},
                  because="The signer of the list is known: restart TFTP, reset the phone."),
         Question([ref("tvs-new.pem")], 0,
                  because="The trap: what TVS presents today matches today's TVS.pem.")])

    yield Case(
        "itl-differs",
        "CallManager.pem was regenerated: the served ITL has a signer that the phone's list "
        "does not know. TVS is unchanged and vouches (QUERY on 2445), the phone takes the list "
        "and the configuration signed by the new key.",
        [Server(**{**old, "callmanager": s.callmanager_new}, itl="itl-callmanager-new")],
        [Handset({"itl": "itl-old"})],
        {PHONE: [*NO_CTL, "ITL*.tlv complete", "tvs established",
                 "ITL*.tlv accepted: tvs_vouched", *SIGNED_FILES[2:], *DIRECTORY]},
        [Question([ref("itl-old.tlv")], 1, {PHONE: "not_needed"},
                  because="The phone completed the handshake with TVS and sent data."),
         Question([ref("itl-callmanager-new.tlv")], 0, {PHONE: "not_needed"})])

    rejected = [*NO_CTL, "ITL*.tlv complete", "tvs refused", "ITL*.tlv rejected: signer_unknown",
                "*.cnf.xml.sgn complete", "tvs refused",
                "*.cnf.xml.sgn rejected: signer_unknown"]
    yield Case(
        "both-regenerated",
        "CallManager.pem and TVS.pem were regenerated together: the phone knows neither the "
        "signer nor TVS, refuses TVS with unknown_ca, keeps its old list and repeats its short "
        "round of files every 15 s.",
        [Server(callmanager=s.callmanager_new, tvs=s.tvs_new, tomcat=s.tomcat,
                itl="itl-both-new", tftp="hpa")],
        [Handset({"itl": "itl-old"}, settings={"boots": 3, "extra": [], "directory": 0})],
        {PHONE: rejected * 3},
        [Question([ref("itl-old.tlv")], 1, {PHONE: "undetermined"},
                  because="Conditions 3 and 4 cannot be seen on the wire."),
         Question([ref("itl-both-new.tlv")], None,
                  because="The trap: today's list matches what is served today, and the phone "
                          "is stuck all the same. The alert shows it."),
         Question([ref("itl-both-new.tlv")], 1, {PHONE: "needed"},
                  ["--holds", f"{PHONE}=references/itl-old.tlv",
                   "--phone-says", f"{PHONE}=verification-failed", "--old-key-backup", "no"])],
        seconds=90)
