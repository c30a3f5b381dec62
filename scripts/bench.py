#!/usr/bin/env python3
"""Measures the release build beside cat, tcpdump and tshark, on captures that examples/storm makes.

    make bench              everything but the hostile captures; about ten minutes, most of them tshark's
    make bench-hostile      the hostile captures: memory and linearity

What is compared runs in turns, round after round in one go, so that whatever else the machine does falls on all alike. The
ratios are medians of the rounds' own ratios. Figures go to standard output as a table and to target/bench.json.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = os.path.join(ROOT, "target")
ITLSCOPE = os.path.join(TARGET, "release", "itlscope")
STORM = os.path.join(TARGET, "release", "examples", "storm")
REFERENCE = ["-r", os.path.join(ROOT, "captures", "references", "itl-old.tlv")]
ATTACKS = """half-open ports disorder fragments requests long-names records certificates lists files bodies refusals
    conflicts""".split()
# Frames of these are so much larger.
LARGE = {"long-names": 20}
MIB = 1 << 20


class Run:
    """One run of a command: what it cost, and what it said."""

    def __init__(self, wall, cpu, rss, status):
        self.wall, self.cpu, self.rss, self.status = wall, cpu, rss, status


def run(command, stdin="/dev/null", stdout="/dev/null"):
    """Runs a command to its end. Its peak memory is its own: wait4(2) counts no other child."""
    command = [str(part) for part in command]
    files = [
        (os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, stdout, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
        (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0),
    ]
    begun = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=files)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - begun
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, os.waitstatus_to_exitcode(status))


def triage(capture, *options):
    """The command line of the main job on a capture."""
    return [ITLSCOPE, "triage", capture, *REFERENCE, *options]


def capture(name, **options):
    """Makes a capture, once: the same options make the same bytes."""
    path = os.path.join(TARGET, "bench", name + ".pcap")
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        print(f"making {name}", file=sys.stderr)
        flags = [part for key, value in options.items() for part in ("--" + key.replace("_", "-"), str(value))]
        subprocess.run([STORM, *flags, "-o", path + ".part"], check=True, stderr=subprocess.DEVNULL)
        os.rename(path + ".part", path)
    return path


def rounds(commands, number):
    """Runs the commands in turns; the first round only warms the page cache."""
    for command in commands.values():
        run(command)
    runs = {name: [] for name in commands}
    for _ in range(number):
        for name, command in commands.items():
            runs[name].append(run(command))
    return runs


def ratio(runs, one, other, cost):
    """The median over the rounds of one's cost by the other's in the same round."""
    return statistics.median(cost(a) / cost(b) for a, b in zip(runs[one], runs[other]))


def figures(runs):
    """Least and median of what runs cost."""
    wall = [each.wall for each in runs]
    return {
        "min_seconds": round(min(wall), 4),
        "median_seconds": round(statistics.median(wall), 4),
        "median_cpu_seconds": round(statistics.median(each.cpu for each in runs), 4),
        "peak_mib": round(max(each.rss for each in runs) / MIB, 1),
    }


def frames(path):
    """Frames of a capture, as the program counts them; and that all phones are well."""
    report = json.loads(subprocess.run(triage(path, "--format", "json"), capture_output=True, check=False).stdout)
    assert all(phone["checks"]["itl_checksum"] == "match" for phone in report["phones"]), "a phone got another answer"
    return sum(source["frames"] for source in report["sources"])


def table(head, rows):
    """A table in Markdown."""
    widths = [max(len(str(row[column])) for row in [head, *rows]) for column in range(len(head))]
    line = lambda row: "| " + " | ".join(str(cell).ljust(width) for cell, width in zip(row, widths)) + " |"
    print("\n".join([line(head), "| " + " | ".join("-" * width for width in widths) + " |", *map(line, rows)]), flush=True)


def machine():
    """Where and when this was measured."""
    cpu = platform.processor() or "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        cpu = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), cpu)
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def measure(options):
    """The whole program beside others, its memory, its cost a frame, its start."""
    storm = capture("storm", phones=10_000, rtp=4_000_000)
    few = capture("few", phones=100, rtp=40_000)
    voice = capture("voice", phones=100, rtp=4_000_000)
    small = capture("small", phones=20, rtp=2_000)
    result = {"machine": machine(), "targets": {}}
    targets = result["targets"]

    def target(name, value, limit, good, unit=""):
        targets[name] = {"value": value, "limit": limit, "met": good}
        return [name, f"{value}{unit}", f"{limit}{unit}", "yes" if good else "NO"]

    commands = {
        "cat": ["cat", storm],
        "tcpdump -w /dev/null": ["tcpdump", "-r", storm, "-w", "/dev/null"],
        "triage": triage(storm),
        "triage --format json": triage(storm, "--format", "json"),
        "triage, 100 phones": triage(voice),
    }
    runs = rounds(commands, options.rounds)
    result["side_by_side"] = {name: figures(each) for name, each in runs.items()}
    if options.tshark:
        print("tshark takes minutes", file=sys.stderr)
        runs["tshark"] = [run(tshark(storm))]
        result["side_by_side"]["tshark"] = figures(runs["tshark"])
    rows = [
        [name, each["min_seconds"], each["median_seconds"], each["median_cpu_seconds"], each["peak_mib"]]
        for name, each in result["side_by_side"].items()
    ]
    size = f"{os.path.getsize(storm) / 1e9:.2f} GB"
    print(f"\n10,000 phones booting among 4 million RTP frames, {size}, {options.rounds} rounds\n")
    table(["command", "least s", "median s", "CPU s", "peak MiB"], rows)

    rows = []
    beside = round(ratio(runs, "triage", "tcpdump -w /dev/null", lambda each: each.wall), 2)
    rows.append(target("time by that of tcpdump", beside, 0.5, beside <= 0.5))
    if options.tshark:
        faster = round(runs["tshark"][0].wall / result["side_by_side"]["triage"]["median_seconds"])
        rows.append(target("times faster than tshark", faster, 150, faster >= 150))
    peak = result["side_by_side"]["triage"]["peak_mib"]
    rows.append(target("peak memory", peak, 96, peak <= 96, " MiB"))
    if options.tenfold:
        longer = tenfold()
        result["tenfold_rtp"] = {"seconds": round(longer.wall, 1), "peak_mib": round(longer.rss / MIB, 1)}
        growth = round(longer.rss / MIB / peak, 2)
        rows.append(target("memory with ten times the RTP, by that", growth, 1.1, growth <= 1.1))
    cost = {"few": few, "storm": storm}
    alike = rounds({name: triage(path) for name, path in cost.items()}, options.rounds)
    counted = {name: frames(path) for name, path in cost.items()}
    nothing = statistics.median(each.cpu for each in rounds({"x": [ITLSCOPE, "--version"]}, options.rounds)["x"])
    each = {name: statistics.median(run.cpu for run in alike[name]) - nothing for name in cost}
    per_frame = {name: each[name] / counted[name] * 1e9 for name in cost}
    result["nanoseconds_a_frame"] = {name: round(value) for name, value in per_frame.items()}
    flat = round(per_frame["storm"] / per_frame["few"], 2)
    rows.append(target("CPU a frame, 10,000 phones by 100 phones", flat, 1.3, flat <= 1.3))
    start = rounds({"x": triage(small)}, 5 * options.rounds)["x"]
    milliseconds = round(statistics.median(each.wall for each in start) * 1000, 1)
    rows.append(target(f"start to finish, {os.path.getsize(small) / 1e6:.1f} MB", milliseconds, 15, milliseconds < 15, " ms"))
    print()
    table(["figure", "reached", "wanted", "met"], rows)
    return result


def tshark(path):
    """The same questions: who asked for which file, which certificates were presented, which alerts were sent."""
    fields = """frame.number frame.time_epoch ip.src ip.dst tftp.source_file tftp.opcode tftp.error.code
        tls.handshake.type x509af.serialNumber tls.alert_message.desc""".split()
    wanted = [part for field in fields for part in ("-e", field)]
    decode = ["-d", "tcp.port==2445,tls", "-d", "tcp.port==8443,tls"]
    only = ["-Y", "tftp.opcode != 4 || tls.handshake.type || tls.alert_message"]
    return ["tshark", "-n", "-r", path, *decode, *only, "-T", "fields", *wanted]


def tenfold():
    """The storm with ten times the voice, through a pipe: no disk has to hold it."""
    storm = subprocess.Popen(
        [STORM, "--phones", "10000", "--rtp", "40000000", "-o", "-"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    reading = run(triage("-"), stdin=f"/proc/self/fd/{storm.stdout.fileno()}")
    storm.stdout.close()
    storm.wait()
    return reading


def hostile(options):
    """Every attack in three sizes: memory stays, time grows no faster than the capture."""
    result, rows = {"machine": machine(), "hostile": {}}, []
    most = 0
    for attack in ATTACKS:
        sizes = [options.frames // LARGE.get(attack, 1) * factor for factor in (1, 2, 4)]
        paths = [capture(f"{attack}-{size}", phones=20, rtp=1000, attack=attack, attack_frames=size) for size in sizes]
        runs = rounds({size: triage(path, "--details", "none") for size, path in zip(sizes, paths)}, options.rounds)
        seconds = [min(each.cpu for each in runs[size]) for size in sizes]
        peaks = [max(each.rss for each in runs[size]) / MIB for size in sizes]
        growth = seconds[2] / seconds[1]
        most = max(most, *peaks)
        result["hostile"][attack] = {
            "frames": sizes,
            "cpu_seconds": [round(each, 3) for each in seconds],
            "peak_mib": [round(each, 1) for each in peaks],
        }
        rows.append([attack, sizes[2], *(f"{each:.2f}" for each in seconds), f"{growth:.2f}", *(f"{each:.0f}" for each in peaks)])
        for path in paths:
            os.remove(path)
    print("\nHostile captures of n, 2n and 4n frames, twenty phones booting among them\n")
    table(["attack", "4n", "CPU s, n", "2n", "4n", "4n by 2n", "peak MiB, n", "2n", "4n"], rows)
    print(f"\nmost memory: {most:.0f} MiB, of 256 MiB")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hostile", action="store_true", help="the hostile captures instead")
    parser.add_argument("--frames", type=int, default=250_000, help="frames of the smallest hostile capture")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-tshark", dest="tshark", action="store_false")
    parser.add_argument("--no-tenfold", dest="tenfold", action="store_false")
    options = parser.parse_args()
    result = hostile(options) if options.hostile else measure(options)
    result["machine"]["load_after"] = round(os.getloadavg()[0], 2)
    name = "bench-hostile.json" if options.hostile else "bench.json"
    with open(os.path.join(TARGET, name), "w", encoding="utf-8") as out:
        json.dump(result, out, indent=2)
        out.write("\n")
    print(f"\n{json.dumps(result['machine'])}\ntarget/{name} has these figures")


if __name__ == "__main__":
    main()
