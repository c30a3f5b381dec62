"""Every capture, as a case: who serves what, what the phones hold, what happens
on the way, and what the recording must show."""

from scene import (OLD, SERVE_12, SERVE_13, TLS12, TLS13, Case, Handset, Question, Server,
                   Tap)

PHONE = "SEP0011215A1AE3"

# What a phone does that holds a list whose signer still signs.
SIGNED_FILES = ["ITL*.tlv complete", "ITL*.tlv accepted: signer_in_list",
                "*.cnf.xml.sgn complete", "*.cnf.xml.sgn accepted: signer_in_list",
                "tzupdate.jar.sgn complete", "tzupdate.jar.sgn accepted: signer_in_list"]
NO_CTL = ["CTL*.tlv refused"]
DIRECTORY = ["tvs established", "tomcat established"]
# TVS is refused, so Tomcat's certificate cannot be confirmed either.
NO_DIRECTORY = ["tvs refused", "tomcat refused"]


def twice(story, *files):
    """These files were answered from two ports, and the phone refused one."""
    return [f"{line}, another port refused" if line in [f"{file} complete" for file in files]
            else line for line in story]


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
         Question([ref("tvs-new.pem")], None,
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
                  ["--holds", f"{PHONE}=references/itl-old.tlv", "--holds", f"{PHONE}=ctl=none",
                   "--phone-says", f"{PHONE}=verification-failed", "--old-key-backup", "no"])],
        seconds=90)

    yield Case(
        "ctl-not-found",
        "A phone without any list in a cluster that is not in mixed mode: no CTL under either "
        "name (ERROR 1), the first ITL is taken on faith.",
        [Server(**old, itl="itl-old", tftp="hpa")],
        [Handset(settings={"fallback": ["CTLFile.tlv"]})],
        {PHONE: ["CTL*.tlv refused", "CTLFile.tlv refused", "ITL*.tlv complete",
                 "ITL*.tlv accepted: nothing_held", *SIGNED_FILES[2:], *DIRECTORY]},
        [Question([ref("itl-old.tlv")], 0, {PHONE: "not_needed"})])

    yield Case(
        "central-tftp",
        "A central TFTP server: no list of the phone's own name, the common ITLFile.tlv "
        "instead.",
        [Server(**old, itl="itl-old", itl_names=("ITLFile.tlv",))],
        [Handset({"itl": "itl-old"}, settings={"fallback": ["ITLFile.tlv"]})],
        {PHONE: [*NO_CTL, "ITL*.tlv refused", "ITLFile.tlv complete",
                 "ITLFile.tlv accepted: signer_in_list", *SIGNED_FILES[2:], *DIRECTORY]},
        [Question([ref("itl-old.tlv")], 0, {PHONE: "not_needed"})])

    itl, conf = f"ITL{PHONE}.tlv", f"{PHONE}.cnf.xml.sgn"

    def data(file, block, at, do="drop", **more):
        return {"match": {"tftp": "data", "file": file, "block": block}, "at": at, "do": do,
                **more}

    def ack(file, block, at, do="drop", **more):
        return {"match": {"tftp": "ack", "file": file, "block": block}, "at": at, "do": do,
                **more}

    def segment(port, sender, number, at, do="drop", **more):
        return {"match": {"tcp_port": port, "from": sender, "payload": number}, "at": at,
                "do": do, **more}

    yield Case(
        "lossy",
        "A bad line with an MTU of 576, so that the certificate comes in three segments. Frames "
        "are lost before and behind the recorder, repeated and delayed; a last ACK is lost too, "
        "so the server repeats the last block to a closed port (ICMP). Every file and both TLS "
        "sessions come through whole.",
        [Server(**old, itl="itl-old", ctl="ctl", tftp="hpa")],
        [Handset({"ctl": "ctl", "itl": "itl-old"})],
        {PHONE: ["CTL*.tlv complete", "CTL*.tlv accepted: signer_in_list",
                 *twice(SIGNED_FILES, "*.cnf.xml.sgn"), *DIRECTORY]},
        [Question([ref("itl-old.tlv")], 0, {PHONE: "not_needed"})],
        mtu=576,
        faults=[
            # The request lost unseen, and lost behind the recorder.
            {"match": {"tftp": "rrq", "file": itl}, "at": "before", "do": "drop"},
            {"match": {"tftp": "rrq", "file": conf}, "at": "after", "do": "drop"},
            data(itl, 3, "before"), data(itl, 5, "after"), ack(itl, 7, "after"),
            data(itl, 8, "before", "repeat", ms=4), data(itl, 9, "before", "delay", ms=600),
            ack(itl, 10, "before"), ack(itl, 11, "after"),
            data(conf, 1, "after"), ack(conf, 4, "before", "repeat", ms=2),
            data(conf, 6, "before", "delay", ms=700), data(conf, 15, "before"),
            {"match": {"tcp_port": 2445, "flags": "syn"}, "at": "before", "do": "drop"},
            # The flight with the certificate: one segment late, one lost.
            segment(2445, "s0", 1, "before", "delay", ms=30),
            segment(2445, "s0", 3, "after"),
            segment(2445, "p0", 2, "before", "repeat", ms=3),
            segment(8443, "s0", 2, "before"),
            segment(8443, "p0", 3, "after"),
        ])

    newer = {"blksize": 1024, "tsize": 0, "windowsize": 4}
    yield Case(
        "windowed",
        "A newer phone that asks for blocks of 1024 bytes in windows of four, tsize included. "
        "An OACK is lost, blocks come in another order or not at all, windows are sent again.",
        [Server(**old, itl="itl-old", tls=SERVE_12, tftp_arguments=["--retry-timeout", "1"])],
        [Handset({"itl": "itl-old"}, model="CP-8861", tls={"tvs": TLS12},
                 settings={"tftp_options": newer})],
        {PHONE: [*NO_CTL, *SIGNED_FILES, *DIRECTORY]},
        [Question([ref("itl-old.tlv")], 0, {PHONE: "not_needed"})],
        faults=[
            {"match": {"tftp": "oack", "file": itl}, "at": "before", "do": "drop"},
            data(itl, 2, "before", "delay", ms=5),
            data(conf, 3, "before"), data(conf, 6, "after"),
        ])

    yield Case(
        "span-drops",
        "A SPAN port that loses frames: the recording lacks DATA blocks 4 and 5 of the ITL, the "
        "short last block of the configuration and the segment with TVS's certificate. The phone "
        "got and acknowledged them all: nothing is wrong with it, and no checksum can be told.",
        [Server(**old, itl="itl-old", ctl="ctl")],
        [Handset({"ctl": "ctl", "itl": "itl-old"})],
        {PHONE: ["CTL*.tlv complete", "CTL*.tlv accepted: signer_in_list", *SIGNED_FILES,
                 *DIRECTORY]},
        [Question([ref("itl-old.tlv")], None,
                  because="Nothing can be compared; nothing may be called a mismatch.")],
        faults=[data(itl, 4, "span"), data(itl, 5, "span"), data(conf, 15, "span"),
                segment(2445, "s0", 1, "span")])

    yield Case(
        "two-link-types",
        "One pcapng from two recorders: TFTP from a SPAN port (Ethernet, VLAN, nanoseconds), "
        "TLS from the server itself (`tcpdump -i any`, Linux cooked v2, microseconds).",
        [Server(**old, itl="itl-old", tftp="hpa")],
        [Handset({"itl": "itl-old"})],
        {PHONE: [*NO_CTL, *SIGNED_FILES, *DIRECTORY]},
        [Question([ref("itl-old.tlv")], 0, {PHONE: "not_needed"})],
        pcapng=True,
        taps=[Tap(options=("--time-stamp-precision=nano",), filter="vlan and udp"),
              Tap("s0", "any", ("-y", "LINUX_SLL2"), "tcp")])

    yield Case(
        "tls12",
        "A newer phone: TFTP with blksize and tsize, TLS 1.2 with AES256-GCM-SHA384 on both "
        "ports; Tomcat's certificate is issued by a CA and sent with it.",
        [Server(**{**old, "tomcat": s.tomcat_issued}, itl="itl-old", tls=SERVE_12,
                tomcat_chain=s.ad)],
        [Handset({"itl": "itl-old"}, model="CP-8861", tls={"tvs": TLS12},
                 settings={"tftp_options": {"tsize": 0, "blksize": 1428}})],
        {PHONE: [*NO_CTL, *SIGNED_FILES, *DIRECTORY]},
        [Question([ref("itl-old.tlv")], 0, {PHONE: "not_needed"})],
        taps=[Tap(options=("--time-stamp-precision=nano",))])

    yield Case(
        "tls13",
        "TLS 1.3 on 2445 and 8443: both certificates are encrypted, so nothing on the wire tells "
        "which one TVS presented. It was accepted. Tomcat wants another key exchange group first "
        "(HelloRetryRequest).",
        [Server(**old, itl="itl-old", tls=SERVE_13,
                tomcat_tls=[*SERVE_13, "-groups", "P-384"])],
        [Handset({"itl": "itl-old"}, model="CP-8875", tls={"tvs": TLS13})],
        {PHONE: [*NO_CTL, *SIGNED_FILES, *DIRECTORY]},
        [Question([ref("itl-old.tlv")], 0),
         Question([ref("itl-tvs-new.tlv")], 1,
                  because="Only for the list; tvs_serial stays unknown.")])

    yield Case(
        "tls13-refused",
        "As tls13, but TVS presents a certificate that is not in the phone's list. The "
        "certificate is encrypted; the phone's alert unknown_ca is not, for OpenSSL sends it "
        "before it takes its own handshake keys into use.",
        [Server(**{**old, "tvs": s.tvs_new}, itl="itl-old", tls=SERVE_13)],
        [Handset({"itl": "itl-old"}, model="CP-8875", tls={"tvs": TLS13})],
        {PHONE: [*NO_CTL, *SIGNED_FILES, *NO_DIRECTORY]},
        [Question([ref("itl-old.tlv")], None,
                  because="The list matches; TVS was refused, with what certificate is unknown.")])

    second = dict(name="SEP00235EB73A10", address="14.48.44.203")
    both = ["-no_tls1_3", "-cipher", "AES256-SHA:AES256-GCM-SHA384:@SECLEVEL=0"]
    yield Case(
        "resumed",
        "Two phones press Directories twice. Their second session with TVS is resumed, by "
        "session ID (TLS 1.0) and by ticket (TLS 1.2): no certificate is shown in it.",
        [Server(**old, itl="itl-old", tftp="hpa", tls=both)],
        [Handset({"itl": "itl-old"}, tls={"tvs": {**OLD, "resume": True}, "tomcat": OLD},
                 settings={"directory": 2, "forget_answers": True}),
         Handset({"itl": "itl-old"}, **second, model="CP-8861",
                 tls={"tvs": {**TLS12, "resume": True}, "tomcat": TLS12},
                 settings={"directory": 2, "forget_answers": True})],
        {name: [*NO_CTL, *SIGNED_FILES, *DIRECTORY, "tvs established (resumed)",
                "tomcat established"] for name in (PHONE, second["name"])},
        [Question([ref("itl-old.tlv")], 0,
                  {PHONE: "not_needed", second["name"]: "not_needed"})])

    six = "2001:db8:48:44::"
    yield Case(
        "ipv6-vlan",
        "A phone and a cluster that speak IPv6 only, in VLAN 444.",
        [Server(**old, itl="itl-old", address=f"{six}80", tftp="hpa")],
        [Handset({"itl": "itl-old"}, address=f"{six}202")],
        {PHONE: [*NO_CTL, *SIGNED_FILES, *DIRECTORY]},
        [Question([ref("itl-old.tlv")], 0, {PHONE: "not_needed"}),
         Question([f"{six}80={ref('itl-old.tlv')}"], 0, {PHONE: "not_needed"})])

    subscriber = dict(callmanager=s.callmanager_sub, tvs=s.tvs_sub, tomcat=s.tomcat_sub,
                      address="14.48.44.81", mac="00:50:56:b5:65:68", name="CUCM8-Subscriber")
    yield Case(
        "two-tftp",
        "Two TFTP servers of one cluster, each with a list of its own, each with one phone.",
        [Server(**old, itl="itl-two-publisher"),
         Server(**subscriber, itl="itl-two-subscriber", tftp="hpa")],
        [Handset({"itl": "itl-two-publisher"}, tvs=("14.48.44.80", "14.48.44.81")),
         Handset({"itl": "itl-two-subscriber"}, **second, server=1,
                 tvs=("14.48.44.81", "14.48.44.80"))],
        {name: [*NO_CTL, *SIGNED_FILES, *DIRECTORY] for name in (PHONE, second["name"])},
        [Question(["14.48.44.80=" + ref("itl-two-publisher.tlv"),
                   "14.48.44.81=" + ref("itl-two-subscriber.tlv")], 0,
                  {PHONE: "not_needed", second["name"]: "not_needed"}),
         Question([ref("itl-two-publisher.tlv")], 1,
                  because="The trap: a list belongs to one TFTP server.")])

    stuck = "SEP001D45B6C0F2"
    fleet = [("SEP0011215A1AE3", 202), ("SEP00235EB73A10", 203), ("SEP0019E8F1A7C4", 204),
             (stuck, 205), ("SEP001BD4608E2B", 206), ("SEP0025459D3B77", 207)]
    yield Case(
        "six-phones",
        "Six phones boot at about the same time after CallManager.pem and TVS.pem were both "
        "regenerated, one after the other. Five took each new list in its turn. "
        f"{stuck} was unplugged meanwhile, still holds the first list, and is stuck.",
        [Server(callmanager=s.callmanager_new, tvs=s.tvs_new, tomcat=s.tomcat,
                itl="itl-both-new")],
        [Handset({"itl": "itl-old" if name == stuck else "itl-both-new"}, name=name,
                 address=f"14.48.44.{number}",
                 settings={"pauses": {"start": 0.15 * at, "between_boots": 2},
                           "extra": [] if name == stuck else ["tzupdate.jar.sgn"],
                           "boots": 2 if name == stuck else 1,
                           "directory": 0 if name == stuck else 1})
         for at, (name, number) in enumerate(fleet)],
        {name: rejected * 2 if name == stuck else [*NO_CTL, *SIGNED_FILES, *DIRECTORY]
         for name, _ in fleet},
        [Question([ref("itl-both-new.tlv")], None,
                  {name: "not_needed" for name, _ in fleet if name != stuck},
                  because="The trap: against today's list all six match. Only the alerts tell."),
         Question([ref("itl-both-new.tlv")], 1,
                  {name: "undetermined" if name == stuck else "not_needed" for name, _ in fleet},
                  ["--holds", f"{stuck}=references/itl-old.tlv"]),
         Question([ref("itl-old.tlv")], 1,
                  {name: "not_needed" for name, _ in fleet if name != stuck})])

    yield Case(
        "tvs-regenerated-tftp-restarted",
        "TVS.pem was regenerated, TVS and TFTP restarted: the new list names the new TVS and is "
        "signed by the known key. The phone takes it and believes TVS again.",
        [Server(**{**old, "tvs": s.tvs_new}, itl="itl-tvs-new")],
        [Handset({"itl": "itl-old"})],
        {PHONE: [*NO_CTL, *SIGNED_FILES, *DIRECTORY]},
        [Question([ref("itl-tvs-new.tlv")], 0, {PHONE: "not_needed"}),
         Question([ref("itl-old.tlv")], 1, {PHONE: "not_needed"})])

    yield Case(
        "tvs-same-serial",
        "TVS presents a certificate with the names and the serial number of the list, but with "
        "another key: the hash differs, the phone refuses.",
        [Server(**{**old, "tvs": s.tvs_twin}, itl="itl-old", tftp="hpa")],
        [Handset({"itl": "itl-old"})],
        {PHONE: [*NO_CTL, *SIGNED_FILES, *NO_DIRECTORY]},
        [Question([ref("itl-old.tlv")], 1, {PHONE: "not_needed"}),
         Question([ref("tvs-old.pem")], 1)])

    yield Case(
        "other-tvs",
        "CallManager.pem and TVS.pem of the publisher were regenerated together, but the "
        "subscriber's TVS is unchanged: the phone refuses the first, asks the second, and takes "
        "the new list.",
        [Server(callmanager=s.callmanager_new, tvs=s.tvs_new, tomcat=s.tomcat,
                itl="itl-two-publisher-new"),
         Server(**subscriber, itl="itl-two-subscriber", services=("tvs",),
                knows=[(s.callmanager_new, [0, 2]), (s.callmanager_sub, [0, 2]),
                       (s.tomcat, [7])])],
        [Handset({"itl": "itl-two-publisher"}, tvs=("14.48.44.80", "14.48.44.81"))],
        {PHONE: [*NO_CTL, "ITL*.tlv complete", "tvs refused", "tvs established",
                 "ITL*.tlv accepted: tvs_vouched", *SIGNED_FILES[2:], *DIRECTORY]},
        [Question([ref("itl-two-publisher.tlv")], 1, {PHONE: "not_needed"},
                  because="One TVS that the phone knows is enough.")])

    ten = dict(callmanager=s.ten_callmanager_new, tvs=s.ten_tvs_new, tomcat=s.ten_tomcat,
               name="test10pub", address="10.48.47.136")
    ten_phone = dict(name="SEP64A0E7148D5E", address="10.48.47.211", model="CP-7965")
    yield Case(
        "recovery-before",
        "A 10.0 cluster after CallManager.pem and TVS.pem were regenerated together: the phone "
        "rejects the list. Its own list and the served one hold the same ITLRecovery "
        "certificate, so deletion is not needed.",
        [Server(**ten, itl="itl10-new", tftp="hpa")],
        [Handset({"itl": "itl10-old"}, **ten_phone, settings={"extra": [], "directory": 0})],
        {ten_phone["name"]: rejected},
        [Question([ref("itl10-old.tlv")], 1, {ten_phone["name"]: "not_needed"},
                  ["--holds", f"{ten_phone['name']}=references/itl10-old.tlv"],
                  because="With the phone's own list known: not_needed, by itl_recovery.")])
    yield Case(
        "recovery-after",
        "The same after `utils itl reset localkey`: the served list is signed by ITLRecovery, "
        "which the phone's old list holds as SAST. It takes the list and all that follows.",
        [Server(**ten, itl="itl10-recovery", tftp="hpa")],
        [Handset({"itl": "itl10-old"}, **ten_phone)],
        {ten_phone["name"]: [*NO_CTL, *SIGNED_FILES, *DIRECTORY]},
        [Question([ref("itl10-recovery.tlv")], 0, {ten_phone["name"]: "not_needed"}),
         Question([ref("itl10-old.tlv")], 1, {ten_phone["name"]: "not_needed"})])

    unheard = [*NO_CTL, "ITL*.tlv complete", "tvs unreachable",
               "ITL*.tlv rejected: signer_unknown"]
    alone = dict(settings={"extra": [], "directory": 0})
    yield Case(
        "tvs-down",
        "CallManager.pem was regenerated and nothing listens on 2445 (RST): whether the phone "
        "would have believed TVS is unknown.",
        [Server(**{**old, "callmanager": s.callmanager_new}, itl="itl-callmanager-new",
                services=("tftp",))],
        [Handset({"itl": "itl-old"}, **alone)],
        {PHONE: [*unheard, "*.cnf.xml.sgn complete", "tvs unreachable",
                 "*.cnf.xml.sgn rejected: signer_unknown"]},
        [Question([ref("itl-old.tlv")], 1, {PHONE: "undetermined"})])
    yield Case(
        "tvs-filtered",
        "The same with 2445 filtered: SYNs without any answer.",
        [Server(**{**old, "callmanager": s.callmanager_new}, itl="itl-callmanager-new")],
        [Handset({"itl": "itl-old"}, **alone)],
        {PHONE: [*unheard, "*.cnf.xml.sgn complete", "tvs unreachable",
                 "*.cnf.xml.sgn rejected: signer_unknown"]},
        [Question([ref("itl-old.tlv")], 1, {PHONE: "undetermined"})],
        faults=[{"match": {"tcp_port": 2445, "flags": "syn"}, "at": "after", "do": "drop",
                 "times": 20}])

    yield Case(
        "tls-mismatch",
        "TVS and phone have no cipher in common: handshake_failure from the server. A fault of "
        "settings, not of trust.",
        [Server(**{**old, "callmanager": s.callmanager_new}, itl="itl-callmanager-new",
                tls=["-no_tls1_3", "-cipher", "AES128-SHA:@SECLEVEL=0"])],
        [Handset({"itl": "itl-old"}, **alone)],
        {PHONE: [line.replace("unreachable", "refused") for line in unheard]
                + ["*.cnf.xml.sgn complete", "tvs refused",
                   "*.cnf.xml.sgn rejected: signer_unknown"]},
        [Question([ref("itl-old.tlv")], 1, {PHONE: "undetermined"})])

    yield Case(
        "quiet-refusal",
        "Two stuck phones that refuse TVS without an alert: one closes (FIN), one resets.",
        [Server(callmanager=s.callmanager_new, tvs=s.tvs_new, tomcat=s.tomcat,
                itl="itl-both-new")],
        [Handset({"itl": "itl-old"}, tls={"tvs": {**OLD, "on_refusal": "silent"}}, **alone),
         Handset({"itl": "itl-old"}, **second, tls={"tvs": {**OLD, "on_refusal": "reset"}},
                 **alone)],
        {PHONE: rejected,
         second["name"]: [line.replace("tvs refused", "tvs reset") for line in rejected]},
        [Question([ref("itl-old.tlv")], 1,
                  {PHONE: "undetermined", second["name"]: "undetermined"})])

    yield Case(
        "slow-tftp",
        "The server is slow to answer, the phone repeats its request, and two server ports "
        "answer the same client port: the phone stays with one and sends the other ERROR 5.",
        [Server(**old, itl="itl-old", tftp="hpa")],
        [Handset({"itl": "itl-old"}, settings={"directory": 0})],
        {PHONE: [*NO_CTL, *twice(SIGNED_FILES, "ITL*.tlv", "*.cnf.xml.sgn")]},
        [Question([ref("itl-old.tlv")], 0)],
        faults=[data(itl, 1, "before", "delay", ms=560), data(conf, 1, "before", "delay", ms=560)])

    yield Case(
        "tftp-silent",
        "No TFTP server: requests repeated without answer but for ICMP port unreachable, which "
        "quotes them. The phone goes on with what it has; TVS and Tomcat still work.",
        [Server(**old, itl="itl-old", services=("tvs", "tomcat"))],
        [Handset({"itl": "itl-old"}, settings={"extra": []})],
        {PHONE: ["CTL*.tlv unanswered", "ITL*.tlv unanswered", "*.cnf.xml.sgn unanswered",
                 *DIRECTORY]},
        [Question([ref("itl-old.tlv")], None,
                  because="TVS matches; the list was never served.")])

    yield Case(
        "port-reuse",
        "A phone that uses one UDP port (30454) for every file, one at once after the other.",
        [Server(**old, itl="itl-old", ctl="ctl")],
        [Handset({"ctl": "ctl", "itl": "itl-old"},
                 settings={"tftp_ports": [30454] * 4, "directory": 0,
                           "pauses": {"after_list": 0, "before_config": 0, "before_extra": 0}})],
        {PHONE: ["CTL*.tlv complete", "CTL*.tlv accepted: signer_in_list", *SIGNED_FILES]},
        [Question([ref("itl-old.tlv")], 0)])

    yield Case(
        "seen-twice",
        "A SPAN session that copies frames as they come in and again as they go out: the healthy "
        "boot with every frame twice. Nothing was retransmitted.",
        [Server(**old, itl="itl-old")],
        [Handset({"itl": "itl-old"})],
        {PHONE: [*NO_CTL, *SIGNED_FILES, *DIRECTORY]},
        [Question([ref("itl-old.tlv")], 0, {PHONE: "not_needed"})],
        span_source={"rx": True, "tx": True})

    yield Case(
        "from-server-only",
        "A SPAN session that copies only what the server sends: DATA without requests, the "
        "server's half of TLS. The files are whole, their names and the phone's are not told.",
        [Server(**old, itl="itl-old", ctl="ctl", tftp="hpa")],
        [Handset({"ctl": "ctl", "itl": "itl-old"})],
        {PHONE: ["CTL*.tlv complete", "CTL*.tlv accepted: signer_in_list", *SIGNED_FILES,
                 *DIRECTORY]},
        [Question([ref("itl-old.tlv")], 0)],
        span_source={"ports": ["s0"]})

    yield Case(
        "from-phone-only",
        "A SPAN session that copies only what the phone sends: requests and ACKs, and the "
        "phone's half of TLS, in which it accepted what it was shown.",
        [Server(**old, itl="itl-old", ctl="ctl", tftp="hpa")],
        [Handset({"ctl": "ctl", "itl": "itl-old"})],
        {PHONE: ["CTL*.tlv complete", "CTL*.tlv accepted: signer_in_list", *SIGNED_FILES,
                 *DIRECTORY]},
        [Question([ref("itl-old.tlv")], None,
                  because="Nothing to compare is in the capture.")],
        span_source={"ports": ["p0"]})

    yield Case(
        "server-any",
        "Recorded on the server itself with `tcpdump -i any` (Linux cooked v1) behind a kernel "
        "bridge, checksum offload on: the checksums of what it sends are wrong in the capture.",
        [Server(**old, itl="itl-old")],
        [Handset({"itl": "itl-old"})],
        {PHONE: [*NO_CTL, *SIGNED_FILES, *DIRECTORY]},
        [Question([ref("itl-old.tlv")], 0, {PHONE: "not_needed"})],
        bridge=True, taps=[Tap("s0", "any", ("-y", "LINUX_SLL"))])

    yield Case(
        "bridge-any",
        "`tcpdump -i any` (Linux cooked v2) on the bridge between phone and server: every frame "
        "as it comes in and as it goes out.",
        [Server(**old, itl="itl-old")],
        [Handset({"itl": "itl-old"}, settings={"directory": 1})],
        {PHONE: [*NO_CTL, *SIGNED_FILES, *DIRECTORY]},
        [Question([ref("itl-old.tlv")], 0, {PHONE: "not_needed"})],
        bridge=True, taps=[Tap("switch", "any", ("-y", "LINUX_SLL2"))])

    yield Case(
        "http-6970",
        "A newer phone that asks HTTP on 6970 first, all on one connection: a missing CTL gives "
        "503 and is asked for again by TFTP (ERROR 1), the rest comes by HTTP.",
        [Server(**old, itl="itl-old", tls=SERVE_12,
                services=("http", "tftp", "tvs", "tomcat"))],
        [Handset({"itl": "itl-old"}, model="CP-8861", tls={"tvs": TLS12},
                 settings={"http": "kept"})],
        {PHONE: ["CTL*.tlv refused by HTTP", *NO_CTL,
                 *[f"{line} by HTTP" if line.endswith("complete") else line
                   for line in SIGNED_FILES], *DIRECTORY]},
        [Question([ref("itl-old.tlv")], 0, {PHONE: "not_needed"})])

    sip_phone = dict(name="SEPC80084AA8743", model="CP-7821")
    yield Case(
        "sip-new-list",
        "itl-differs with a SIP phone that registers in clear (TCP, MTU 576, so that messages are "
        "split over segments): two DeviceTLInfo alarms, first with the list that it held, then "
        "with the one that it took.",
        [Server(**{**old, "callmanager": s.callmanager_new}, itl="itl-callmanager-new",
                services=("tftp", "tvs", "tomcat", "sip-tcp"))],
        [Handset({"itl": "itl-old"}, **sip_phone,
                 settings={"sip": {"transport": "TCP"}, "directory": 0})],
        {sip_phone["name"]: [*NO_CTL, "ITL*.tlv complete", "tvs established",
                             "ITL*.tlv accepted: tvs_vouched", *SIGNED_FILES[2:],
                             "registered, 2 alarms: 202, 202, 200"]},
        [Question([ref("itl-callmanager-new.tlv")], 0, {sip_phone["name"]: "not_needed"},
                  because="The phone reports the hash of what TFTP served."),
         Question([ref("itl-old.tlv")], 1, {sip_phone["name"]: "not_needed"})],
        mtu=576)
    yield Case(
        "sip-old-list",
        "both-regenerated with a SIP phone: it rejects list and configuration, registers all the "
        "same (UDP), and its DeviceTLInfo alarm names the list that it still holds.",
        [Server(callmanager=s.callmanager_new, tvs=s.tvs_new, tomcat=s.tomcat,
                itl="itl-both-new", tftp="hpa",
                services=("tftp", "tvs", "tomcat", "sip-udp"))],
        [Handset({"itl": "itl-old"}, **sip_phone,
                 settings={"sip": {"transport": "UDP"}, "extra": [], "directory": 0})],
        {sip_phone["name"]: [*rejected, "registered, 1 alarms: 202, 200"]},
        [Question([ref("itl-both-new.tlv")], None, {sip_phone["name"]: "undetermined"},
                  because="The list that the phone names is not among the references."),
         Question([ref("itl-old.tlv"), ref("itl-both-new.tlv")], 1,
                  {sip_phone["name"]: "undetermined"},
                  because="The phone's own list is known by its hash; conditions 3 and 4 are "
                          "not.")])

    mic = {**TLS12, "certificate": str(s.mic.cert_file), "key": str(s.mic.key_file)}
    yield Case(
        "phone-certificate",
        "TVS asks the phone for its certificate: the MIC names model and MAC. The servers put at "
        "most 512 bytes into a TLS record, so handshake messages span several.",
        [Server(**old, itl="itl-old", tls=[*SERVE_12, "-verify", "1", "-max_send_frag", "512"],
                tomcat_tls=[*SERVE_12, "-max_send_frag", "512"])],
        [Handset({"itl": "itl-old"}, model="CP-8861", tls={"tvs": mic, "tomcat": TLS12})],
        {PHONE: [*NO_CTL, *SIGNED_FILES, *DIRECTORY]},
        [Question([ref("itl-old.tlv")], 0, {PHONE: "not_needed"})])

    yield Case(
        "fragments",
        "A phone that asks for blocks of 4096 bytes: every DATA packet comes in three IP "
        "fragments.",
        [Server(**old, itl="itl-old", tls=SERVE_12)],
        [Handset({"itl": "itl-old"}, model="CP-8861", tls={"tvs": TLS12},
                 settings={"tftp_options": {"blksize": 4096}})],
        {PHONE: [*NO_CTL, *SIGNED_FILES, *DIRECTORY]},
        [Question([ref("itl-old.tlv")], 0, {PHONE: "not_needed"})])

    yield Case(
        "vxlan",
        "The SPAN copies of a virtual switch, sent on in VXLAN (made by the kernel), the inner "
        "frames tagged.",
        [Server(**old, itl="itl-old", tftp="hpa")],
        [Handset({"itl": "itl-old"})],
        {PHONE: [*NO_CTL, *SIGNED_FILES, *DIRECTORY]},
        [Question([ref("itl-old.tlv")], 0, {PHONE: "not_needed"})],
        vxlan=True)
