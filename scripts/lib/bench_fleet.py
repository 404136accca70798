"""scripts/bench-fleet, once everything is built."""

import argparse
import json
import os
import sqlite3
import sys
import tempfile
import time

from fleet import Fleet, make_certificates
from process import Failure, Program, install_handlers, wait_for


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench-fleet")
    parser.add_argument("--binaries", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--terminals", type=int, default=500)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--poll", type=int, default=60)
    return parser.parse_args()


def resident(program):
    """Kilobytes of a process."""
    with open(f"/proc/{program.process.pid}/status") as file:
        for line in file:
            if line.startswith("VmRSS"):
                return int(line.split()[1])
    return 0


def processor(program):
    """Seconds of processor time that a process has used."""
    with open(f"/proc/{program.process.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start_terminals(fleet, options, trace):
    devices = []
    is_ready = []

    def hear(line):
        words = line.split()
        if words[0] == "DEVICE":
            devices.append((words[1], words[2]))
        elif words[0] == "READY":
            is_ready.append(True)

    command = [
        fleet.binary("zk-simulator"), "--fleet", options.terminals, "--listen", "127.3.0.1:4370",
        "--derived", options.rows, "--users", 20, "--last-day", "yesterday",
        "--live-rate", options.rate, "--trace", trace,
    ]  # fmt: skip
    program = Program("terminals", command, fleet.file("terminals.log"), on_line=hear)
    wait_for("the terminals to listen", lambda: is_ready, watch=[program])
    return program, devices


def start_location(fleet, options, devices):
    make_certificates(fleet.file("certs"), "location/bench", "gateway/main")
    certificates = fleet.file("certs")
    configuration = {
        "zone": "UTC",
        "store": fleet.file("bench.db"),
        "tls": {
            "certificate": f"{certificates}/location-bench.pem",
            "key": f"{certificates}/location-bench.key",
            "ca": f"{certificates}/ca.pem",
        },
        "gateways": [],
        "devices": [
            {"name": serial, "address": address, "pollSeconds": options.poll, "serial": serial}
            for address, serial in devices
        ],
    }
    with open(fleet.file("bench.json5"), "w") as file:
        json.dump(configuration, file)
    command = [fleet.binary("LocationService"), "--config", fleet.file("bench.json5")]
    return Program("location", command, fleet.file("location.log"))


class Store:
    """The location's store, as another process sees it."""

    def __init__(self, path):
        wait_for("the store", lambda: os.path.exists(path), seconds=60)
        self.connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)

    def one(self, sql):
        try:
            return self.connection.execute(sql).fetchone()[0] or 0
        except sqlite3.OperationalError:
            return 0  # It is just being made.


def watch(store, programs, seconds):
    """The log's end as it grows: when, and the last sequence."""
    location, terminals = programs
    seen = []
    memory = []
    last = -1
    end = time.time() + seconds
    next_look = time.time()
    while time.time() < end:
        if not (location.is_running and terminals.is_running):
            raise Failure("a program has ended")
        sequence = store.one("SELECT max(sequence) FROM log")
        if sequence != last:
            seen.append((time.time() * 1000, sequence))
            last = sequence
        if time.time() >= next_look:
            memory.append((resident(location), resident(terminals)))
            next_look += 1
        time.sleep(0.005)
    return seen, memory


def delays(store, seen, trace, begin, end):
    """Milliseconds from each live punch to the first look at which it was stored."""
    made = {}
    with open(trace) as file:
        for line in file:
            at, *key = line.rstrip("\n").split("\t")
            if begin <= int(at) < end:
                made[tuple(key)] = int(at)
    rows = store.connection.execute(
        "SELECT sequence, device, user, local_time, coalesce(amended_state, state) FROM punch"
        " WHERE sequence > ? ORDER BY sequence",
        (seen[0][1],),
    )
    found = []
    place = 0
    for sequence, device, user, local_time, state in rows:
        at = made.pop((device, user, local_time, str(state)), None)
        if at is None:
            continue
        while place < len(seen) and seen[place][1] < sequence:
            place += 1
        if place == len(seen):
            break
        found.append(seen[place][0] - at)
    return sorted(found), made


def main():
    options = arguments()
    install_handlers()
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(folder, options.binaries)
        trace = fleet.file("trace")
        terminals, devices = start_terminals(fleet, options, trace)
        location = start_location(fleet, options, devices)
        try:
            return measure(options, fleet, trace, terminals, location)
        except Failure:
            with open(fleet.file("location.log"), errors="replace") as file:
                sys.stderr.write("".join(file.readlines()[-20:]))
            raise
        finally:
            location.stop()
            terminals.kill()


def measure(options, fleet, trace, terminals, location):
    start = time.time()
    store = Store(fleet.file("bench.db"))
    # Each log once, proved: then each terminal has a watermark.
    wait_for(
        "all logs to be read",
        lambda: store.one("SELECT count(*) FROM device WHERE complete_through IS NOT NULL")
        >= options.terminals,
        seconds=1800,
        every=1,
        watch=[location, terminals],
    )
    first = time.time() - start
    rows = store.one("SELECT count(*) FROM punch")
    print(f"{rows} rows of {options.terminals} terminals in {first:.0f} s", file=sys.stderr)
    begin = time.time()
    used = processor(location), processor(terminals)
    seen, memory = watch(store, (location, terminals), options.minutes * 60)
    elapsed = time.time() - begin
    used = processor(location) - used[0], processor(terminals) - used[1]
    # The last seconds' punches may still be on their way.
    found, missing = delays(store, seen, trace, begin * 1000 + 1000, (begin + elapsed - 5) * 1000)
    if not found:
        raise Failure("no live punch was stored")
    result = {
        "terminals": options.terminals,
        "rows": options.rows,
        "firstReadSeconds": round(first, 1),
        "minutes": options.minutes,
        "punches": len(found),
        "missing": len(missing),
        "p50Milliseconds": round(found[len(found) // 2]),
        "p99Milliseconds": round(found[len(found) * 99 // 100]),
        "maxMilliseconds": round(found[-1]),
        "locationMiB": round(max(m[0] for m in memory) / 1024),
        "locationProcessorPercent": round(100 * used[0] / elapsed, 1),
        "terminalsMiB": round(max(m[1] for m in memory) / 1024),
        "terminalsProcessorPercent": round(100 * used[1] / elapsed, 1),
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"bench-fleet: {failure}")
