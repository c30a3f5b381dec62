"""Record the captures anew: make.py [CASE...]

Run by make.sh, which installs what is needed. Without names every case is
recorded; with names only those. Exit status 1 if any failed.
"""

import json
import os
import shutil
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

CAPTURES = Path(__file__).resolve().parent.parent


def find_tools(work):
    """The TFTP servers. Both are used, and their packages exclude each other, so
    what is not installed is unpacked, not installed."""
    tools = {}
    for tool, package in (("atftpd", "atftpd"), ("in.tftpd", "tftpd-hpa")):
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
        for handset, log in zip(case.phones, logs):
            told = facts.story(log, handset.name)
            if told != case.story[handset.name]:
                raise facts.Disagreement(f"{handset.name} did {json.dumps(told, indent=1)}")
        frames = facts.Frames(capture)
        roots = {server.address: work / f"s{at}-tftp" for at, server in enumerate(case.servers)}
        phones = [facts.phone_facts(frames, handset, log, roots, store, ciphers)
                  for handset, log in zip(case.phones, logs)]
        expected = {
            "schema": "itlscope.expected/1",
            "case": case.name,
            "shows": case.shows,
            "capture": name,
            "frames": len(frames.rows),
            "phones": phones,
            "questions": [facts.answer(question, phones, CAPTURES)
                          for question in case.questions],
        }
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir()
        shutil.copyfile(capture, folder / name)
        (folder / "expected.json").write_text(
            json.dumps(expected, indent=1, ensure_ascii=False) + "\n")
        return len(frames.rows), capture.stat().st_size


def main():
    store = pki.Store()
    store.write()
    lists = making.Lists(store)
    lists.write(CAPTURES / "references")
    ciphers = facts.cipher_names()
    everything = list(cases(store))
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
    print(f"{len(wanted) - len(failed)} of {len(wanted)} cases recorded")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
