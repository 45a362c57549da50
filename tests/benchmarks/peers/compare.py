#!/usr/bin/env python3
"""Interleaved rounds of bench.py over several daemons, medians, and ratios against one of them.

    compare.py [--rounds 5] [--peers vibepn,wireguard-go,nebula,openvpn] [--against wireguard-go] [--tests ...]

Every round brings each daemon up once and runs the tests; the next round begins with another daemon. A ratio is the
median over the rounds of one round's quotient, so a machine that is slower for a minute is slower for both sides of it.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys

import lab as L

# label, unit, path in a result, whether more is better
ROWS = [("TCP, 1 stream", "Mbit/s", ("tcp1", "mbps", "median"), True),
        ("TCP, 4 streams", "Mbit/s", ("tcp4", "mbps", "median"), True),
        ("TCP, 1 stream, wire size", "Mbit/s", ("loss", "0", "mbps", "median"), True),
        ("the same, 1 % loss", "Mbit/s", ("loss", "1", "mbps", "median"), True),
        ("the same, 5 % loss", "Mbit/s", ("loss", "5", "mbps", "median"), True),
        ("daemon CPU, 1 stream", "s/GB", ("tcp1", "daemon_cpu_s_per_gb", "median"), False),
        ("daemon CPU, 4 streams", "s/GB", ("tcp4", "daemon_cpu_s_per_gb", "median"), False),
        ("daemon CPU, wire size", "s/GB", ("loss", "0", "daemon_cpu_s_per_gb", "median"), False),
        ("UDP 64 B, < 1 % loss", "packets/s", ("udp64", "pps", "median"), True),
        ("UDP 1200 B, < 1 % loss", "Mbit/s", ("udp1200", "mbps", "median"), True),
        ("ping, idle, p50", "ms", ("latency", "idle", "p50_ms"), False),
        ("ping, idle, p99", "ms", ("latency", "idle", "p99_ms"), False),
        ("ping, loaded, p50", "ms", ("latency", "loaded", "p50_ms"), False),
        ("ping, loaded, p99", "ms", ("latency", "loaded", "p99_ms"), False),
        ("peak memory, a", "MiB", ("memory_end", "a", "hwm_mb"), False),
        ("peak memory, b", "MiB", ("memory_end", "b", "hwm_mb"), False),
        ("start to first ping", "s", ("start", "seconds", "median"), False)]


def value(result, path):
    for key in path:
        result = result.get(key) if isinstance(result, dict) else None
    return result


def number(x):
    return "-" if x is None else "%.2f" % x if x < 10 else "%.1f" % x if x < 100 else "%.0f" % x


def spread(values):
    if not values:
        return "-"
    middle = number(statistics.median(values))
    return middle if len(values) == 1 else "%s (%s-%s)" % (middle, number(min(values)), number(max(values)))


def run_round(args, peers, path):
    for peer in peers:
        command = [sys.executable, os.path.join(L.HERE, "bench.py"), "run", peer, "--tests", args.tests,
                   "--secs", str(args.secs), "--loss-secs", str(args.loss_secs), "--repeats", "1", "--out", path,
                   "--warm-up", str(args.warm_up), "--nice", str(args.nice), "--wait-calm", str(args.wait_calm)]
        subprocess.run(command, check=True)


def print_table(args, peers, rounds):
    processor = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    print("%d rounds, %s cores, %s, Linux %s; each cell: median (lowest-highest)\n"
          % (len(rounds), os.cpu_count(), processor, platform.release()))
    others = [p for p in peers if p not in ("raw", args.against)]
    print("| | " + " | ".join(peers) + " | " + " | ".join("%s / %s" % (p, args.against) for p in others) + " |")
    print("|---|" + "---|" * (len(peers) + len(others)))
    versions = [value(rounds[-1].get(p, {}), ("version",)) or "-" for p in peers]
    print("| version | " + " | ".join(versions) + " | " + " | ".join("" for _ in others) + " |")
    for label, unit, path, _ in ROWS:
        cells = [[v for v in (value(r.get(p, {}), path) for r in rounds) if v is not None] for p in peers]
        if not any(cells):
            continue
        ratios = []
        for p in others:
            pairs = [(value(r.get(p, {}), path), value(r.get(args.against, {}), path)) for r in rounds]
            ratios.append([a / b for a, b in pairs if a is not None and b])
        print("| %s, %s | %s | %s |" % (label, unit, " | ".join(map(spread, cells)), " | ".join(map(spread, ratios))))
    failures = ["%s, round %d: %s" % (p, i + 1, r[p]["error"]) for i, r in enumerate(rounds) for p in peers
                if "error" in r.get(p, {})]
    if failures:
        print("\nfailed: " + "; ".join(failures))
    return not failures


def main():
    sys.path.insert(0, L.HERE)
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--peers", default="vibepn,wireguard-go,nebula,openvpn", help="names that bench.py list prints")
    ap.add_argument("--against", default="wireguard-go", help="the daemon that ratios are taken against")
    ap.add_argument("--tests", default="tcp1,tcp4,latency,udp64,udp1200,loss")
    ap.add_argument("--secs", type=int, default=5, help="length of a throughput run, in seconds")
    ap.add_argument("--loss-secs", type=int, default=5)
    ap.add_argument("--warm-up", type=int, default=3, help="seconds of one TCP stream before the tests, not counted")
    ap.add_argument("--nice", type=int, default=0, help="priority of everything, -20 to 19")
    ap.add_argument("--wait-calm", type=float, default=0, help="wait so many seconds at most for a quiet hypervisor")
    ap.add_argument("--out", default=os.path.join(L.WORK_DIR, "compare"), help="folder of the raw results")
    ap.add_argument("--print-only", action="store_true", help="print the table of the results that are there")
    args = ap.parse_args()
    peers = args.peers.split(",")
    os.makedirs(args.out, exist_ok=True)
    rounds = []
    for i in range(args.rounds):
        path = os.path.join(args.out, "round%d.json" % (i + 1))
        if not args.print_only:
            if os.path.exists(path):
                os.unlink(path)
            print("round %d of %d" % (i + 1, args.rounds), file=sys.stderr, flush=True)
            turn = i % len(peers)
            run_round(args, peers[turn:] + peers[:turn], path)
        if os.path.exists(path):
            with open(path) as f:
                rounds.append(json.load(f))
    if not rounds:
        sys.exit("no results in " + args.out)
    sys.exit(0 if print_table(args, peers, rounds) else 1)


if __name__ == "__main__":
    main()
