"""scripts/demo, once everything is built."""

import argparse
import json
import os
import shutil
import subprocess
import sys

from fleet import ROOT, Fleet, digest
from process import Failure, install_handlers, wait_for
from report import Report

MARKER = ".made-by-scripts-demo"


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/demo")
    parser.add_argument("--binaries", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--dir", default=os.path.join(ROOT, ".build", "demo"))
    parser.add_argument("--rate", type=float, default=0.5)
    parser.add_argument("--keep", action="store_true")
    return parser.parse_args()


def empty(folder):
    """Removes what an earlier run left; nothing that somebody else made."""
    if not os.path.isdir(folder) or not os.listdir(folder):
        return
    if not os.path.exists(os.path.join(folder, MARKER)):
        raise Failure(f"{folder} holds files that are not of a demo: choose another --dir")
    shutil.rmtree(folder)


def build_fleet(options):
    if not options.keep:
        empty(options.dir)
    fleet = Fleet(options.dir, options.binaries)
    open(fleet.file(MARKER), "w").close()
    live = ["--live-rate", str(options.rate), "--last-day", "yesterday"]
    if options.check:
        live += ["--until", "20"]
    fleet.add_location(
        "cairo",
        "Africa/Cairo",
        [
            ("cairo-gate", ["--seed", "1", "--users", "40", "--days", "30", *live], 123456),
            ("cairo-canteen",
             ["--seed", "2", "--users", "25", "--days", "30", "--record-format", "16", *live],
             None),
        ],
    )  # fmt: skip
    fleet.add_location(
        "lima",
        "America/Lima",
        [
            ("lima-office", ["--seed", "3", "--users", "30", "--days", "60", *live], None),
            ("lima-store",
             ["--seed", "4", "--users", "20", "--days", "30", "--user-format", "28",
              "--record-format", "8", *live],
             None),
        ],
    )  # fmt: skip
    return fleet


def wait_until_complete(fleet):
    programs = [fleet.gateway.program, *(location.program for location in fleet.locations)]
    wait_for(
        "the gateway to have everything",
        lambda: fleet.gateway.get("/v1/locations")["complete"],
        seconds=120,
        every=0.5,
        watch=programs,
    )


# MARK: With a terminal


def show(fleet):
    total = fleet.gateway.count()
    ctl = " ".join(fleet.ctl_command())
    print(f"""
{total} punches of {len(fleet.simulators)} terminals at {len(fleet.locations)} locations have arrived.
Everything is in {fleet.folder}; the logs of all programs are there too.

Try in another terminal:

  export KEY={fleet.gateway.token}
  curl -H "Authorization: Bearer $KEY" '{fleet.gateway.url}/v1/locations'
  curl -H "Authorization: Bearer $KEY" '{fleet.gateway.url}/v1/devices'
  curl -H "Authorization: Bearer $KEY" '{fleet.gateway.url}/v1/punches?location=cairo&limit=5'

  alias ctl='{ctl}'
  ctl location list
  ctl device list
  ctl punch list --location lima --limit 5 -o csv
  ctl check

Punches as they arrive (Ctrl-C ends everything):
""", flush=True)  # fmt: skip
    # In this script's own session: it writes to the terminal and gets Ctrl-C with us.
    tail = subprocess.Popen([*fleet.ctl_command(), "punch", "tail"])
    try:
        return tail.wait()
    finally:
        if tail.poll() is None:
            tail.terminate()
        tail.wait()
        print("\nStopping everything …", flush=True)


# MARK: Without


def wait_for_live_punches(fleet):
    for simulator in fleet.simulators:
        wait_for(
            f"the live punches of {simulator.name}",
            lambda simulator=simulator: simulator.is_done,
            seconds=180,
            watch=[simulator.program],
        )
    for location in fleet.locations:
        total = sum(simulator.count() for simulator in location.simulators)
        wait_for(
            f"{total} punches at {location.name}",
            lambda location=location, total=total: location.count() >= total,
            seconds=60,
            watch=[location.program],
        )
    total = sum(simulator.count() for simulator in fleet.simulators)
    wait_for(
        f"{total} punches at the gateway",
        lambda: fleet.gateway.count() >= total,
        seconds=60,
        watch=[fleet.gateway.program],
    )
    wait_until_complete(fleet)


def key_of(row):
    return (row["device"], row["user"], row["local_time"], row["state"])


def ctl_pages(fleet, location):
    status, output, errors = fleet.ctl(
        "punch", "list", "--location", location, "--all", "-o", "json"
    )
    if status != 0:
        raise Failure(f"ctl punch list: exit {status}: {errors}")
    return [key_of(row) for row in json.loads(output)["data"]]


def check_sets(report, fleet, when):
    for location in fleet.locations:
        truth = [punch for simulator in location.simulators for punch in simulator.punches()]
        expected = (len(truth), digest(truth))
        held = {
            "the location (sqlite3)": location.punches_by_sqlite3(),
            "the gateway (curl)": [key_of(row) for row in fleet.gateway.pages(location.name)[0]],
            "the gateway (ctl)": ctl_pages(fleet, location.name),
        }
        for where, punches in held.items():
            found = (len(punches), digest(punches))
            report.check(
                f"{when}: {where} holds what the terminals of {location.name} recorded",
                found == expected and len(set(truth)) == len(truth),
                f"{found[0]} of {expected[0]} punches, SHA-256 {found[1][:12]} of {expected[1][:12]}",
            )


def check_findings(report, fleet):
    """`ctl check` finds nothing but that some terminals have no comm key."""
    status, output, errors = fleet.ctl("check", "-o", "json")
    findings = json.loads(output)["data"] if output else []
    findings_count = len(findings)
    findings = [row for row in findings if row["level"] != "CHECK_LEVEL_OK"]
    bad = [row for row in findings if "comm key" not in row["message"]]
    open_devices = [row for row in findings if row not in bad]
    report.check(
        "ctl check warns of the terminals without a comm key and of nothing else",
        status == 6 and not bad and len(open_devices) == 3,
        f"exit {status}, {findings_count} checks, {len(open_devices)} warnings",
    )
    for row in bad:
        report.note(str(row))
    if not findings:
        report.note(errors)


def check_outage(report, fleet, lost, other):
    gateway = fleet.gateway
    complete, _, watermark = state_of(fleet, lost)
    report.check("before the outage an open answer is complete", complete, f"{lost.name}: {watermark}")
    before = len(gateway.pages(lost.name)[0])
    lost.program.kill()
    wait_for(
        "the gateway to notice",
        lambda: not gateway.get("/v1/punches?limit=1")["complete"],
        seconds=60,
        watch=[gateway.program],
    )
    complete, state, last = state_of(fleet, lost)
    report.check(
        f"with {lost.name} killed, answers come and say that they are not complete",
        complete is False and state == "LINK_STATE_UNREACHABLE",
        f"complete: {str(complete).lower()}, {lost.name}: {state}",
    )
    report.check(
        f"{lost.name} is named with its last watermark",
        last is not None and watermark is not None and last >= watermark,
        f"complete_through {last}",
    )
    rows, page = gateway.pages(lost.name)
    report.check(
        f"what {lost.name} had sent is still answered",
        len(rows) == before and page["complete"] is False,
        f"{len(rows)} punches",
    )
    rows, page = gateway.pages(other.name)
    report.check(
        f"an answer about {other.name} alone is complete", page["complete"], f"{len(rows)} punches"
    )
    past = gateway.get("/v1/punches?limit=1&to=2020-01-01T00:00:00Z")
    report.check("an answer about the past is complete", past["complete"])
    status, _, errors = fleet.ctl("punch", "list", "--limit", "1")
    warnings = [line for line in errors.splitlines() if line.startswith("warning:")]
    report.check(
        f"ctl says so too: exit 6 and a warning that names {lost.name}",
        status == 6 and any(lost.name in warning for warning in warnings),
        f"exit {status}, {'; '.join(warnings)}",
    )
    made = 0
    for simulator in lost.simulators:
        made += simulator.punch(simulator.punches()[0][1], 4)
    lost.start()
    wait_until_complete(fleet)
    wait_for(
        "the punches of the outage",
        lambda: len(gateway.pages(lost.name)[0]) >= before + made,
        seconds=60,
        watch=[lost.program],
    )
    wait_until_complete(fleet)
    complete, state, last = state_of(fleet, lost)
    report.check(
        f"with {lost.name} back, answers are complete again, with what was recorded meanwhile",
        complete and state == "LINK_STATE_LINKED" and made > 0,
        f"{made} more punches, complete_through {last}",
    )


def state_of(fleet, location):
    page = fleet.gateway.get("/v1/punches?limit=1")
    source = {row["location"]: row for row in page["sources"]}.get(location.name, {})
    return page["complete"], source.get("state"), source.get("complete_through")


def check_programs_end(report, fleet):
    programs = [location.program for location in fleet.locations] + [fleet.gateway.program]
    programs += [simulator.program for simulator in fleet.simulators]
    statuses = {program.name: program.stop() for program in programs}
    report.check(
        "every program ends by itself on SIGTERM",
        all(status == 0 for status in statuses.values()),
        ", ".join(f"{name} {status}" for name, status in statuses.items()),
    )


def main():
    options = arguments()
    install_handlers()
    fleet = build_fleet(options)
    print("Making certificates and starting 4 terminals, 2 locations and a gateway …", flush=True)
    fleet.start()
    fleet.make_key()
    wait_until_complete(fleet)
    if not options.check:
        sys.exit(show(fleet))
    report = Report()
    wait_for_live_punches(fleet)
    cairo, lima = fleet.locations
    check_sets(report, fleet, "after the live punches")
    check_findings(report, fleet)
    check_outage(report, fleet, cairo, lima)
    check_sets(report, fleet, "after the outage")
    check_programs_end(report, fleet)
    report.end()


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        print(f"FAIL  {failure}", file=sys.stderr)
        sys.exit(1)
