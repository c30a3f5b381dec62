"""A Cisco IP phone as far as trust goes: it boots, fetches its lists and its
configuration by TFTP (or HTTP first), verifies them by the phone's own rules with the lists it
holds, asks TVS where it must, opens the directory on port 8443, and may register by SIP.

Usage: phone.py PLAN.json   (inside the phone's namespace)

It prints one JSON object per line: what it did and how that ended. The expected
facts of a capture come from there, from md5sum, from openssl and from tshark.

TLS is OpenSSL's, through pyOpenSSL, because the decision about a certificate
falls in the middle of a handshake: OpenSSL then sends the alert itself.
"""

import contextlib
import hashlib
import http.client
import json
import os
import select
import socket
import struct
import sys
import time

from cryptography import x509
from OpenSSL import SSL, crypto

import sip
import trustlist
import tvs
from alerts import ALERTS

RRQ, DATA, ACK, ERROR, OACK = 1, 3, 4, 5, 6
BLOCK = 512
# Not named by pyOpenSSL. A phone of 2011 sends no TLS extensions and one record
# per message.
OP_NO_EXTENDED_MASTER_SECRET = 0x00000001
OP_DONT_INSERT_EMPTY_FRAGMENTS = 0x00000800
OP_NO_TICKET = 0x00004000
OP_NO_ENCRYPT_THEN_MAC = 0x00080000
VERSIONS = {"TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303, "TLSv1.3": 0x0304}
SIGNING_ROLES = (trustlist.SAST, trustlist.CCM_TFTP, trustlist.TFTP)


def log(event, **facts):
    print(json.dumps({"event": event, "at": round(time.time(), 6), **facts}), flush=True)


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def log_download(data, outcome, **facts):
    sums = dict(bytes=None, md5=None, sha1=None)
    if data is not None:
        sums = dict(bytes=len(data), md5=hashlib.md5(data).hexdigest(),
                    sha1=hashlib.sha1(data).hexdigest())
    log("download", outcome=outcome, **facts, **sums)


# ------------------------------------------------------------------- TFTP

class Tftp:
    """A TFTP client as phones have it: a new port for every file, mode "OCTET"
    in capitals, no options unless told, everything repeated after half a second."""

    def __init__(self, server, options=None, timeout=0.5, tries=6, ports=None):
        self.server, self.options = server, options or {}
        self.timeout, self.tries = timeout, tries
        # Client ports to use in turn (the kernel chooses where there are none).
        self.ports = list(ports or [])

    def get(self, name):
        """The file's bytes, or None with the reason logged."""
        sock = socket.socket(family(self.server), socket.SOCK_DGRAM)
        sock.bind(("::" if sock.family == socket.AF_INET6 else "0.0.0.0",
                   self.ports.pop(0) if self.ports else 0))
        facts = {"file": name, "transport": "tftp", "client_port": sock.getsockname()[1],
                 "server": self.server}
        try:
            data, outcome, more = self.transfer(sock, name)
        finally:
            sock.close()
        log_download(data, outcome, **facts, **more)
        return data

    def request(self, name):
        packet = struct.pack(">H", RRQ) + name.encode() + b"\0OCTET\0"
        for key, value in self.options.items():
            packet += key.encode() + b"\0" + str(value).encode() + b"\0"
        return packet

    def transfer(self, sock, name):
        last, target = self.request(name), (self.server, 69)
        peer = None                     # the server's port for this transfer
        size, window = BLOCK, 1         # unless the server agrees to others
        data, expected, pending = bytearray(), 1, 0
        repeats, tries, strangers = 0, 0, []
        sock.sendto(last, target)
        while True:
            if not select.select([sock], [], [], self.timeout)[0]:
                tries += 1
                if tries >= self.tries:
                    return None, "unanswered", {"repeats": repeats}
                repeats += 1
                sock.sendto(last, peer or target)
                continue
            packet, sender = sock.recvfrom(65535)
            sender = sender[:2]
            if peer is None:
                peer = sender
            elif sender != peer:
                # The server answered a repeated request from one more port.
                strangers.append(sender[1])
                sock.sendto(struct.pack(">HH", ERROR, 5) + b"Unknown transfer ID\0", sender)
                continue
            opcode, number = struct.unpack_from(">HH", packet)
            if opcode == ERROR:
                text = packet[4:].rstrip(b"\0").decode("utf-8", "replace")
                return None, "refused", {"error": number, "text": text}
            if opcode == OACK:
                words = packet[2:].split(b"\0")[:-1]
                agreed = {key.decode().lower(): int(value)
                          for key, value in zip(words[::2], words[1::2], strict=True)}
                size = agreed.get("blksize", size)
                window = agreed.get("windowsize", window)
                last = struct.pack(">HH", ACK, 0)
                sock.sendto(last, peer)
                continue
            if opcode != DATA:
                continue
            payload = packet[4:]
            if number == expected & 0xFFFF:
                data += payload
                expected += 1
                pending += 1
                tries = 0
                end = len(payload) < size
                if not end and pending < window:
                    continue
                last = struct.pack(">HH", ACK, number)
                sock.sendto(last, peer)
                pending = 0
                if end:
                    self.linger(sock, last, peer, strangers)
                    return bytes(data), "complete", {
                        "repeats": repeats, "server_port": peer[1], "strangers": strangers}
            else:
                # An old block (answer once more) or one beyond a gap (RFC 7440:
                # answer with the last good one).
                pending = 0
                last = struct.pack(">HH", ACK, (expected - 1) & 0xFFFF)
                sock.sendto(last, peer)

    @staticmethod
    def linger(sock, last, peer, strangers):
        """The last ACK may be lost: answer a repeated last block for a moment.
        A phone goes on at once; it is the short pause before the next file."""
        until = time.monotonic() + 0.12
        while (left := until - time.monotonic()) > 0:
            if select.select([sock], [], [], left)[0]:
                packet, sender = sock.recvfrom(65535)
                if sender[:2] == peer and packet[:2] == b"\0\3":
                    sock.sendto(last, peer)
                elif sender[:2] != peer:
                    strangers.append(sender[1])
                    sock.sendto(struct.pack(">HH", ERROR, 5) + b"Unknown transfer ID\0",
                                sender[:2])


# ------------------------------------------------------------------- HTTP

class Http:
    """Downloads from port 6970, as newer phones try them first."""

    def __init__(self, server, keep):
        self.server, self.keep, self.connection = server, keep, None

    def get(self, name):
        """The file's bytes, or None with the reason logged."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.server, 6970, timeout=5)
            self.connection.connect()
        port = self.connection.sock.getsockname()[1]
        self.connection.request("GET", f"/{name}")
        answer = self.connection.getresponse()
        body = answer.read()
        if not self.keep or answer.will_close:
            self.close()
        good = answer.status == 200
        log_download(body if good else None, "complete" if good else "refused", file=name,
                     transport="http", client_port=port, server=self.server,
                     status=answer.status)
        return body if good else None

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


# -------------------------------------------------------------------- TLS

class Refused(Exception):
    """The handshake did not come to its end."""


class Tls:
    """One TLS connection over a memory BIO: OpenSSL makes the records, this
    class moves them, so that a phone that leaves without a word can be played."""

    def __init__(self, service, address, port, settings, decide, session=None):
        self.settings, self.decide = settings, decide
        self.facts = {"service": service, "server": address, "server_port": port,
                      "alerts": [], "outcome": "refused", "version": None, "cipher": None,
                      "presented_sha1": None, "resumed": False, "accepted": None}
        self.verdicts = {}
        self.finished = False
        self.sock = socket.socket(family(address), socket.SOCK_STREAM)
        self.sock.settimeout(10)
        self.connection = SSL.Connection(self.context(), None)
        self.connection.set_connect_state()
        if session is not None:
            self.connection.set_session(session)

    def context(self):
        context = SSL.Context(SSL.TLS_METHOD)
        low, high = (VERSIONS[v] for v in self.settings["versions"])
        context.set_min_proto_version(low)
        context.set_max_proto_version(high)
        # Security level 0: 1024-bit keys, SHA-1 and TLS 1.0 are the point here.
        context.set_cipher_list(f"{self.settings['ciphers']}:@SECLEVEL=0".encode())
        if self.settings.get("old"):
            context.set_options(OP_NO_EXTENDED_MASTER_SECRET | OP_NO_TICKET
                                | OP_NO_ENCRYPT_THEN_MAC | OP_DONT_INSERT_EMPTY_FRAGMENTS)
        if self.settings.get("certificate"):
            context.use_certificate_file(self.settings["certificate"])
            context.use_privatekey_file(self.settings["key"])
        context.set_verify(SSL.VERIFY_PEER, self.verify)
        context.set_info_callback(self.on_state)
        return context

    def verify(self, _connection, certificate, _error, depth, _ok):
        """OpenSSL's question in mid-handshake. False makes it send the alert."""
        if depth > 0:
            return True  # only the server's own certificate counts
        data = crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
        if data not in self.verdicts:
            self.facts["presented_sha1"] = hashlib.sha1(data).hexdigest()
            self.verdicts[data] = self.facts["accepted"] = self.decide(data)
        return self.verdicts[data]

    def on_state(self, _connection, where, value):
        if where & SSL.SSL_CB_HANDSHAKE_DONE:
            self.finished = True
        if where & SSL.SSL_CB_ALERT:
            self.facts["alerts"].append({
                "from": "server" if where & SSL.SSL_CB_READ else "phone",
                "level": {1: "warning", 2: "fatal"}[value >> 8],
                "description": ALERTS.get(value & 255, str(value & 255)),
                # Also in TLS 1.3: OpenSSL refuses a certificate in clear, before it
                # takes its own handshake keys into use.
                "encrypted": self.finished})

    def flush(self):
        try:
            while True:
                self.sock.sendall(self.connection.bio_read(65535))
        except SSL.WantReadError:
            pass

    def fill(self):
        data = self.sock.recv(65535)
        if data:
            self.connection.bio_write(data)
        else:
            self.connection.bio_shutdown()
        return bool(data)

    def pump(self, action):
        """Run an OpenSSL call, moving records until it needs no more."""
        while True:
            try:
                result = action()
                self.flush()
                return result
            except SSL.WantReadError:
                self.flush()
                if not self.fill():
                    raise Refused("closed by the server") from None

    def open(self):
        try:
            self.sock.connect((self.facts["server"], self.facts["server_port"]))
        except OSError as error:
            self.facts["outcome"] = "unreachable"
            self.facts["reason"] = error.strerror or str(error)
            raise Refused(self.facts["reason"]) from None
        finally:
            self.facts["client_port"] = self.sock.getsockname()[1]
        try:
            self.pump(self.connection.do_handshake)
        except (SSL.Error, ConnectionError) as error:
            if self.facts["accepted"] is False and self.settings.get("on_refusal") == "silent":
                # Nothing more is said: the alert stays unsent.
                self.facts["alerts"] = [alert for alert in self.facts["alerts"]
                                        if alert["from"] != "phone"]
            elif self.facts["accepted"] is False and self.settings.get("on_refusal") == "reset":
                self.facts["alerts"] = []
                self.facts["outcome"] = "reset"
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                self.flush()
            raise Refused(str(error)) from None
        self.facts.update(outcome="established",
                          version=self.connection.get_protocol_version_name(),
                          cipher=self.connection.get_cipher_name(),
                          resumed=self.session_reused())
        shown = self.connection.get_peer_certificate()
        self.facts["presented_sha1"] = hashlib.sha1(
            crypto.dump_certificate(crypto.FILETYPE_ASN1, shown)).hexdigest()

    def session_reused(self):
        # Without a full handshake the certificate was not put to us.
        return not self.verdicts

    def send(self, data):
        self.pump(lambda: self.connection.send(data))

    def receive(self):
        try:
            return self.pump(lambda: self.connection.recv(65535))
        except (SSL.ZeroReturnError, Refused):
            return b""

    def close(self):
        if self.facts["outcome"] == "established":
            try:
                self.connection.shutdown()
                self.flush()
                # Wait for the other side's close_notify, then leave.
                while not self.connection.get_shutdown() & SSL.RECEIVED_SHUTDOWN:
                    if not self.fill():
                        break
                    with contextlib.suppress(SSL.Error):
                        self.connection.recv(65535)
            except (OSError, SSL.Error):
                pass
        self.sock.close()
        log("tls", **self.facts)


# ------------------------------------------------------------------ phone

class Phone:
    def __init__(self, plan):
        self.plan, self.name = plan, plan["name"]
        self.tftp = Tftp(plan["tftp"], plan.get("tftp_options"), ports=plan.get("tftp_ports"))
        self.http = Http(plan["tftp"], plan["http"] == "kept") if plan.get("http") else None
        # What it holds from before: bytes on disk, and the parsed lists.
        self.lists = {}
        for kind, path in (plan.get("holds") or {}).items():
            with open(path, "rb") as file:
                self.lists[kind] = trustlist.read_list(file.read())
        self.tvs_servers = plan.get("tvs") or []
        self.tvs_cache = {}
        self.sessions = {}
        self.session_number = 1000
        # The states of its lists that it has yet to report.
        self.alarms = [self.hashes()]

    def hashes(self):
        return {kind: hashlib.sha1(held.data).digest() for kind, held in self.lists.items()}

    def held(self):
        """The records of the lists that it holds, CTL first, as phones search."""
        return [record for kind in ("ctl", "itl") if kind in self.lists
                for record in self.lists[kind].records]

    # ---- TVS

    def is_known_tvs(self, data):
        """TVS's own certificate must be in the lists: issuer and serial number,
        then the hash."""
        certificate = x509.load_der_x509_certificate(data)
        issuer = trustlist.name_text(certificate.issuer)
        for record in self.held():
            if (record.function == trustlist.TVS and record.serial == certificate.serial_number
                    and trustlist.same_name(record.issuer, issuer)):
                return record.sha1() == hashlib.sha1(data).digest()
        return False

    def tls_settings(self, service):
        return self.plan["tls"].get(service) or self.plan["tls"]["tvs"]

    def open_tls(self, service, address, port, decide):
        settings = self.tls_settings(service)
        key = (service, address)
        tls = Tls(service, address, port, settings, decide, self.sessions.get(key))
        try:
            tls.open()
        except Refused:
            tls.close()
            return None
        return tls

    def keep_session(self, tls):
        if self.tls_settings(tls.facts["service"]).get("resume"):
            key = (tls.facts["service"], tls.facts["server"])
            self.sessions[key] = tls.connection.get_session()

    def ask_tvs(self, question):
        """Put one question to the TVS servers in order; one per connection."""
        for address in self.tvs_servers:
            tls = self.open_tls("tvs", address, self.plan.get("tvs_port", 2445),
                                self.is_known_tvs)
            if tls is None:
                continue
            self.session_number += 1
            tls.send(question(self.session_number))
            answer = tls.receive()
            self.keep_session(tls)
            tls.facts["question_bytes"] = len(question(self.session_number))
            tls.facts["answer_bytes"] = len(answer)
            tls.close()
            elements = tvs.parse(answer[tvs.HEADER.size:])
            if elements.get(tvs.STATUS) == tvs.TRUSTED:
                return elements
            return None  # TVS answered, and the answer was no
        return None

    def device(self):
        return f"{self.plan['model']}-{self.name}"

    # ---- signed files

    def verify(self, name, data):
        """Does the phone believe this signed file? Also says why."""
        signed = trustlist.read_header(data)
        for record in self.held():
            if record.function in SIGNING_ROLES and record.certificate and \
                    signed.signer_is(record):
                return signed.verify(record.certificate), "signer_in_list"
        if not self.lists:
            return True, "nothing_held"
        key = (signed.signer_issuer, signed.signer_serial)
        if key not in self.tvs_cache:
            answer = self.ask_tvs(lambda number: tvs.query(
                self.device(), number, signed.signer_name, signed.signer_issuer,
                signed.signer_serial))
            if answer is None or tvs.CERTIFICATE not in answer:
                return False, "signer_unknown"
            self.tvs_cache[key] = answer[tvs.CERTIFICATE]
        return signed.verify(self.tvs_cache[key]), "tvs_vouched"

    def take(self, name, data, kind=None):
        accepted, why = self.verify(name, data)
        log("verified", file=name, accepted=accepted, why=why)
        if accepted and kind:
            self.lists[kind] = trustlist.read_list(data)
            self.tvs_cache.clear()  # a new list empties the cache
            if self.hashes() != self.alarms[-1]:
                self.alarms.append(self.hashes())
        return accepted

    # ---- boot

    def get(self, name):
        data = self.http.get(name) if self.http else None
        return self.tftp.get(name) if data is None else data

    def boot(self):
        for kind, prefix in (("ctl", "CTL"), ("itl", "ITL")):
            name = f"{prefix}{self.name}.tlv"
            data = self.get(name)
            if data is None and f"{prefix}File.tlv" in self.plan.get("fallback", ()):
                name = f"{prefix}File.tlv"
                data = self.get(name)
            self.pause("after_list")
            if data is not None:
                self.take(name, data, kind)
        # Whoever holds a list asks for the signed file only.
        name = f"{self.name}.cnf.xml" + (".sgn" if self.lists else "")
        self.pause("before_config")
        data = self.get(name)
        good = data is not None and (not self.lists or self.take(name, data))
        for extra in self.plan.get("extra", ()):
            self.pause("before_extra")
            data = self.get(extra)
            if data is not None and extra.endswith(".sgn"):
                self.take(extra, data)
        if self.http:
            self.http.close()
        return good

    def directory(self):
        """The Directories key: an HTTPS page of Tomcat, whose certificate TVS
        has to confirm while the handshake waits."""
        address = self.plan.get("directory_server") or self.plan["tftp"]

        def decide(data):
            key = hashlib.sha1(data).digest()
            if any(record.sha1() == key for record in self.held()):
                return True
            if key not in self.tvs_cache:
                answer = self.ask_tvs(lambda number: tvs.verify(self.device(), number, data))
                if answer is None:
                    return False
                self.tvs_cache[key] = True
            return True

        tls = self.open_tls("tomcat", address, 8443, decide)
        if tls is None:
            return
        host = f"[{address}]" if ":" in address else address
        tls.send(f"GET /ccmcip/xmldirectory.jsp HTTP/1.1\r\nHost: {host}:8443\r\n"
                 f"Accept: text/xml\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while more := tls.receive():
            answer += more
        self.keep_session(tls)
        tls.facts["answer_bytes"] = len(answer)
        tls.close()

    def pause(self, what):
        default = {"after_list": 0.05, "before_config": 0.5, "before_extra": 1.0,
                   "before_directory": 1.0, "between_boots": 15.0, "start": 0.0,
                   "before_register": 0.5}
        time.sleep(self.plan.get("pauses", {}).get(what, default[what]))

    def run(self):
        self.pause("start")
        for round_number in range(self.plan.get("boots", 1)):
            if round_number:
                self.pause("between_boots")
            self.boot()
        if self.plan.get("sip"):
            self.pause("before_register")
            facts = sip.register(self.plan, self.alarms)
            log("registered", **facts)
        for _ in range(self.plan.get("directory", 1)):
            self.pause("before_directory")
            self.directory()
            if self.plan.get("forget_answers"):
                self.tvs_cache.clear()
        log("holds", **{kind: value.hex() for kind, value in self.hashes().items()})


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    Phone(plan).run()


if __name__ == "__main__":
    # Nothing of the system's OpenSSL settings (Ubuntu's minimum of TLS 1.2)
    # shall decide here; the variable is read when the library starts.
    assert os.environ.get("OPENSSL_CONF") == "/dev/null", "run by make.py"
    main()
