"""What a case is made of, and how it is played: servers and phones around the
switch, recorders, and the files that the servers hand out."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import config
import lists as making
from lab import Lab, LabError, Recorder

# TLS of the published capture: TLS 1.0, RSA key exchange, AES256-SHA.
OLD = {"versions": ["TLSv1", "TLSv1"], "ciphers": "AES256-SHA", "old": True}
# A phone of the 12.x years, in the order in which CUCM 12.5 prefers.
TLS12 = {"versions": ["TLSv1", "TLSv1.2"],
         "ciphers": "AES256-GCM-SHA384:AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:AES256-SHA"}
TLS13 = {"versions": ["TLSv1.2", "TLSv1.3"], "ciphers": "ECDHE-RSA-AES256-GCM-SHA384"}

SERVE_OLD = ["-tls1", "-cipher", "AES256-SHA:@SECLEVEL=0", "-no_ticket"]
SERVE_12 = ["-tls1_2", "-cipher",
            "AES256-GCM-SHA384:AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0"]
SERVE_13 = ["-tls1_3", "-cipher", "DEFAULT:@SECLEVEL=0"]

DIRECTORY_PAGE = """\
HTTP/1.1 200 OK\r
Server: Apache-Coyote/1.1\r
Content-Type: text/xml;charset=UTF-8\r
Connection: close\r
\r
<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<CiscoIPPhoneMenu><Prompt>Select a directory</Prompt><MenuItem><Name>Corporate Directory</Name>\
<URL>https://@SERVER@:8443/ccmcip/xmldirectoryinput.jsp</URL></MenuItem></CiscoIPPhoneMenu>
"""


# Newer phones fetch by HTTP, under the headers of CUCM; a missing CTL gives 503.
NGINX = """\
daemon off;
worker_processes 1;
user nobody nogroup;
pid @WORK@/nginx.pid;
error_log @WORK@/nginx.log;
events {}
http {
    access_log off;
    server_tokens off;
    client_body_temp_path @WORK@/nginx-body;
    proxy_temp_path @WORK@/nginx-proxy;
    fastcgi_temp_path @WORK@/nginx-fastcgi;
    uwsgi_temp_path @WORK@/nginx-uwsgi;
    scgi_temp_path @WORK@/nginx-scgi;
    types {}
    default_type "*/*";
    server {
        listen @ADDRESS@:6970;
        root @ROOT@;
        add_header Cache-Control no-store;
        location /CTL { try_files $uri =503; }
    }
}
"""

# Answers 202 to REFER and 200 to REGISTER, every Call-ID for itself.
SIPP = """\
<?xml version="1.0" encoding="ISO-8859-1" ?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="registrar">
  <recv request="REGISTER" optional="true" next="1"/>
  <recv request="REFER"/>
  <send next="2"><![CDATA[
SIP/2.0 202 Accepted
[last_Via:]
[last_From:]
[last_To:];tag=41780[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:[local_ip]:[local_port];transport=[transport]>
Content-Length: 0

]]></send>
  <label id="1"/>
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=55210[call_number]
[last_Call-ID:]
[last_CSeq:]
Expires: 120
Contact: <sip:[local_ip]:[local_port];transport=[transport]>
Supported: X-cisco-srtp-fallback,X-cisco-sis-7.0.0
Content-Length: 0

]]></send>
  <label id="2"/>
</scenario>
"""


@dataclass
class Server:
    """A CUCM node: TFTP, TVS on 2445, Tomcat on 8443."""
    callmanager: object                 # identity that signs files
    tvs: object                         # identity that TVS presents
    tomcat: object
    itl: str                            # name of the list that TFTP hands out
    ctl: str = None
    address: str = "14.48.44.80"
    mac: str = "00:50:56:b5:65:67"
    name: str = "CUCM8-Publisher"
    tftp: str = "atftpd"                # or "hpa"
    tftp_arguments: list = field(default_factory=list)
    # Also, or only, under the names that a central TFTP server uses.
    itl_names: tuple = ("ITL{phone}.tlv",)
    tls: list = field(default_factory=lambda: SERVE_OLD)
    tomcat_tls: list = None
    tomcat_chain: object = None         # authority sent after Tomcat's certificate
    knows: list = None                  # what TVS vouches for; None: all its own
    # Also "http", "sip-tcp", "sip-udp".
    services: tuple = ("tftp", "tvs", "tomcat")

    def store(self):
        if self.knows is not None:
            return self.knows
        return [(self.callmanager, [0, 2]), (self.tomcat, [7])]


@dataclass
class Handset:
    """A phone and what it holds when it starts."""
    holds: dict = field(default_factory=dict)   # {"itl": "itl-old"}
    name: str = "SEP0011215A1AE3"
    address: str = "14.48.44.202"
    model: str = "CP-7975"
    tls: dict = field(default_factory=lambda: {"tvs": OLD})
    server: int = 0                             # its TFTP server
    tvs: tuple = None                           # addresses; None: its TFTP server
    settings: dict = field(default_factory=dict)

    @property
    def mac(self):
        return ":".join(self.name[at:at + 2] for at in range(3, 15, 2)).lower()


@dataclass
class Tap:
    """A recorder: at the SPAN port, or on a server (tcpdump -i any)."""
    at: str = "span"                            # or "s0", "p0"
    interface: str = "span1"
    options: tuple = ()
    filter: str = ""


@dataclass
class Question:
    """One way to run the program over the capture, and what it must say."""
    references: list                    # relative to captures/, as for -r
    exit_code: int = None
    verdict: dict = field(default_factory=dict)     # phone -> itl_deletion
    arguments: list = field(default_factory=list)   # further options
    because: str = None


@dataclass
class Case:
    name: str
    shows: str
    servers: list
    phones: list
    # What the phones must have done, else the recording is not what it says.
    story: dict
    questions: list = field(default_factory=list)
    vlan: int = 444
    mtu: int = 1500
    faults: list = field(default_factory=list)
    span_source: dict = field(default_factory=dict)
    taps: list = field(default_factory=lambda: [Tap()])
    pcapng: bool = False
    # The SPAN copies leave inside VXLAN, as from a virtual switch.
    vxlan: bool = False
    # A kernel bridge with offloads on in place of the switch: no SPAN, no faults.
    bridge: bool = False
    seconds: int = 60


class Play:
    """One case, from empty namespaces to a capture and the phones' logs."""

    def __init__(self, case, store, lists, tools, work):
        self.case, self.store, self.lists, self.tools = case, store, lists, tools
        self.work = Path(work)

    def run(self, capture):
        with Lab(self.work) as lab:
            self.lab = lab
            self.build()
            taps = [self.recorder(at, tap) for at, tap in enumerate(self.case.taps)]
            phones = self.start_phones()
            for phone in phones:
                if phone.wait(self.case.seconds):
                    raise LabError(f"{phone.label}: {phone.errors()}")
            for tap in taps:
                tap.stop()
            self.check_faults()
            self.join(taps, capture)
            return [[json.loads(line) for line in phone.output().splitlines()]
                    for phone in phones]

    def recorder(self, at, tap):
        return Recorder(self.lab, tap.at, f"tap{at}", tap.interface, self.work / f"tap{at}.pcap",
                        [*tap.options, *([tap.filter] if tap.filter else [])])

    def check_faults(self):
        if self.switch:
            self.switch.stop()
            unused = json.loads(self.switch.output().splitlines()[-1])["unused_faults"]
            if unused:
                raise LabError(f"faults that never happened: {unused}")

    def join(self, taps, capture):
        if len(taps) > 1:
            self.lab.inside("switch", "mergecap", "-F", "pcapng", "-w", capture,
                            *[tap.path for tap in taps])
        else:
            shutil.copyfile(taps[0].path, capture)

    # ---- network

    def build(self):
        case, lab = self.case, self.lab
        lab.namespace("switch")
        ports = []
        for prefix, machines in (("s", case.servers), ("p", case.phones)):
            for at, machine in enumerate(machines):
                label = lab.namespace(f"{prefix}{at}")
                lab.cable(label, "eth0", "switch", label, machine.mac, case.mtu, case.bridge)
                lab.address(label, "eth0", machine.address)
                ports.append(label)
                if prefix == "p":
                    # A phone's TCP offers MSS and nothing else.
                    for option in ("timestamps", "sack", "window_scaling"):
                        lab.inside(label, "sysctl", "-q", "-w", f"net.ipv4.tcp_{option}=0")
        if case.bridge:
            self.switch = None
            lab.bridge("switch", "br0", ports)
        else:
            self.switch = self.start_switch(ports)
        for at, server in enumerate(case.servers):
            self.start_server(at, server)

    def start_switch(self, ports):
        case, lab = self.case, self.lab
        lab.namespace("span")
        lab.cable("span", "span1", "switch", "span0", mtu=case.mtu + 100)
        span = lab.vxlan("switch", "span0", "span", "span1") if case.vxlan else "span0"
        return lab.python("switch", "switch", "switch.py", {
            "ports": ports, "span": span, "vlan": case.vlan, "span_source": case.span_source,
            # Phones mark their frames, as in the published capture (PRI 3).
            "priority": {port: 3 for port in ports if port.startswith("p")},
            "faults": case.faults}, ready="ready")

    # ---- servers

    def start_server(self, at, server):
        label = f"s{at}"
        root = self.work / f"{label}-tftp"
        root.mkdir()
        self.fill(root, at, server)
        if "tftp" in server.services:
            self.start_tftp(label, server, root)
        if "tvs" in server.services:
            self.start_tvs(label, server)
        if "tomcat" in server.services:
            self.start_tomcat(label, server)
        if "http" in server.services:
            self.start_http(label, server, root)
        for transport in ("tcp", "udp"):
            if f"sip-{transport}" in server.services:
                self.start_sip(label, server, transport)

    def fill(self, root, at, server):
        """The TFTP server's folder."""
        for phone in self.case.phones:
            if phone.server != at:
                continue
            tvs = phone.tvs or [server.address]
            servers = [server.address, *[address for address in tvs if address != server.address]]
            names = [next(node.name for node in self.case.servers if node.address == address)
                     for address in servers]
            plain = config.phone_config(phone.name, servers, names, tvs, phone.model,
                                        mixed_mode=bool(server.ctl))
            name = f"{phone.name}.cnf.xml"
            (root / name).write_bytes(plain)
            (root / f"{name}.sgn").write_bytes(
                making.signed(server.callmanager, f"{name}.sgn", plain))
            for pattern in server.itl_names:
                (root / pattern.format(phone=phone.name)).write_bytes(self.lists[server.itl])
            if server.ctl:
                (root / f"CTL{phone.name}.tlv").write_bytes(self.lists[server.ctl])
        # Stands for the time zone archive. Its length is a whole number of blocks, so
        # that its transfer ends with an empty one.
        body = b"PK\3\4" + bytes(range(256)) * 6
        while len(file := making.signed(server.callmanager, "tzupdate.jar.sgn", body)) % 512:
            body += b"\0" * (-len(file) % 512)
        (root / "tzupdate.jar.sgn").write_bytes(file)
        for path in root.iterdir():
            path.chmod(0o644)

    def start_tftp(self, label, server, root):
        if server.tftp == "atftpd":
            command = [self.tools["atftpd"], "--daemon", "--no-fork", "--logfile", "-",
                       "--bind-address", server.address, *server.tftp_arguments, root]
        else:
            command = [self.tools["in.tftpd"], "--listen", "--foreground", "--address",
                       f"{config.bracketed(server.address)}:69", "--user", "nobody",
                       *(["--ipv6"] if ":" in server.address else ["--ipv4"]),
                       "--secure", *server.tftp_arguments, root]
        self.lab.start(label, f"{label}-tftpd", command)
        self.lab.wait_for_port(label, server.address, 69, "udp")

    def s_server(self, server, identity, port):
        return ["openssl", "s_server", "-quiet", "-accept",
                f"{config.bracketed(server.address)}:{port}",
                "-cert", str(identity.cert_file), "-key", str(identity.key_file)]

    def start_tvs(self, label, server):
        command = [*self.s_server(server, server.tvs, 2445), *server.tls]
        store = [{"cert": str(identity.cert_file), "roles": roles}
                 for identity, roles in server.store()]
        self.lab.python(label, f"{label}-tvs", "tvs.py", {"command": command, "store": store})
        self.lab.wait_for_port(label, server.address, 2445, "tcp")

    def start_tomcat(self, label, server):
        pages = self.work / f"{label}-tomcat" / "ccmcip"
        pages.mkdir(parents=True)
        page = DIRECTORY_PAGE.replace("@SERVER@", config.bracketed(server.address))
        (pages / "xmldirectory.jsp").write_text(page, newline="")
        command = [*self.s_server(server, server.tomcat, 8443),
                   *(server.tomcat_tls or server.tls), "-HTTP"]
        if server.tomcat_chain:
            command += ["-cert_chain", str(server.tomcat_chain.cert_file)]
        # -HTTP serves files below the working folder, answers included.
        self.lab.start(label, f"{label}-tomcat",
                       ["env", "-C", pages.parent, *command])
        self.lab.wait_for_port(label, server.address, 8443, "tcp")

    def start_http(self, label, server, root):
        text = NGINX
        for mark, value in (("@WORK@", self.work), ("@ROOT@", root),
                            ("@ADDRESS@", config.bracketed(server.address))):
            text = text.replace(mark, str(value))
        path = self.work / f"{label}-nginx.conf"
        path.write_text(text)
        self.lab.start(label, f"{label}-http", [self.tools["nginx"], "-c", path])
        self.lab.wait_for_port(label, server.address, 6970, "tcp")

    def start_sip(self, label, server, transport):
        path = self.work / f"{label}-sipp.xml"
        path.write_text(SIPP)
        self.lab.start(label, f"{label}-sipp", [
            "sipp", "-sf", path, "-i", server.address, "-p", "5060", "-t", f"{transport[0]}1",
            "-nostdin"], env={"TERM": "dumb"})
        self.lab.wait_for_port(label, server.address, 5060, transport)

    # ---- phones

    def start_phones(self):
        started = []
        for at, phone in enumerate(self.case.phones):
            holds = {}
            for kind, name in phone.holds.items():
                holds[kind] = str(self.work / f"p{at}-{kind}.tlv")
                Path(holds[kind]).write_bytes(self.lists[name])
            tftp = self.case.servers[phone.server].address
            plan = {"name": phone.name, "model": phone.model, "tftp": tftp, "holds": holds,
                    "tls": phone.tls, "tvs": list(phone.tvs or [tftp]),
                    "extra": ["tzupdate.jar.sgn"], **phone.settings}
            if "sip" in plan:
                plan["sip"]["name"] = self.case.servers[phone.server].name
            started.append(self.lab.python(f"p{at}", f"p{at}", "phone.py", plan))
        return started
