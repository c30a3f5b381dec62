"""Play a case while the program itself watches, in place of a recorder:
live.py CASE WORK PROGRAM [OPTION...]

The program runs on the SPAN port, from before the phones start until they are
through: `PROGRAM watch -i IFACE --headless --format json OPTION...`. What it
printed is in WORK/watch.out; what the TFTP servers hand out in WORK/sN-tftp; the
certificates that they present are those of pki/certs. The last line printed here
is what became of it, as JSON.

Exit status 77: it cannot be played here, the reason is on standard error.
"""

import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

CANNOT = 77

try:
    import lists as making
    import pki
    from cases import cases
    from lab import LabError
    from make import find_tools
    from scene import Play
except ImportError as missing:
    print(f"{missing} (python3-cryptography, python3-openssl)", file=sys.stderr)
    sys.exit(CANNOT)


class Watcher:
    """The program on an interface."""

    def __init__(self, lab, namespace, interface, program, options):
        self.process = lab.start(
            namespace, "watch",
            [program, "watch", "-i", interface, "--headless", "--format", "json", *options],
            ready='"event":"begun"')
        self.code = None

    def stop(self):
        """It has to see the end of what the phones did by itself, then it is told to end."""
        self.process.wait_for(r'"event":"tls".*"service":"tvs"', 20)
        self.process.process.send_signal(signal.SIGINT)
        self.code = self.process.wait(10)


class Watched(Play):
    def __init__(self, *arguments, program, options):
        super().__init__(*arguments)
        self.program, self.options = program, options

    def recorder(self, at, tap):
        self.watcher = Watcher(self.lab, tap.at, tap.interface, self.program, self.options)
        return self.watcher

    def join(self, taps, capture):
        """There is nothing to join."""


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    name, work, program, *options = sys.argv[1:]
    store = pki.Store()
    case = next(case for case in cases(store) if case.name == name)
    wanted = {{"atftpd": "atftpd", "hpa": "in.tftpd"}[server.tftp] for server in case.servers}
    with tempfile.TemporaryDirectory(prefix="captures-tools-") as scratch:
        Path(scratch).chmod(0o755)
        try:
            tools = find_tools(Path(scratch), wanted)
        except (subprocess.CalledProcessError, OSError) as error:
            print(f"no TFTP server: {error}", file=sys.stderr)
            sys.exit(CANNOT)
        play = Watched(case, store, making.Lists(store), tools, work, program=program,
                       options=options)
        try:
            logs = play.run(None)
        except LabError as error:
            sys.exit(f"live.py: {error}")
    certificates = [str(server.tvs.cert_file) for server in case.servers]
    print(json.dumps({"exit": play.watcher.code, "tvs": certificates, "phones": logs}))


if __name__ == "__main__":
    main()
