"""scripts/kill-test, once everything is built."""

import argparse
import base64
import json
import os
import random
import shutil
import subprocess
import sys
import time

from demo import empty, key_of
from fleet import ROOT, Fleet, digest
from process import Failure, install_handlers, wait_for
from report import Report

MARKER = ".made-by-scripts-demo"
# Seconds that a killed and restarted process is given to take up its work, on average.
CYCLE = 4


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/kill-test")
    parser.add_argument("--binaries", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--punches", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--devices", type=int, default=8)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--dir", default=os.path.join(ROOT, ".build", "kill-test"))
    return parser.parse_args()


def build_fleet(options):
    """Half of the punches is there at the start, half arrives while processes die."""
    empty(options.dir)
    fleet = Fleet(options.dir, options.binaries)
    open(fleet.file(MARKER), "w").close()
    seconds = 2 * options.kills * CYCLE
    devices = []
    for index in range(options.devices):
        share = options.punches // options.devices
        if index < options.punches % options.devices:
            share += 1
        live = share // 2
        devices.append((
            f"terminal-{index}",
            ["--seed", str(options.seed % 1_000_000 + index), "--users", "500",
             "--records", str(share - live), "--last-day", "yesterday",
             "--live-rate", f"{max(live / seconds, 0.1):.3f}", "--until", str(live)],
            4000 + index if index % 2 else None,
        ))  # fmt: skip
    fleet.add_location("cairo", "Africa/Cairo", devices, poll_seconds=5)
    return fleet


class Subject:
    """A process to kill, and how much its store holds."""

    def __init__(self, service, sql):
        self.service = service
        self._sql = sql
        self.counted = 0
        self.uncounted = 0

    def amount(self):
        try:
            return self.service.query(self._sql)[0][0] or 0
        except Exception:  # The store is not made yet, or is being opened.
            return 0

    def kill_when_growing(self, chance, limit):
        """Waits for growth, then kills at a random moment; returns whether that kill counts."""
        start = self.amount()
        wait_for(
            f"{self.service.name} to take up its work",
            lambda: self.amount() > start or start >= limit,
            seconds=60,
            every=0.02,
            watch=[self.service.program],
        )
        time.sleep(chance.uniform(0, 1.5))
        before = self.amount()
        time.sleep(chance.uniform(0.02, 0.25))
        self.service.program.kill()
        after = self.amount()
        counts = before < after < limit
        self.counted += counts
        self.uncounted += not counts
        print(f"      kill -9 {self.service.name}: {before} → {after} of {limit}"
              f"{'' if counts else ' (does not count)'}", flush=True)  # fmt: skip
        return counts


def kill_while_growing(options, fleet, chance, total, copy_store):
    location, gateway = fleet.locations[0], fleet.gateway
    subjects = [
        Subject(location, "SELECT count(*) FROM punch"),
        Subject(gateway, "SELECT count(*) FROM punch"),
    ]
    while any(subject.counted < options.kills for subject in subjects):
        left = [subject for subject in subjects if subject.counted < options.kills]
        if min(subject.amount() for subject in left) >= total:
            break
        subject = chance.choice(left)
        subject.kill_when_growing(chance, total)
        if subject.service is location and location.count() > total // 3:
            copy_store()
        subject.service.start()
    return {subject.service.name: subject for subject in subjects}


def wait_until_same(fleet, total, seconds=300):
    """Waits until location and gateway hold as many punches, and the log is followed to its end."""
    location, gateway = fleet.locations[0], fleet.gateway
    programs = [location.program, gateway.program]
    wait_for(f"{total} punches at the location", lambda: location.count() >= total, seconds,
             0.5, programs)  # fmt: skip
    wait_for(f"{total} punches at the gateway", lambda: gateway.count() >= total, seconds,
             0.5, programs)  # fmt: skip

    def is_followed():
        state, _, complete = gateway.source(location.name)
        log_id, last = location.log_state()
        return (
            complete
            and state
            and base64.b64decode(state["log_id"]).hex() == log_id
            and int(state["last_sequence"]) >= last
        )

    wait_for("the gateway to follow the log to its end", is_followed, seconds, 0.5, programs)


def check_sets(report, fleet, when):
    location, gateway = fleet.locations[0], fleet.gateway
    truth = [punch for simulator in location.simulators for punch in simulator.punches()]
    wait_until_same(fleet, len(truth))
    expected = digest(truth)
    held = {
        "location": location.punches(),
        "gateway": [key_of(row) for row in gateway.pages(location.name)[0]],
    }
    for name, punches in held.items():
        found = digest(punches)
        report.check(
            f"{when}: the {name} holds exactly what the terminals recorded",
            len(punches) == len(truth) and found == expected,
            f"{len(punches)} of {len(truth)}, SHA-256 {found[:12]} of {expected[:12]}",
        )
        if found != expected:
            missing = set(truth) - set(punches)
            foreign = set(punches) - set(truth)
            report.note(f"missing {len(missing)}: {sorted(missing)[:3]}")
            report.note(f"not of a terminal {len(foreign)}: {sorted(foreign)[:3]}")


def punch_a_little(fleet, chance, each=5):
    """Some more at each terminal, so that there is something to find afterwards."""
    made = 0
    for simulator in fleet.simulators:
        users = [punch[1] for punch in simulator.punches()[-50:]]
        for user in chance.sample(sorted(set(users)), min(each, len(set(users)))):
            made += simulator.punch(user, 4)
    return made


def change_store(report, fleet, chance, what, change):
    """Stops the location, changes its store, lets people punch, and compares again."""
    location = fleet.locations[0]
    old_id, old_last = location.log_state()
    location.program.kill()
    change(location)
    made = punch_a_little(fleet, chance)
    location.start()
    check_sets(report, fleet, what)
    new_id, new_last = location.log_state()
    report.check(f"{what}: the log has another id", new_id != old_id,
                 f"{old_id[:8]}/{old_last} → {new_id[:8]}/{new_last}, {made} more punches")  # fmt: skip


def delete_store(location):
    for path in location.store_files():
        os.remove(path)


def replace_store(location, folder):
    delete_store(location)
    for name in os.listdir(folder):
        shutil.copy2(os.path.join(folder, name), fleet_path(location, name))


def fleet_path(location, name):
    return os.path.join(os.path.dirname(location.store), name)


def kill_inside_command(report, fleet):
    """Kills the location between the record of a command and the terminal's answer."""
    location, simulator = fleet.locations[0], fleet.simulators[0]
    pending = "SELECT count(*) FROM audit WHERE command = 'unlock' AND certainty IS NULL"

    def is_online():
        status, output, _ = fleet.ctl("device", "list", "-o", "json")
        rows = json.loads(output)["data"] if status in (0, 6) else []
        return any(row["name"] == simulator.name and row["state"] == "DEVICE_STATE_ONLINE"
                   for row in rows)  # fmt: skip

    watched = [location.program, fleet.gateway.program]
    wait_for(f"{simulator.name} to be read again", is_online, 60, 0.5, watched)
    # Long enough to die in, short enough for the polls before the command.
    simulator.ask("fault slow=1500")
    command = [*fleet.ctl_command(), "device", "unlock", simulator.name, "--seconds", "1", "--yes"]
    order = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for("the command to be written down", lambda: location.query(pending)[0][0] == 1, 60,
             0.02, watched)  # fmt: skip
    location.program.kill()
    _, errors = order.communicate(timeout=60)
    report.check("ctl fails when the location dies inside of a command", order.returncode != 0,
                 f"exit {order.returncode}: {errors.strip()}")  # fmt: skip
    simulator.ask("clear")
    location.start()
    watched = [location.program, fleet.gateway.program]

    def audit():
        status, output, _ = fleet.ctl("audit", "list", "--location", location.name, "-o", "json")
        return json.loads(output)["data"] if status == 0 else []

    wait_for("the audit to be readable", audit, 60, 0.5, watched)
    last = audit()[0]
    report.check(
        "a command whose end nobody wrote down is shown as maybe done",
        (last["command"], last["certainty"], last["completed_at"])
        == ("unlock", "COMMAND_CERTAINTY_MAYBE_DONE", None),
        f"audit {last['id']}: {last['command']} {last['certainty']}",
    )
    _, table, _ = fleet.ctl("audit", "list", "--location", location.name)
    report.check("ctl audit list says it in words", "maybe done" in table)
    wait_for(f"{simulator.name} to be read again", is_online, 60, 0.5, watched)


def main():
    options = arguments()
    install_handlers()
    chance = random.Random(options.seed)
    report = Report()
    print(f"seed {options.seed}: {options.punches} punches of {options.devices} terminals, "
          f"{options.kills} kills of each process", flush=True)  # fmt: skip
    fleet = build_fleet(options)
    location, gateway = fleet.locations[0], fleet.gateway
    copy = fleet.file("older-copy")

    def copy_store():
        if not os.path.exists(copy):
            os.mkdir(copy)
            for path in location.store_files():
                shutil.copy2(path, copy)
            print(f"      copied the store, with {location.count()} punches", flush=True)

    start = time.monotonic()
    fleet.start()
    fleet.make_key()
    subjects = kill_while_growing(options, fleet, chance, options.punches, copy_store)
    for name, subject in subjects.items():
        report.check(
            f"{name} died at least {options.kills} times while its count grew",
            subject.counted >= options.kills,
            f"{subject.counted} counted, {subject.uncounted} not",
        )
    for simulator in fleet.simulators:
        wait_for(f"the last punch of {simulator.name}", lambda s=simulator: s.is_done, 600, 0.5,
                 [simulator.program])  # fmt: skip
    check_sets(report, fleet, "after the kills")
    report.note(f"ingested within {time.monotonic() - start:.0f} s")

    change_store(report, fleet, chance, "after the store was deleted", delete_store)

    if not os.path.isdir(copy):
        raise Failure("no copy was taken while counts grew: raise --kills")
    marker = [name for name in os.listdir(copy) if name.endswith("-marker")]
    # A backup of everything beside the database, as when a whole machine is set back.
    change_store(report, fleet, chance, "after an older copy of the whole store was put back",
                 lambda location: replace_store(location, copy))  # fmt: skip
    for name in marker:
        os.remove(os.path.join(copy, name))

    def replace_database(location):
        kept = [path for path in location.store_files() if path.endswith("-marker")]
        contents = {path: open(path, "rb").read() for path in kept}
        replace_store(location, copy)
        for path, content in contents.items():
            with open(path, "wb") as file:
                file.write(content)

    change_store(report, fleet, chance, "after an older copy of the database was put back",
                 replace_database)  # fmt: skip
    state, _, _ = gateway.source(location.name)
    report.check("no conflict is left", state["state"] == "LINK_STATE_LINKED", state["state"])
    kill_inside_command(report, fleet)
    report.end()


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        print(f"FAIL  {failure}", file=sys.stderr)
        sys.exit(1)
