"""Record the captures anew: make.py [CASE...]
Or only work out the questions and the table again: make.py --questions

Run by make.sh, which installs what is needed. Without names every case is
recorded; with names only those. Exit status 1 if any failed.
"""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import facts
import lists as making
import pki
from cases import cases
from lab import LabError
from scene import Play

TABLE_START, TABLE_END = "<!-- table: written by make.py -->", "<!-- end of table -->"
CAPTURES = Path(__file__).resolve().parent.parent


def find_tools(work, wanted=("atftpd", "in.tftpd", "nginx")):
    """The servers whose packages would start a service. (Those of the two TFTP
    servers exclude each other besides.) What is not installed is unpacked only."""
    tools = {}
    packages = {"atftpd": "atftpd", "in.tftpd": "tftpd-hpa", "nginx": "nginx"}
    for tool, package in ((tool, packages[tool]) for tool in wanted):
        # Asked by package: atftpd's has an in.tftpd of its own.
        listed = subprocess.run(["dpkg-query", "-L", package], capture_output=True, text=True,
                                check=False)
        path = f"/usr/sbin/{tool}"
        if listed.returncode or path not in listed.stdout.splitlines():
            folder = work / package
            folder.mkdir()
            # Not as _apt's own user: the folder is root's.
            subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download",
                            package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
            archive, = folder.glob("*.deb")
            subprocess.run(["dpkg", "-x", archive, folder / "root"], check=True)
            path = str(folder / "root" / "usr" / "sbin" / tool)
        tools[tool] = path
    return tools


def record(case, store, lists, tools, ciphers):
    """Play one case and keep its capture with the expected facts."""
    folder = CAPTURES / case.name
    name = "capture.pcapng" if case.pcapng else "capture.pcap"
    with tempfile.TemporaryDirectory(prefix="captures-") as scratch:
        work = Path(scratch)
        work.chmod(0o755)  # TFTP servers give up root
        capture = work / name
        logs = Play(case, store, lists, tools, work).run(capture)
        for handset, log in zip(case.phones, logs, strict=True):
            told = facts.story(log, handset.name)
            if told != case.story[handset.name]:
                raise facts.Disagreement(f"{handset.name} did {json.dumps(told, indent=1)}")
        ports = {entry["client_port"] for log in logs for entry in log
                 if entry["event"] == "download" and entry["transport"] == "tftp"}
        frames = facts.Frames(capture, ports)
        roots = {server.address: work / f"s{at}-tftp" for at, server in enumerate(case.servers)}
        phones = [facts.phone_facts(frames, handset, log, roots, store, ciphers)
                  for handset, log in zip(case.phones, logs, strict=True)]
        expected = {
            "schema": "itlscope.expected/1",
            "case": case.name,
            "shows": case.shows,
            "capture": name,
            "frames": len(frames.rows),
            "made_with": made_with(case),
            "phones": phones,
            "questions": [facts.answer(question, phones, CAPTURES)
                          for question in case.questions],
        }
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir()
        shutil.copyfile(capture, folder / name)
        write_expected(folder / "expected.json", expected)
        (folder / "frames.txt").write_text(facts.summary(capture))
        return len(frames.rows), capture.stat().st_size


def made_with(case):
    """The software and its options, in one line for the table."""
    parts = []
    for server in case.servers:
        if "tftp" in server.services:
            program = "atftpd" if server.tftp == "atftpd" else "tftpd-hpa"
            parts.append(" ".join([program, *server.tftp_arguments]))
        if "http" in server.services:
            parts.append("nginx")
        parts += [f"sipp -t {word[4]}1" for word in server.services if word.startswith("sip-")]
        if "tvs" in server.services or "tomcat" in server.services:
            parts.append("openssl s_server " + " ".join(server.tls))
    for phone in case.phones:
        options = phone.settings.get("tftp_options", {})
        asked = "".join(f" {key}={value}" for key, value in options.items())
        parts.append(f"phone.py as {phone.model}{asked}")
    path = "kernel bridge" if case.bridge else "switch.py"
    parts.append(f"{path}, {len(case.faults)} faults" if case.faults else path)
    for tap in case.taps:
        # The SPAN port is the only place with tags to select by.
        parts.append(" ".join(["tcpdump -i", "any" if tap.interface == "any" else "SPAN",
                               *tap.options, *([f"'{tap.filter}'"] if tap.filter else [])]))
    return list(dict.fromkeys(parts))


def look_at(expected):
    """The frames worth a look, for the table."""
    found = []
    for phone in expected["phones"]:
        words = []
        for item in phone["downloads"]:
            at = item["look_at"]
            name = item.get("file", "?").replace(phone.get("name", "?"), "…")
            if item["kind"] in ("ctl", "itl", "config") and at["first"]:
                words.append(f"{name} {at['first']}–{at['last']}")
        if "holds" in phone:
            frames = ", ".join(map(str, phone["holds"]["look_at"]["alarms"]))
            words.append(f"DeviceTLInfo {frames}")
        for item in phone["tls"]:
            at = item["look_at"]
            word = f"{item['service']} from {at['syn'] or at['server_hello']}"
            for what in ("certificate", "alert"):
                if at[what]:
                    word += f", {what} {at[what]}"
            words.append(word)
        found.append("; ".join(words))
    return " · ".join(found[:2]) + (" · …" if len(found) > 2 else "")


def write_table(everything):
    """The table of README.md, from the expected facts of all recorded cases."""
    lines = ["| capture | frames | shows | made with | look at (frames) |",
             "| --- | --- | --- | --- | --- |"]
    for case in everything:
        path = CAPTURES / case.name / "expected.json"
        if path.exists():
            expected = json.loads(path.read_text())
            lines.append(" | ".join([
                f"| [{case.name}]({case.name}/{expected['capture']})", str(expected["frames"]),
                expected["shows"], "; ".join(f"`{part}`" for part in expected["made_with"]),
                look_at(expected)]) + " |")
    readme = CAPTURES / "README.md"
    head, _, rest = readme.read_text().partition(TABLE_START)
    _, _, tail = rest.partition(TABLE_END)
    readme.write_text(head + TABLE_START + "\n" + "\n".join(lines) + "\n" + TABLE_END + tail)


def ask_again(everything):
    """Write the questions of recorded cases anew: they follow from the facts."""
    for case in everything:
        path = CAPTURES / case.name / "expected.json"
        if path.exists():
            expected = json.loads(path.read_text())
            expected["questions"] = [facts.answer(question, expected["phones"], CAPTURES)
                                     for question in case.questions]
            write_expected(path, expected)
    write_table(everything)


def write_expected(path, expected):
    path.write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")


def main():
    # Leave by way of every `with`, which takes the laboratory down.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    store = pki.Store()
    store.write()
    lists = making.Lists(store)
    lists.write(CAPTURES / "references")
    ciphers = facts.cipher_names()
    everything = list(cases(store))
    if sys.argv[1:] == ["--questions"]:
        ask_again(everything)
        return
    wanted = sys.argv[1:] or [case.name for case in everything]
    unknown = set(wanted) - {case.name for case in everything}
    if unknown:
        sys.exit(f"make.py: no such case: {', '.join(sorted(unknown))}")
    failed = []
    with tempfile.TemporaryDirectory(prefix="captures-tools-") as scratch:
        Path(scratch).chmod(0o755)
        tools = find_tools(Path(scratch))
        for case in everything:
            if case.name not in wanted:
                continue
            try:
                count, size = record(case, store, lists, tools, ciphers)
                print(f"{case.name}: {count} frames, {size} bytes", flush=True)
            except (LabError, facts.Disagreement, subprocess.CalledProcessError) as error:
                failed.append(case.name)
                print(f"{case.name}: FAILED: {error}", file=sys.stderr, flush=True)
    write_table(everything)
    print(f"{len(wanted) - len(failed)} of {len(wanted)} cases recorded")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
