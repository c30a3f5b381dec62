"""The laboratory: network namespaces, the processes in them, and recorders.

Everything made here has the number of this process in its name and is taken
away again at the end, also after an error; only processes started here are
ended, by their own numbers.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

MAKER = Path(__file__).resolve().parent
PYTHON = sys.executable


class LabError(Exception):
    pass


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise LabError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


class Process:
    """A process in a namespace, with its output in files of the work folder."""

    def __init__(self, lab, namespace, label, command, env=None):
        self.label = label
        self.out_path = lab.work / f"{label}.out"
        self.err_path = lab.work / f"{label}.err"
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            # A session of its own, so that its children end with it.
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", namespace, *map(str, command)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=lab.work,
                env={**os.environ, "OPENSSL_CONF": "/dev/null", **(env or {})},
                start_new_session=True)

    def output(self):
        return self.out_path.read_text(errors="replace")

    def errors(self):
        return self.err_path.read_text(errors="replace")

    def wait_for(self, pattern, seconds=10):
        until = time.monotonic() + seconds
        while not re.search(pattern, self.output() + self.errors()):
            if self.process.poll() is not None or time.monotonic() > until:
                raise LabError(f"{self.label} did not start: {self.errors().strip()}")
            time.sleep(0.02)

    def wait(self, seconds):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.label} did not end within {seconds} s") from None

    def stop(self, number=signal.SIGTERM, seconds=5):
        """End the process and what it started."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(seconds)


class Lab:
    def __init__(self, work):
        self.work = Path(work)
        self.namespaces, self.processes = {}, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.stop()
        for name in self.namespaces.values():
            # Interfaces go with their namespace.
            subprocess.run(["ip", "netns", "del", name], check=False)

    # ---- network

    def namespace(self, label):
        name = f"captures-{os.getpid()}-{label}"
        run("ip", "netns", "add", name)
        self.namespaces[label] = name
        self.inside(label, "ip", "link", "set", "lo", "up")
        return label

    def inside(self, label, *command):
        return run("ip", "netns", "exec", self.namespaces[label], *command)

    def cable(self, left, left_if, right, right_if, mac=None, mtu=1500, offload=False):
        """A pair of interfaces between two namespaces."""
        run("ip", "link", "add", left_if, "netns", self.namespaces[left], "type", "veth",
            "peer", "name", right_if, "netns", self.namespaces[right])
        for label, interface in ((left, left_if), (right, right_if)):
            # No router solicitations of our own making in the captures.
            self.inside(label, "sysctl", "-q", "-w",
                        f"net.ipv6.conf.{interface}.disable_ipv6=1")
            self.inside(label, "ip", "link", "set", interface, "mtu", str(mtu))
            if not offload:
                # Checksums in the frames themselves, one frame per packet.
                self.inside(label, "ethtool", "-K", interface, "tx", "off", "rx", "off",
                            "tso", "off", "gso", "off", "gro", "off")
        if mac:
            self.inside(left, "ip", "link", "set", left_if, "address", mac)
        for label, interface in ((left, left_if), (right, right_if)):
            self.inside(label, "ip", "link", "set", interface, "up")

    def bridge(self, label, name, ports):
        self.inside(label, "ip", "link", "add", name, "type", "bridge")
        self.inside(label, "sysctl", "-q", "-w", f"net.ipv6.conf.{name}.disable_ipv6=1")
        for port in ports:
            self.inside(label, "ip", "link", "set", port, "master", name)
        self.inside(label, "ip", "link", "set", name, "up")

    def vxlan(self, label, interface, far, far_interface):
        """A tunnel over a cable; what is sent into it leaves there inside VXLAN."""
        self.address(label, interface, "192.168.254.1")
        # The far end has no address: it listens only and answers nothing.
        mac = json.loads(self.inside(far, "ip", "-j", "link", "show", far_interface))[0]["address"]
        self.inside(label, "ip", "neigh", "add", "192.168.254.2", "lladdr", mac, "dev", interface)
        self.inside(label, "ip", "link", "add", "vxlan0", "type", "vxlan", "id", "4440",
                    "local", "192.168.254.1", "remote", "192.168.254.2", "dstport", "4789",
                    "dev", interface)
        self.inside(label, "sysctl", "-q", "-w", "net.ipv6.conf.vxlan0.disable_ipv6=1")
        self.inside(label, "ip", "link", "set", "vxlan0", "up")
        return "vxlan0"

    def address(self, label, interface, address):
        if ":" in address:
            self.inside(label, "ip", "link", "set", interface, "addrgenmode", "none")
            self.inside(label, "sysctl", "-q", "-w", f"net.ipv6.conf.{interface}.disable_ipv6=0")
            self.inside(label, "sysctl", "-q", "-w",
                        f"net.ipv6.conf.{interface}.router_solicitations=0")
            self.inside(label, "ip", "-6", "addr", "add", f"{address}/64", "dev", interface,
                        "nodad")
        else:
            self.inside(label, "ip", "addr", "add", f"{address}/24", "dev", interface)

    # ---- processes

    def start(self, namespace, label, command, env=None, ready=None):
        process = Process(self, self.namespaces[namespace], label, command, env)
        self.processes.append(process)
        if ready:
            process.wait_for(ready)
        return process

    def plan(self, label, plan):
        path = self.work / f"{label}.json"
        path.write_text(json.dumps(plan, indent=1))
        return path

    def python(self, namespace, label, script, plan, ready=None):
        return self.start(namespace, label,
                          [PYTHON, "-u", MAKER / script, self.plan(label, plan)], ready=ready)

    def wait_for_port(self, namespace, address, port, protocol):
        """Until something listens there, as `ss` sees it."""
        flag = {"tcp": "-tlnH", "udp": "-ulnH"}[protocol]
        for _ in range(250):
            if f"{address}:{port} " in self.inside(namespace, "ss", flag).replace("[", "") \
                    .replace("]", ""):
                return
            time.sleep(0.02)
        raise LabError(f"nothing listens on {address} {protocol} {port}")


class Recorder:
    """tcpdump on one interface."""

    def __init__(self, lab, namespace, label, interface, path, options=()):
        self.lab, self.path = lab, Path(path)
        self.command = ["tcpdump", "-n", "-i", interface, "-s", "0", "-U",
                        # Immediate mode has one slot per frame of the greatest length.
                        "-B", "32768", "--immediate-mode", *options, "-w", self.path, "-Z", "root"]
        self.process = lab.start(namespace, label, self.command, ready="listening on")

    def stop(self):
        """End the recording; a recorder that lost frames has failed."""
        time.sleep(0.5)
        self.process.stop(signal.SIGINT)
        dropped = re.search(r"(\d+) packets? dropped by kernel", self.process.errors())
        if not dropped or int(dropped.group(1)):
            raise LabError(f"tcpdump: {self.process.errors().strip()}")


