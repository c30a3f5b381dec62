"""Expected facts of a capture, from sources that are not the program under
test: the phone's own log, md5sum and sha1sum of the served files, openssl's
reading of the certificates, tshark's reading of the frames. Where two sources
know the same fact they must agree, else the capture is not accepted."""

import csv
import hashlib
import io
import re
import subprocess

import trustlist
from alerts import ALERTS

FIELDS = [
    "frame.number", "ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "udp.srcport", "udp.dstport",
    "udp.length", "tftp.opcode", "tftp.block", "tftp.option.name", "tftp.option.value",
    "tcp.srcport", "tcp.dstport", "tcp.flags", "tcp.len", "tls.record.content_type",
    "tls.handshake.type", "tls.alert_message.level", "tls.alert_message.desc",
    "tls.handshake.certificate", "tls.handshake.ciphersuite", "tls.handshake.version",
    "tls.handshake.extensions.supported_version", "_ws.malformed", "icmp.type",
    "http.request.uri", "http.response.code", "http.content_length", "sip.Method",
]
OPTIONS = ["-o", "tcp.reassemble_out_of_order:TRUE",
           "-d", "tcp.port==2445,tls", "-d", "tcp.port==8443,tls",
           "-d", "tcp.port==6970,http"]
RRQ, DATA, ACK, ERROR, OACK = "1", "3", "4", "5", "6"
VERSIONS = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2",
            0x0304: "TLS 1.3"}


class Disagreement(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Disagreement(what)


def output(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True,
                          text=True).stdout


def checksum(tool, path):
    """md5sum or sha1sum."""
    return output(tool, path).split()[0]


def certificate_facts(path):
    """What openssl says about a certificate."""
    text = output("openssl", "x509", "-in", path, "-noout", "-serial", "-startdate", "-enddate",
                  "-dateopt", "iso_8601", "-fingerprint", "-sha1")
    text += output("openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256")
    found = dict(line.split("=", 1) for line in text.splitlines())
    found = {key.lower(): value for key, value in found.items()}
    return {
        "serial": found["serial"],
        "not_before": found["notbefore"].replace(" ", "T"),
        "not_after": found["notafter"].replace(" ", "T"),
        "sha1": found["sha1 fingerprint"].replace(":", "").lower(),
        "sha256": found["sha256 fingerprint"].replace(":", "").lower(),
    }


def cipher_names():
    """Number -> IANA name, from openssl."""
    names = {}
    for line in output("openssl", "ciphers", "-V", "-stdname", "ALL:@SECLEVEL=0").splitlines():
        found = re.match(r"\s*0x(..),0x(..) - (\S+)", line)
        names[int(found[1] + found[2], 16)] = found[3]
    return names


class Frames:
    """The capture as tshark reads it."""

    def __init__(self, capture, tftp_ports):
        options = [part for name in FIELDS for part in ("-e", name)]
        # Where no request is in the capture, tshark must be told what DATA is.
        decode = [part for port in sorted(tftp_ports) for part in ("-d", f"udp.port=={port},tftp")]
        text = output("tshark", "-r", capture, *OPTIONS, *decode, "-T", "fields", "-E", "header=y",
                      "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=,", *options)
        self.rows = list(csv.DictReader(io.StringIO(text), delimiter="\t",
                                        quoting=csv.QUOTE_NONE))
        for row in self.rows:
            row["number"] = int(row["frame.number"])
            for key in row:
                # In a tunnel the inner packet is the one that counts.
                if key.startswith(("ip.", "ipv6.", "udp.", "tcp.")):
                    row[key] = row[key].split(",")[-1]
            row["src"] = row["ip.src"] or row["ipv6.src"]
            row["dst"] = row["ip.dst"] or row["ipv6.dst"]
        malformed = [row["number"] for row in self.rows if row["_ws.malformed"]]
        check(not malformed, f"malformed frames {malformed}")

    def of_flow(self, protocol, address, port):
        """Frames of one client port. (Every client port is used once in a capture
        unless the case is about reuse.)"""
        for row in self.rows:
            if row["icmp.type"]:
                continue
            ends = ((row["src"], row[f"{protocol}.srcport"]),
                    (row["dst"], row[f"{protocol}.dstport"]))
            if (address, str(port)) in ends:
                yield row


def first(rows, test):
    return next((row["number"] for row in rows if test(row)), None)


def numbers(text):
    return [int(value, 0) for value in text.split(",") if value]


# ---------------------------------------------------------------- downloads

def download_facts(frames, address, entry, root, port_window):
    """One file asked for: what the capture holds of it."""
    rows = [row for row in frames.of_flow("udp", address, entry["client_port"])
            if port_window[0] <= row["number"] <= port_window[1]]
    check(rows, f"nothing of {entry['file']} is in the capture")
    requests = [row["number"] for row in rows if row["tftp.opcode"] == RRQ]
    data = [row for row in rows if row["tftp.opcode"] == DATA]
    size = 512
    for row in rows:
        if row["tftp.opcode"] == OACK:
            words = dict(zip(row["tftp.option.name"].lower().split(","),
                             row["tftp.option.value"].split(","), strict=True))
            size = int(words.get("blksize", size))
    blocks = {int(row["tftp.block"]): int(row["udp.length"]) - 12 for row in data}
    facts = {"file": entry["file"], "kind": kind_of(entry["file"]), "transport": "tftp",
             "client": endpoint(address, entry["client_port"]), "server": entry["server"],
             "outcome": entry["outcome"], "bytes": None, "md5": None, "sha1": None}
    if entry["outcome"] == "complete":
        path = root / entry["file"]
        check(entry["md5"] == checksum("md5sum", path), f"{path} reached the phone changed")
        length = path.stat().st_size
        last = length // size + 1
        missing = [block for block in range(1, last + 1) if block not in blocks]
        if missing:
            facts.update(outcome="incomplete", missing_blocks=missing)
        else:
            check(sum(blocks.values()) == length, f"tshark counts other bytes in {path}")
            facts.update(bytes=length, md5=entry["md5"], sha1=checksum("sha1sum", path))
    facts["look_at"] = {
        "requests": requests,
        "first_data": data[0]["number"] if data else None,
        "data_frames": len(data),
        "error": first(rows, lambda row: row["tftp.opcode"] == ERROR),
        "first": rows[0]["number"] if rows else None,
        "last": rows[-1]["number"] if rows else None,
    }
    if entry["outcome"] == "refused":
        facts["error"] = {"code": entry["error"], "text": entry["text"]}
    if not requests:
        # Without the request nobody can know the name, nor what an unsigned
        # body is; a trust list tells its kind and its common name itself.
        facts["asked_for"] = facts.pop("file")
    if not data and entry["outcome"] == "complete":
        # Requests and ACKs alone.
        facts["missing_blocks"] = None
    return facts


def http_facts(frames, address, entry, root):
    """One file asked for by HTTP. Several may share a connection."""
    rows = list(frames.of_flow("tcp", address, entry["client_port"]))
    asked = [row["number"] for row in rows if row["http.request.uri"] == f"/{entry['file']}"]
    answer = next(row for row in rows
                  if row["http.response.code"] and row["number"] > asked[0])
    check(answer["http.response.code"] == str(entry["status"]), "another status in the capture")
    facts = {"file": entry["file"], "kind": kind_of(entry["file"]), "transport": "http",
             "client": endpoint(address, entry["client_port"]), "server": entry["server"],
             "outcome": entry["outcome"], "bytes": None, "md5": None, "sha1": None}
    if entry["outcome"] == "complete":
        path = root / entry["file"]
        check(entry["md5"] == checksum("md5sum", path), f"{path} reached the phone changed")
        check(int(answer["http.content_length"]) == path.stat().st_size, "another length")
        facts.update(bytes=path.stat().st_size, md5=entry["md5"],
                     sha1=checksum("sha1sum", path))
    else:
        facts["error"] = {"code": entry["status"]}
    facts["look_at"] = {"requests": asked, "first": asked[0], "last": answer["number"]}
    return facts


def holds_facts(frames, address, log):
    """What the phone reported to hold, by its last alarm."""
    entry = next((entry for entry in log if entry["event"] == "registered"), None)
    if entry is None:
        return {}
    rows = [row for row in frames.rows if row["src"] == address]
    last = entry["alarms"][-1]
    alarms = [row["number"] for row in rows for method in row["sip.Method"].split(",")
              if method == "REFER"]
    check(len(alarms) == len(entry["alarms"]), f"tshark sees alarms in {alarms}")
    return {"holds": {
        "itl_sha1": last.get("itl"), "ctl_sha1": last.get("ctl"), "source": "device_tl_info",
        "look_at": {"alarms": alarms, "reported": entry["alarms"],
                    "register": first(rows, lambda row: "REGISTER" in row["sip.Method"])}}}


def kind_of(name):
    if name.startswith("CTL"):
        return "ctl"
    if name.startswith("ITL"):
        return "itl"
    return "config" if ".cnf.xml" in name else "other"


def endpoint(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


# ---------------------------------------------------------------------- TLS

def tls_facts(frames, address, entry, store, ciphers):
    """One TLS session: the phone's log for how it went, tshark for what the
    capture shows of it, openssl for the certificate."""
    rows = list(frames.of_flow("tcp", address, entry["client_port"]))
    check(rows, f"nothing of client port {entry['client_port']} is in the capture")
    from_phone = [row for row in rows if row["src"] == address]
    from_server = [row for row in rows if row["src"] != address]
    hello = next((row for row in from_server
                  if 2 in numbers(row["tls.handshake.type"])), None)
    facts = {"service": entry["service"], "client": endpoint(address, entry["client_port"]),
             "server": endpoint(entry["server"], entry["server_port"]),
             "version": None, "cipher": None, "certificate": None,
             "certificate_status": "not_captured", "outcome": outcome(entry, rows)}
    if hello:
        version = numbers(hello["tls.handshake.extensions.supported_version"]
                          or hello["tls.handshake.version"])[0]
        facts["version"] = VERSIONS[version]
        facts["cipher"] = ciphers[numbers(hello["tls.handshake.ciphersuite"])[0]]
    shown = next((row for row in from_server if row["tls.handshake.certificate"]), None)
    if shown:
        leaf = bytes.fromhex(shown["tls.handshake.certificate"].split(",")[0])
        check(hashlib.sha1(leaf).hexdigest() == entry["presented_sha1"],
              "tshark and phone saw different certificates")
        facts["certificate"] = certificate_facts(store.by_der(leaf).cert_file)
        check(facts["certificate"]["sha1"] == entry["presented_sha1"],
              "openssl computes another fingerprint")
        facts["certificate_status"] = "seen"
    elif facts["version"] == "TLS 1.3":
        facts["certificate_status"] = "encrypted"
    elif entry["resumed"]:
        facts["certificate_status"] = "resumed"
    if entry["outcome"] == "established" and not (hello and from_phone):
        # With one side or the ServerHello missing, a reader may or may not say
        # more than what is certain.
        for key in ("version", "cipher", "outcome"):
            if facts[key] is None or key == "outcome":
                del facts[key]
    own = next((row for row in from_phone if row["tls.handshake.certificate"]), None)
    if own:
        data = bytes.fromhex(own["tls.handshake.certificate"].split(",")[0])
        facts["phone_certificate"] = {
            **certificate_facts(store.by_der(data).cert_file), "frame": own["number"]}
    facts["alerts"] = alerts(rows, address, facts["version"])
    said = [alert["description"] for alert in entry["alerts"]
            if alert["from"] == "phone" and not alert["encrypted"]]
    seen = [alert["description"] for alert in facts["alerts"]
            if alert["from"] == "phone" and not alert["encrypted"]]
    check(not from_phone or said == seen, f"alerts: phone says {said}, tshark {seen}")
    alert = facts["alerts"][0]["frame"] if facts["alerts"] else None
    if entry["outcome"] == "established" and from_server and not hello:
        # Behind the hole tshark no longer knows which records are alerts.
        del facts["alerts"]
    facts["look_at"] = {
        "syn": first(rows, lambda row: numbers(row["tcp.flags"])[0] & 0x12 == 2),
        "client_hello": first(from_phone, lambda row: 1 in numbers(row["tls.handshake.type"])),
        "server_hello": hello["number"] if hello else None,
        "certificate": shown["number"] if shown else None,
        "alert": alert,
        "application_data": first(rows, lambda row: "23" in
                                  row["tls.record.content_type"].split(",")),
        "last": rows[-1]["number"] if rows else None,
    }
    return facts


def outcome(entry, rows):
    """The report's word for how the session ended."""
    if entry["outcome"] == "unreachable":
        return "reset" if any(numbers(row["tcp.flags"])[0] & 4 for row in rows) else "incomplete"
    return entry["outcome"]


def alerts(rows, address, version):
    found = []
    for row in rows:
        # In TLS 1.3 an encrypted alert calls itself data (RFC 8446 5.2): two bytes, its type, and 16 of the AEAD.
        disguised = version == "TLS 1.3" and row["tls.record.content_type"] == "23" \
            and row["tcp.len"] == "24"
        if not disguised and "21" not in row["tls.record.content_type"].split(","):
            continue
        levels, kinds = numbers(row["tls.alert_message.level"]), \
            numbers(row["tls.alert_message.desc"])
        found.append({
            "from": "phone" if row["src"] == address else "server",
            "level": {1: "warning", 2: "fatal"}[levels[0]] if levels else None,
            "description": ALERTS[kinds[0]] if kinds else None,
            "encrypted": not levels, "frame": row["number"]})
    return found


# ------------------------------------------------------------------- phones

def phone_facts(frames, handset, log, roots, store, ciphers):
    """Everything known about one phone in one capture."""
    taken = [entry for entry in log if entry["event"] == "download"]
    windows = port_windows(frames, handset.address, taken)

    def download(entry, window):
        root = roots[entry["server"]]
        if entry["transport"] == "http":
            return http_facts(frames, handset.address, entry, root)
        return download_facts(frames, handset.address, entry, root, window)

    named = any(row["tftp.opcode"] == RRQ for row in frames.rows
                if row["src"] == handset.address)
    return {
        # Unless a request gives the name, the address is all that is known.
        ("name" if named else "true_name"): handset.name,
        "addresses": [handset.address],
        **holds_facts(frames, handset.address, log),
        "downloads": [download(entry, window)
                      for entry, window in zip(taken, windows, strict=True)],
        # In the order in which they began: a TVS session inside a Tomcat
        # handshake comes after it, though it ends before.
        "tls": sorted((tls_facts(frames, handset.address, entry, store, ciphers)
                       for entry in log if entry["event"] == "tls"),
                      key=lambda facts: facts["look_at"]["syn"]
                      or facts["look_at"]["server_hello"] or facts["look_at"]["last"] or 0),
        # What only the phone knows.
        "phone_log": {
            "held_before": handset.holds,
            "verified": [{key: entry[key] for key in ("file", "accepted", "why")}
                         for entry in log if entry["event"] == "verified"],
            "holds_afterwards": {key: value for entry in log if entry["event"] == "holds"
                                 for key, value in entry.items() if key in ("ctl", "itl")},
        },
    }


def port_windows(frames, address, entries):
    """Frame ranges of the transfers, for the case that a client port is used
    again: each begins at its first request."""
    starts = []
    for at, entry in enumerate(entries):
        before = sum(1 for other in entries[:at] if other["client_port"] == entry["client_port"])
        requests = []
        for row in frames.of_flow("udp", address, entry["client_port"]):
            if row["tftp.opcode"] == RRQ:
                requests.append(row["number"])
        starts.append(requests[before] if before and before < len(requests) else 0)
    ends = []
    for at, entry in enumerate(entries):
        later = [starts[other] for other in range(at + 1, len(entries))
                 if entries[other]["client_port"] == entry["client_port"]]
        ends.append(min(later) - 1 if later else 10 ** 9)
    return list(zip(starts, ends, strict=True))


def summary(capture):
    """The capture in tshark's words, a line per frame."""
    return output("tshark", "-r", capture, *OPTIONS)


# ---------------------------------------------------------------- questions

def answer(question, phones, folder):
    """The checks that the program must report for these references."""
    readings = [reference(text, folder) for text in question.references]
    answers = []
    for phone in phones:
        result = {key: phone[key] for key in ("name", "addresses") if key in phone}
        result["checks"] = checks(phone, readings, own_list(question, phone, readings, folder))
        if phone.get("name") in question.verdict:
            result["verdict"] = {"itl_deletion": question.verdict[phone["name"]]}
        answers.append(result)
    out = {"references": question.references, "arguments": question.arguments,
           "exit_code": question.exit_code, "phones": answers}
    if question.because:
        out["because"] = question.because
    return out


def reference(text, folder):
    server, _, path = text.rpartition("=")
    data = (folder / path).read_bytes()
    if path.endswith(".tlv"):
        return {"server": server or None, "md5": hashlib.md5(data).hexdigest(),
                "sha1": hashlib.sha1(data).hexdigest(), "kind": "ctl" if "ctl" in path else "itl",
                "records": trustlist.read_list(data).records}
    certificate = trustlist.x509.load_pem_x509_certificate(data)
    return {"server": server or None, "md5": None, "sha1": None, "kind": "certificate",
            "records": [trustlist.Record(
                trustlist.TVS, "", trustlist.name_text(certificate.issuer),
                certificate.serial_number, certificate=trustlist.der(certificate))]}


def own_list(question, phone, readings, folder):
    """The list that the phone holds, where the question tells it (--holds) or
    the phone did (its alarm) and it is at hand; else None."""
    options = zip(question.arguments, question.arguments[1:], strict=False)
    for option, value in options:
        name, _, path = value.partition("=")
        if option == "--holds" and name == phone.get("name"):
            return reference(path, folder)
    reported = phone.get("holds", {}).get("itl_sha1")
    return next((one for one in readings if reported and one["sha1"] == reported), None)


def checks(phone, readings, own):
    """What the report must say. The list on the server is compared with the
    references, the certificate of TVS with the phone's own list if known."""
    lists = [one for one in phone["downloads"] if one["kind"] == "itl"
             and one["outcome"] == "complete"]
    result = {"itl_checksum": "unknown", "tvs_serial": "unknown", "tvs_certificate": "unknown"}
    if lists:
        served = lists[-1]
        against = [one["md5"] for one in readings if one["kind"] == "itl"
                   and one["server"] in (None, served["server"])]
        if against:
            result["itl_checksum"] = "match" if served["md5"] in against else "mismatch"
    shown = [one["certificate"] for one in phone["tls"]
             if one["service"] == "tvs" and one["certificate"]]
    records = [record for one in ([own] if own else readings) for record in one["records"]
               if record.function == trustlist.TVS]
    if shown and records and len({one["sha1"] for one in shown}) > 1:
        # Several TVS servers: see the sessions themselves.
        del result["tvs_serial"], result["tvs_certificate"]
    elif shown and records:
        last = shown[-1]
        serials = [record for record in records if record.serial == int(last["serial"], 16)]
        same = [record for record in serials if record.sha1().hex() == last["sha1"]]
        result["tvs_serial"] = "match" if serials else "mismatch"
        result["tvs_certificate"] = "match" if same else "mismatch"
    return result


def story(log, name):
    """A phone's log in short, to compare with what the case intends."""
    lines = []
    for entry in log:
        if entry["event"] == "download":
            by_http = " by HTTP" if entry["transport"] == "http" else ""
            other = ", another port refused" if entry.get("strangers") else ""
            lines.append(f"{entry['file']} {entry['outcome']}{by_http}{other}".replace(name, "*"))
        elif entry["event"] == "registered":
            lines.append(f"registered, {len(entry['alarms'])} alarms: "
                         + ", ".join(answer.split()[1] for answer in entry["answers"]))
        elif entry["event"] == "verified":
            word = "accepted" if entry["accepted"] else "rejected"
            lines.append(f"{entry['file']} {word}: {entry['why']}".replace(name, "*"))
        elif entry["event"] == "tls":
            lines.append(f"{entry['service']} {entry['outcome']}"
                         + (" (resumed)" if entry["resumed"] else ""))
    return lines

