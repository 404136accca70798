"""scripts/soak, once everything is built."""

import argparse
import collections
import datetime
import heapq
import json
import os
import random
import socket
import statistics
import sys
import time

from cutter import Cutter
from demo import MARKER, empty
from fleet import ROOT, Fleet, Location, digest
from process import Failure, Program, install_handlers, wait_for

ZONE = "Africa/Cairo"
PHASES = ("connect", "users", "log", "live", "idle")
# Each kind of fault with what its amount may be; None for a kind without one.
FAULTS = {
    "cut": lambda chance: chance.randint(0, 6000),
    "silence": None,
    "reset": None,
    "garbage": lambda chance: chance.randint(1, 3000),
    "slow": lambda chance: chance.choice([chance.randint(5, 500), chance.randint(1000, 12000)]),
    "count": lambda chance: chance.choice([-1, 1]) * chance.randint(1, 40),
    "race": lambda chance: chance.randint(1, 5),
    "short": lambda chance: chance.randint(1, 40),
    "clip": lambda chance: chance.randint(1, 3000),
    "twice": lambda chance: chance.randint(1, 40),
    "lose": lambda chance: chance.randint(1, 50),
    "repeat": lambda chance: chance.randint(1, 50),
    "reorder": lambda chance: chance.randint(1, 50),
    "clock": lambda chance: chance.choice([-1, 1]) * chance.randint(1, 7200),
    "drift": lambda chance: chance.choice([-1, 1]) * chance.randint(1, 50000),
    "full": None,
    "deaf": None,
    "key": None,
    "steal": None,
    "refuse": None,
}
# How long a fault stays, in seconds.
STAY = (3, 60)
DATAGRAM_FAULTS = ("lose", "repeat", "reorder")
SPARE_DESCRIPTORS = 4
GROWTH = 1.1


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/soak")
    parser.add_argument("--binaries", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--hours", type=float, default=0.25)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--dir", default=os.path.join(ROOT, ".build", "soak"))
    return parser.parse_args()


def say(text):
    print(text, file=sys.stderr, flush=True)


class Terminal:
    """One device of the fleet, as a location's configuration names it."""

    def __init__(self, number, address, serial):
        self.number = number
        self.name = f"terminal-{number:03}"
        self.address = address
        self.serial = serial
        self.key = None
        self.transport = "udp" if number % 4 == 3 else "tcp"


class Simulator:
    """All terminals, in one process."""

    def __init__(self, fleet, options):
        self.name = "simulator"
        self.devices = []
        self._is_ready = False
        self._answers = collections.deque()
        self._fleet = fleet
        listen = f"127.2.{1 + options.seed % 200}.1"
        command = [
            fleet.binary("zk-simulator"), "--fleet", options.devices,
            "--listen", f"{listen}:{free_port_at(listen)}",
            "--derived", 500, "--users", 50, "--zone", ZONE, "--last-day", "yesterday",
            "--live-rate", options.rate, "--seed", options.seed,
        ]  # fmt: skip
        log = fleet.file("simulator.log")
        self.program = Program("simulator", command, log, on_line=self._hear)
        wait_for("the simulator to listen", lambda: self._is_ready, watch=[self.program])
        self._answers.clear()

    def _hear(self, line):
        words = line.split(" ")
        if words[0] == "DEVICE":
            self.devices.append(Terminal(len(self.devices), words[1], words[2]))
        elif words[0] == "READY":
            self._is_ready = True
        else:
            self._answers.append(line)

    def ask(self, line, seconds=60):
        self.program.send(line)
        wait_for(
            f"the simulator to answer `{line}`",
            lambda: self._answers,
            seconds,
            every=0.002,
            watch=[self.program],
        )
        answer = self._answers.popleft()
        if answer.startswith("ERROR"):
            raise Failure(f"the simulator answers `{line}` with {answer}")
        return answer

    def count(self):
        return int(self.ask("count").split()[1])

    def strikes(self):
        return int(self.ask("status").rsplit("=", 1)[1])

    def punches(self):
        """The truth: (serial, user, local time, state) of each record."""
        path = self._fleet.file("simulator.dump")
        self.ask(f"dump {path}", 300)
        with open(path) as file:
            rows = [line.rstrip("\n").split("\t") for line in file]
        return [(row[0], row[1], row[2], int(row[3])) for row in rows]


def free_port_at(host):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


class SoakedLocation(Location):
    """A location whose link goes through a proxy."""

    def __init__(self, fleet, name, devices, poll_seconds):
        super().__init__(fleet, name, ZONE, devices, poll_seconds)
        self.link = Cutter(fleet.gateway.mesh)

    def configure(self):
        super().configure()
        with open(self.config) as file:
            configuration = json.load(file)
        configuration["gateways"] = [{"address": self.link.address}]
        for device, terminal in zip(configuration["devices"], self.simulators):
            device["transport"] = terminal.transport
        with open(self.config, "w") as file:
            json.dump(configuration, file, indent=2)


# MARK: What is measured


class Samples:
    """Descriptors and resident memory of the processes over the time of the run."""

    def __init__(self, subjects, seconds):
        # What has a `program` that may be another one each time.
        self._subjects = subjects
        self._seconds = seconds
        self._taken = collections.defaultdict(list)

    @staticmethod
    def of(program):
        """Descriptors, and resident memory in MiB; None when it is gone."""
        folder = f"/proc/{program.process.pid}"
        try:
            count = len(os.listdir(folder + "/fd"))
            with open(folder + "/status") as file:
                memory = next(line for line in file if line.startswith("VmRSS:"))
        except (OSError, StopIteration):
            return None
        return count, int(memory.split()[1]) / 1024

    def take(self, at):
        for subject in self._subjects:
            if sample := self.of(subject.program):
                quarter = min(3, int(4 * at / self._seconds))
                self._taken[subject.name].append((quarter, subject.program.process.pid, *sample))

    def last(self, name):
        return self._taken[name][-1][2:] if self._taken[name] else (0, 0)

    def quarters(self, name, column):
        """The medians of the four quarters; 0 for one without samples."""
        parts = [[], [], [], []]
        for quarter, _, *values in self._taken[name]:
            parts[quarter].append(values[column])
        return [round(statistics.median(part), 1) if part else 0 for part in parts]

    def peak(self, name, column):
        return round(max((values[column] for _, _, *values in self._taken[name]), default=0), 1)

    def lives(self, name, first_quarter):
        return len({pid for quarter, pid, *_ in self._taken[name] if quarter >= first_quarter})


# MARK: What goes wrong


class Trouble:
    """The schedule of faults, cuts and kills, all of which follow from the seed."""

    def __init__(self, options, simulator, north, south, gateway):
        self.seconds = options.hours * 3600
        self._simulator = simulator
        self._north = north
        self._gateway = gateway
        self._locations = [north, south]
        self._chances = {
            name: random.Random(f"{options.seed} {name}") for name in ("faults", "cuts", "kills")
        }
        self._queue = []
        self._ordinal = 0
        # The clock's steps that are to be undone, by the device.
        self._ailing = {}
        self.faults = collections.Counter()
        self.cuts = collections.Counter()
        self.kills = collections.Counter()
        self._spell_every = 2 * 200 / len(simulator.devices)
        self._kill_every = min(300, self.seconds / 6)
        kills = self._chances["kills"]
        for _ in range(max(1, round(self.seconds / 4 / 300))):
            self._at(kills.uniform(0.03, 0.22) * self.seconds, self._kill_gateway)
        self._at(self._next_kill(), self._kill_north)
        self._at(0, self._begin_spell)
        for location in self._locations:
            self._at(self._next_cut(), self._cut, location)

    def _at(self, when, action, *words):
        self._ordinal += 1
        if when < self.seconds or action == self._end_spell:
            heapq.heappush(self._queue, (when, self._ordinal, action, words))

    def run_due(self, now):
        """Does what is due; returns when the next thing is."""
        while self._queue and self._queue[0][0] <= now:
            when, _, action, words = heapq.heappop(self._queue)
            action(when, *words)
        return self._queue[0][0] if self._queue else now + 1

    def end(self):
        """Ends every fault and lets everything through."""
        for number in list(self._ailing):
            self._cure(number)
        self._queue = []
        self._simulator.ask("clear")
        for location in self._locations:
            location.link.heal()

    def _begin_spell(self, when):
        chance = self._chances["faults"]
        self._at(when + chance.expovariate(1 / self._spell_every), self._begin_spell)
        number = chance.randrange(len(self._simulator.devices))
        texts = [self._draw(chance, number) for _ in range(chance.choice([1, 1, 1, 2]))]
        stay = chance.uniform(STAY[0], min(STAY[1], self.seconds / 5))
        if number in self._ailing:
            return
        self._ailing[number] = 0
        for text in texts:
            kind = text.split("=")[0].split("@")[0].split("+")[0].split("x")[0]
            self.faults[kind] += 1
            if kind == "clock":
                self._ailing[number] += int(text.split("=")[1].split("@")[0])
            self._simulator.ask(f"@{number} fault {text}")
        self._at(when + stay, self._end_spell, number)

    def _draw(self, chance, number):
        is_datagram = self._simulator.devices[number].transport == "udp"
        kind = chance.choice([
            kind for kind in FAULTS if is_datagram or kind not in DATAGRAM_FAULTS
        ])  # fmt: skip
        text = kind
        if FAULTS[kind]:
            text += f"={FAULTS[kind](chance)}"
        # Those without a chance to strike change the terminal at once.
        if kind in ("clock", "drift", "full", "key", "short", "twice"):
            return text
        phase = chance.choice(["", *PHASES])
        text += f"@{phase}" if phase else ""
        text += chance.choice(["", "", "", f"+{chance.randint(1, 8)}"])
        text += chance.choice(["", "", f"x{chance.randint(1, 6)}"])
        return text

    def _end_spell(self, _, number):
        if number in self._ailing:
            self._cure(number)

    def _cure(self, number):
        steps = self._ailing.pop(number)
        if steps:
            self._simulator.ask(f"@{number} fault clock={-steps}")
        self._simulator.ask(f"@{number} fault drift=0")
        self._simulator.ask(f"@{number} clear")

    def _next_cut(self):
        return self._chances["cuts"].expovariate(1 / min(40, self.seconds / 10))

    def _cut(self, when, location):
        chance = self._chances["cuts"]
        kind = chance.choice(Cutter.KINDS)
        amount = chance.randint(1, 20000) if kind == "within" else chance.uniform(1, 20)
        location.link.cut(kind, amount)
        self.cuts[kind] += 1
        self._at(when + amount + self._next_cut() if kind in ("stall", "outage")
                 else when + self._next_cut(), self._cut, location)  # fmt: skip

    def _next_kill(self):
        return self._chances["kills"].uniform(0.4, 1) * self._kill_every

    def _kill_north(self, when):
        self._at(when + self._next_kill(), self._kill_north)
        self.kill(self._north)

    def _kill_gateway(self, _):
        self.kill(self._gateway)

    def kill(self, service):
        """kill -9, and at once begun again."""
        service.program.kill()
        service.start()
        self.kills[service.name] += 1


# MARK: The run


class Soak:
    def __init__(self, options):
        self.options = options
        self.wrong = []
        empty(options.dir)
        self.fleet = Fleet(options.dir, options.binaries)
        open(self.fleet.file(MARKER), "w").close()
        self.gateway = self.fleet.gateway
        self.simulator = Simulator(self.fleet, options)
        half = len(self.simulator.devices) // 2
        self.north = SoakedLocation(self.fleet, "north", self.simulator.devices[:half], 5)
        self.south = SoakedLocation(self.fleet, "south", self.simulator.devices[half:], 5)
        self.fleet.locations = [self.north, self.south]
        self.subjects = [self.north, self.south, self.gateway, self.simulator]
        self.samples = Samples(self.subjects, options.hours * 3600)

    @property
    def programs(self):
        return [subject.program for subject in self.subjects]

    def start(self):
        """As `Fleet.start`, with terminals that are there already."""
        self.fleet.make_certificates()
        self.gateway.configure()
        self.gateway.start()
        self.gateway.wait_until_up()
        self.fleet.make_key()
        for location in self.fleet.locations:
            location.configure()
            location.start()

    def check(self, what, is_right, figures):
        say(f"{'PASS' if is_right else 'FAIL'}  {what}: {figures}")
        if not is_right:
            self.wrong.append(what)

    def unproved(self, since):
        """What is known of each terminal not proved complete up to `since`, as the gateway tells."""
        try:
            rows = self.gateway.get("/v1/devices")["data"]
        except Failure as failure:
            return [str(failure)]
        rows = {row["serial"]: row for row in rows}
        left = []
        for device in self.simulator.devices:
            row = rows.get(device.serial, {})
            through = row.get("complete_through")
            if (
                row.get("state") != "DEVICE_STATE_ONLINE"
                or row.get("proof") != "PROOF_STATE_PROVED"
                or not through
                or datetime.datetime.fromisoformat(through) < since
            ):
                names = ("state", "proof", "complete_through", "cause")
                left.append(f"{device.name} {[row.get(name) for name in names]}")
        return left

    def wait_until_proved(self, seconds):
        """Every terminal read whole after now, and both logs followed to their ends."""
        since = datetime.datetime.now(datetime.timezone.utc)
        start = time.monotonic()
        left = []

        def is_proved():
            left[:] = self.unproved(since)
            return not left

        try:
            wait_for("all terminals", is_proved, seconds, 0.5, self.programs)
        except Failure as failure:
            lines = [f"{len(left)} terminals are not proved complete", *left[:5], str(failure)]
            raise Failure("\n".join(lines)) from None
        wait_for("the gateway to have both logs", self.is_followed, seconds, 0.5, self.programs)
        return time.monotonic() - start

    def is_followed(self):
        answer = self.gateway.get("/v1/locations")
        last = {row["name"]: int(row["last_sequence"]) for row in answer["data"]}
        return answer["complete"] and all(
            last.get(location.name, 0) >= location.log_state()[1]
            for location in self.fleet.locations
        )

    def soak(self):
        trouble = Trouble(self.options, self.simulator, self.north, self.south, self.gateway)
        seconds = trouble.seconds
        sample_every = min(10, seconds / 60)
        start = time.monotonic()
        sample_at, tell_at = 0, 60
        while (now := time.monotonic() - start) < seconds:
            due = trouble.run_due(now)
            if now >= sample_at:
                self.samples.take(now)
                sample_at = now + sample_every
            if now >= tell_at:
                self.tell(trouble, now)
                tell_at += 60
            for program in self.programs:
                if not program.is_running:
                    raise Failure(
                        f"{program.name} ended by itself with {program.process.returncode}:\n"
                        f"{program.last_lines()}"
                    )
            rest = min(due, sample_at, seconds) - (time.monotonic() - start)
            time.sleep(max(0.005, min(rest, 0.5)))
        # Once more, with whatever is under way.
        trouble.kill(self.north)
        self.simulator.ask("rate 0")
        trouble.end()
        # Longer than the rate is looked at again.
        time.sleep(1)
        return trouble

    def tell(self, trouble, now):
        figures = ", ".join(
            "{} {}/{:.0f} MiB".format(subject.name, *self.samples.last(subject.name))
            for subject in self.subjects
        )
        held = self.north.count() + self.south.count()
        say(
            f"{now / 60:4.0f} min: {trouble.kills.total()} kills, {trouble.cuts.total()} cuts, "
            f"{trouble.faults.total()} faults ({self.simulator.strikes()} strikes); punches "
            f"{self.simulator.count()}, {held}, {self.gateway.count()}; descriptors: {figures}"
        )

    def compare(self):
        """The sets at the end; returns the figures."""
        truth = self.simulator.punches()
        held = {
            "locations": self.north.punches() + self.south.punches(),
            "gateway": self.gateway.query("SELECT device, user, local_time, state FROM punch"),
        }
        figures = {
            "simulator": len(truth),
            # The same person, second and state twice, because a clock went back: one punch.
            "same_at_terminal": len(truth) - len(set(truth)),
            "sha256": digest(set(truth)),
        }
        for name, punches in held.items():
            missing, foreign = set(truth) - set(punches), set(punches) - set(truth)
            twice = len(punches) - len(set(punches))
            figures[name] = len(punches)
            self.check(
                f"what the terminals recorded is what the {name} "
                + ("holds" if name == "gateway" else "hold"),
                digest(punches) == figures["sha256"],
                f"{len(punches)} of {len(set(truth))}; missing {len(missing)}, "
                f"foreign {len(foreign)}, twice {twice}",
            )
            for title, rows in (("missing", missing), ("foreign", foreign)):
                if rows:
                    say(f"      {title}: {sorted(rows)[:5]}")
        return figures

    def judge(self, before, after):
        """Memory and descriptors; returns the figures."""
        descriptors, memory = {}, {}
        for subject in self.subjects:
            name = subject.name
            counts = self.samples.quarters(name, 0)
            sizes = self.samples.quarters(name, 1)
            descriptors[name] = {
                "before": before[name], "quarters": counts, "after": after[name],
                "peak": self.samples.peak(name, 0),
            }  # fmt: skip
            memory[name] = {"quarters": sizes, "peak": self.samples.peak(name, 1)}
            self.check(
                f"descriptors of {name} are flat",
                counts[3] <= counts[1] * GROWTH + SPARE_DESCRIPTORS
                and after[name] <= before[name] + SPARE_DESCRIPTORS,
                f"{before[name]} before, {counts} in the quarters, {after[name]} after",
            )
            if name in ("south", "gateway"):
                self.check(
                    f"memory of {name} is flat",
                    sizes[3] <= sizes[1] * GROWTH and self.samples.lives(name, 1) == 1,
                    f"{sizes} MiB in the quarters, "
                    f"{self.samples.lives(name, 1)} life since the second",
                )
        return descriptors, memory

    def settled_descriptors(self):
        """Descriptors when nothing is going on: the fewest of a few looks."""
        looks = []
        for _ in range(10):
            looks.append({s.name: Samples.of(s.program)[0] for s in self.subjects})
            time.sleep(0.5)
        return {name: min(look[name] for look in looks) for name in looks[0]}

    def exceptions(self):
        """How often something went against the rules, as the locations have noted it."""
        return sum(
            location.query("SELECT coalesce(sum(times), 0) FROM exception")[0][0]
            for location in self.fleet.locations
        )

    def run(self):
        options = self.options
        say(f"seed {options.seed}: {options.hours} hours, {len(self.simulator.devices)} terminals")
        self.start()
        say(f"everything is complete after {self.wait_until_proved(300):.0f} s")
        before = self.settled_descriptors()
        at_start = self.simulator.count()
        trouble = self.soak()
        settled = self.wait_until_proved(300)
        after = self.settled_descriptors()
        sets = self.compare()
        descriptors, memory = self.judge(before, after)
        strikes = self.simulator.strikes()
        for kind in FAULTS:
            if not trouble.faults[kind]:
                say(f"      no {kind} in this run")
        programs = self.programs
        statuses = {program.name: program.stop() for program in programs}
        self.check(
            "every program ends by itself on SIGTERM", set(statuses.values()) == {0}, str(statuses)
        )
        print(json.dumps({
            "ok": not self.wrong, "wrong": self.wrong, "seed": options.seed,
            "hours": options.hours, "devices": len(self.simulator.devices),
            "kills": dict(trouble.kills), "cuts": dict(trouble.cuts),
            "connections_cut": self.north.link.connections_cut + self.south.link.connections_cut,
            "faults": dict(sorted(trouble.faults.items())), "strikes": strikes,
            "exceptions": self.exceptions(), "punches": sets["simulator"] - at_start,
            "sets": sets, "settled_seconds": round(settled, 1),
            "descriptors": descriptors, "rss_mib": memory,
        }), flush=True)  # fmt: skip
        return not self.wrong


def main():
    options = arguments()
    install_handlers()
    try:
        if options.hours <= 0 or options.devices < 2:
            raise Failure("--hours must be more than 0, --devices at least 2")
        is_right = Soak(options).run()
    except Failure as failure:
        say(f"FAIL  {failure}")
        print(json.dumps({"ok": False, "wrong": [str(failure)], "seed": options.seed}), flush=True)
        is_right = False
    sys.exit(0 if is_right else 1)


if __name__ == "__main__":
    main()
