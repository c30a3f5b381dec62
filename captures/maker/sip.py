"""A phone's registration by SIP in clear: the alarm DeviceTLInfo, in which it
names the SHA-1 of the lists that it holds, and the REGISTER that follows.

The messages are built like those that Cisco prints in its console logs.
"""

import socket
import time

ALARM = """\
<?xml version="1.0" encoding="UTF-8"?>
<x-cisco-alarm>
<Alarm Name="DeviceTLInfo">
<ParameterList>
<String name="DeviceName">{name}</String>
<String name="IPv4Address">{four}</String>
<String name="IPv6Address">{six}</String>
<String name="CTL_Signature">{ctl}</String>
<String name="CTL_TFTP_Server">{ctl_server}</String>
<String name="ITL_Signature">{itl}</String>
<String name="ITL_TFTP_Server">{itl_server}</String>
<String name="StatusCode">3</String>
</ParameterList>
</Alarm>
</x-cisco-alarm>
"""

REFER = """\
REFER sip:{server} SIP/2.0
Via: SIP/2.0/{transport} {here}:{port};branch=z9hG4bK{branch}
From: "{line}" <sip:{line}@{here}>;tag={tag}
To: <sip:{server}>
Call-ID: {call}@{here}
Session-ID: {session};remote=00000000000000000000000000000000
Date: {date}
CSeq: 1000 REFER
User-Agent: {agent}
Expires: 10
Max-Forwards: 70
Contact: <sip:{user}@{here}:{port};transport={lower}>;+u.sip!devicename.ccm.cisco.com="{name}"
Require: norefersub
Referred-By: "{line}" <sip:{line}@{here}>
Refer-To: cid:{content}@{here}
Content-Id: <{content}@{here}>
Allow: ACK,BYE,CANCEL,INVITE,NOTIFY,OPTIONS,REFER,REGISTER,UPDATE,SUBSCRIBE
Content-Length: {length}
Content-Type: application/x-cisco-alarm+xml
Content-Disposition: session;handling=required

"""

REGISTER = """\
REGISTER sip:{server} SIP/2.0
Via: SIP/2.0/{transport} {here}:{port};branch=z9hG4bK{branch}
From: <sip:{line}@{server}>;tag={tag}
To: <sip:{line}@{server}>
Call-ID: {call}@{here}
Max-Forwards: 70
Session-ID: {session};remote=00000000000000000000000000000000
Date: {date}
CSeq: 101 REGISTER
User-Agent: {agent}
Contact: <sip:{user}@{here}:{port};transport={lower}>;+sip.instance="<urn:uuid:00000000-0000-0000-\
0000-{mac}>";+u.sip!devicename.ccm.cisco.com="{name}";+u.sip!model.ccm.cisco.com="{number}"
Supported: replaces,join,sdp-anat,norefersub,resource-priority,extended-refer,X-cisco-callinfo,\
X-cisco-serviceuri,X-cisco-escapecodes,X-cisco-service-control,X-cisco-srtp-fallback,X-cisco-monrec,\
X-cisco-config,X-cisco-sis-7.0.0,X-cisco-xsi-8.5.1
Reason: SIP;cause=200;text="cisco-alarm:{cause} Name={name} ActiveLoad={load}.loads \
InactiveLoad={old_load}.loads Last={last}"
Expires: 3600
Content-Length: 0

"""

# Model numbers as CUCM counts them, and loads.
MODELS = {"CP-7821": ("621", "Cisco-CP7821/12.1.1", "sip78xx.12-1-1-12", "sip78xx.10-3-1-12")}


def lines(text):
    return text.replace("\n", "\r\n").encode()


def signature(hashes, kind):
    """A hash as the alarm spells it, with a blank at the end."""
    return hashes[kind].hex(" ").upper() + " " if kind in hashes else "Not Installed"


class Dialogue:
    def __init__(self, plan):
        self.plan = plan
        self.transport = plan["sip"]["transport"]
        server, six = plan["tftp"], ":" in plan["tftp"]
        kind = socket.SOCK_STREAM if self.transport == "TCP" else socket.SOCK_DGRAM
        self.sock = socket.socket(socket.AF_INET6 if six else socket.AF_INET, kind)
        self.sock.settimeout(5)
        self.sock.connect((server, 5060))
        self.here, self.port = self.sock.getsockname()[:2]
        self.mac = plan["name"][3:].lower()
        self.count = 0

    def common(self):
        self.count += 1
        mac, name = self.mac, self.plan["name"]
        number, agent, load, old_load = MODELS[self.plan["model"]]
        return dict(
            server=self.plan["tftp"], here=self.here, port=self.port, transport=self.transport,
            lower=self.transport.lower(), name=name, mac=mac, line="2202",
            user=f"{mac[:8]}-fe29-08c0-6d47-{mac}", number=number, agent=agent, load=load,
            old_load=old_load, branch=f"{0x20eb8000 + self.count:08x}",
            tag=f"{mac}{self.count:04x}2cd20b33-123852dd",
            call=f"{mac[:8]}-{mac[8:]}{self.count:04x}-1a48a291-451dd0ff",
            session=f"{mac[:8]}00105000a000{mac}", content=f"{0x5098d800 + self.count:08x}",
            date=time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()))

    def refer(self, hashes):
        server = self.plan["sip"]["name"]
        six = ":" in self.here
        body = lines(ALARM.format(
            name=self.plan["name"], four="" if six else self.here, six=self.here if six else "",
            ctl=signature(hashes, "ctl"), itl=signature(hashes, "itl"),
            ctl_server=server if "ctl" in hashes else "N/A",
            itl_server=server if "itl" in hashes else "N/A").strip()).replace(b"\r\n", b"\n")
        return lines(REFER.format(**self.common(), length=len(body))) + body

    def register(self):
        return lines(REGISTER.format(**self.common(), cause=25, last="initialized"))

    def answers(self, count):
        """Wait for so many final answers; their status lines."""
        found, data = [], b""
        while len(found) < count:
            more = self.sock.recv(65535)
            if not more:
                break
            data += more
            while b"\r\n\r\n" in data:  # answers without a body
                head, _, data = data.partition(b"\r\n\r\n")
                found.append(head.split(b"\r\n")[0].decode())
        return found


def register(plan, alarms):
    """Report the lists, then register; all in one go, as phones do."""
    dialogue = Dialogue(plan)
    messages = [dialogue.refer(hashes) for hashes in alarms] + [dialogue.register()]
    if dialogue.transport == "TCP":
        dialogue.sock.sendall(b"".join(messages))
        got = dialogue.answers(len(messages))
    else:
        got = []
        for one in messages:
            dialogue.sock.send(one)
            got += dialogue.answers(1)
    time.sleep(0.2)
    dialogue.sock.close()
    return {"client_port": dialogue.port, "transport": dialogue.transport, "answers": got,
            "alarms": [{kind: value.hex() for kind, value in hashes.items()} for hashes in alarms]}
