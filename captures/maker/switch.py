"""An Ethernet switch in user space, with a SPAN port and faults on demand.

It stands in for what the kernel at hand may lack: 802.1Q (the voice VLAN of the
phones) and netem (loss, repetition, delay). It learns addresses, forwards frames
between its ports, and copies what it forwards to the SPAN port, tagged as a
Cisco switch does with `encapsulation replicate`. It changes no byte of what
passes between phone and server; short frames are padded to 60 bytes, as every
Ethernet card does on the wire.

Usage: switch.py PLAN.json   (inside the namespace that holds the ports)

    {"ports": ["p0", "p1"],              # access ports
     "vlan": 444,                        # tag on the SPAN copies, null: untagged
     "priority": {"p0": 3},              # 802.1p of frames that came in there
     "span": "span0",                    # interface of the SPAN port, or null
     "span_source": {"ports": null, "rx": true, "tx": false},
     "faults": [{...}]}

`span_source` is what the switch's configuration would say: which ports are
watched (null: all) and whether frames are copied as they come in (rx), go out
(tx) or both, which yields every frame twice.

A fault is a match and an action, used `times` (default 1), at one place:
before the SPAN port sees the frame ("before"), between SPAN and receiver
("after"), or on the SPAN port alone ("span": the copy is lost or delayed, the
traffic is not). Keys of a match, all of which must fit:
    from      port on which the frame came in
    tftp      "rrq", "data", "ack", "oack", "error"
    file      name in the request to which this TFTP packet belongs
    block     block number of DATA or ACK
    tcp_port  server port of a TCP segment
    payload   number of the segment with payload in its direction, from 1
    flags     "syn", "synack", "fin", "rst"
Actions: {"do": "drop"}, {"do": "repeat", "ms": 3} (once more, later),
{"do": "delay", "ms": 40}.
"""

import heapq
import itertools
import json
import select
import signal
import socket
import struct
import sys
import time

ETH_P_ALL = 3
# Not named by Python.
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23
SHORTEST = 60
TFTP_NAMES = {1: "rrq", 3: "data", 4: "ack", 5: "error", 6: "oack"}


class Packet:
    """What a fault may ask about a frame."""

    def __init__(self, frame):
        self.protocol = self.src = self.dst = self.sport = self.dport = None
        self.flags = self.seq = 0
        self.payload = b""
        kind, = struct.unpack_from(">H", frame, 12)
        if kind == 0x0800:
            start = 14
            self.protocol = frame[start + 9]
            self.src, self.dst = frame[start + 12:start + 16], frame[start + 16:start + 20]
            end = start + struct.unpack_from(">H", frame, start + 2)[0]
            start += (frame[start] & 15) * 4
        elif kind == 0x86DD:
            start = 14
            self.protocol = frame[start + 6]
            self.src, self.dst = frame[start + 8:start + 24], frame[start + 24:start + 40]
            end = start + 40 + struct.unpack_from(">H", frame, start + 4)[0]
            start += 40
        if self.protocol == 17:
            self.sport, self.dport = struct.unpack_from(">HH", frame, start)
            self.payload = frame[start + 8:end]
        elif self.protocol == 6:
            self.sport, self.dport, self.seq = struct.unpack_from(">HHI", frame, start)
            self.flags = frame[start + 13]
            self.payload = frame[start + (frame[start + 12] >> 4) * 4:end]


class Follower:
    """Names of TFTP transfers and counts of TCP segments, for the matches."""

    def __init__(self):
        self.files = {}
        self.counts = {}

    def describe(self, packet, port):
        facts = {"from": port}
        if packet.protocol == 17 and len(packet.payload) >= 4:
            opcode, number = struct.unpack_from(">HH", packet.payload)
            facts["tftp"] = TFTP_NAMES.get(opcode)
            if opcode == 1:
                name = packet.payload[2:].split(b"\0")[0].decode("utf-8", "replace")
                self.files[packet.src, packet.sport] = name
            elif opcode in (3, 4):
                facts["block"] = number
            facts["file"] = (self.files.get((packet.src, packet.sport))
                             or self.files.get((packet.dst, packet.dport)))
        elif packet.protocol == 6:
            facts["tcp_port"] = min(packet.sport, packet.dport)
            syn, ack = packet.flags & 2, packet.flags & 16
            facts["flags"] = ("synack" if syn and ack else "syn" if syn else
                              "rst" if packet.flags & 4 else "fin" if packet.flags & 1 else None)
            if packet.payload:
                # Counted per flow; a retransmission keeps its number.
                seen = self.counts.setdefault((packet.src, packet.sport, packet.dport), [])
                if packet.seq not in seen:
                    seen.append(packet.seq)
                facts["payload"] = seen.index(packet.seq) + 1
        return facts


class Switch:
    def __init__(self, plan):
        self.plan = plan
        self.sockets = {port: self.open(port) for port in plan["ports"]}
        self.span = self.open(plan["span"]) if plan.get("span") else None
        self.where = {}       # address -> port
        self.later = []       # (time, order, function)
        self.order = itertools.count()
        self.follower = Follower()
        self.faults = [dict(fault, left=fault.get("times", 1), used=0)
                       for fault in plan.get("faults", [])]
        source = plan.get("span_source") or {}
        self.watched = source.get("ports") or plan["ports"]
        self.span_rx, self.span_tx = source.get("rx", True), source.get("tx", False)

    @staticmethod
    def open(port):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.bind((port, 0))
        return sock

    def fault(self, place, facts):
        """The action of the first fault that fits here, if any."""
        for fault in self.faults:
            if fault["at"] == place and fault["left"] and all(
                    facts.get(key) == value for key, value in fault["match"].items()):
                fault["left"] -= 1
                fault["used"] += 1
                return fault
        return None

    def at(self, place, facts, action):
        """Carry out an action, unless a fault drops, repeats or delays it."""
        fault = self.fault(place, facts)
        kind = fault["do"] if fault else None
        if kind == "drop":
            return
        if kind == "delay":
            self.schedule(fault["ms"], action)
            return
        action()
        if kind == "repeat":
            self.schedule(fault["ms"], action)

    def schedule(self, milliseconds, action):
        heapq.heappush(self.later, (time.monotonic() + milliseconds / 1000,
                                    next(self.order), action))

    def receive(self, port, frame):
        facts = self.follower.describe(Packet(frame), port)
        self.where[frame[6:12]] = port
        self.at("before", facts, lambda: self.pass_on(port, frame, facts))

    def pass_on(self, port, frame, facts):
        if self.span_rx and port in self.watched:
            self.mirror(port, frame, facts)
        self.at("after", facts, lambda: self.deliver(port, frame, facts))

    def deliver(self, port, frame, facts):
        known = self.where.get(frame[0:6])
        for out in [known] if known else self.plan["ports"]:
            if out == port:
                continue
            if self.span_tx and out in self.watched:
                self.mirror(port, frame, facts)
            self.sockets[out].send(frame)

    def mirror(self, port, frame, facts):
        if self.span is None:
            return
        vlan = self.plan.get("vlan")
        if vlan is not None:
            tag = (self.plan.get("priority") or {}).get(port, 0) << 13 | vlan
            frame = frame[:12] + struct.pack(">HH", 0x8100, tag) + frame[12:]
        self.at("span", facts, lambda: self.span.send(frame))

    def run(self):
        readers = {sock.fileno(): (port, sock) for port, sock in self.sockets.items()}
        while True:
            wait = max(0, self.later[0][0] - time.monotonic()) if self.later else None
            for number in select.select(list(readers), [], [], wait)[0]:
                port, sock = readers[number]
                self.receive(port, sock.recv(65535).ljust(SHORTEST, b"\0"))
            while self.later and self.later[0][0] <= time.monotonic():
                heapq.heappop(self.later)[2]()


def main():
    with open(sys.argv[1], encoding="utf-8") as plan:
        switch = Switch(json.load(plan))

    def stop(*_):
        # The caller checks that every fault it ordered did happen.
        unused = [fault for fault in switch.faults if not fault["used"]]
        print(json.dumps({"unused_faults": unused}), flush=True)
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    print("ready", flush=True)
    switch.run()


if __name__ == "__main__":
    main()
