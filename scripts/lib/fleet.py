"""A whole installation on this machine: simulators, locations, a gateway, ctl and curl."""

import hashlib
import json
import os
import socket
import sqlite3
import subprocess
import urllib.parse

from process import Failure, Program, wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def free_port():
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def digest(punches):
    """The SHA-256 of the sorted set, a punch a line."""
    lines = sorted("\t".join(map(str, punch)) for punch in punches)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def write_private(path, text):
    """Writes a file that only its owner may read."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def make_certificates(folder, *identities, environment=None):
    """certs/make-certs, which keeps what exists."""
    command = [f"{ROOT}/certs/make-certs", folder, *identities]
    result = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **(environment or {})}
    )
    if result.returncode != 0:
        raise Failure(f"certs/make-certs: {result.stderr}")


class Simulator:
    """A simulated terminal; remembers what people punched over its own restarts."""

    def __init__(self, fleet, name, options, key=None):
        self.name = name
        self.key = key
        self.serial = None
        self.address = None
        self.is_done = False
        self._fleet = fleet
        self._options = options
        self._answers = []
        self._dumps = 0
        self.program = None

    def start(self):
        self._answers.clear()
        command = [self._fleet.binary("zk-simulator"), "--listen", self.address or "127.0.0.1:0"]
        command += ["--name", self.name, *self._options]
        if self.key is not None:
            command += ["--comm-key-file", self.key_file]
            write_private(self.key_file, f"{self.key}\n")
        log = self._fleet.file(f"{self.name}.log")
        self.program = Program(self.name, command, log, on_line=self._hear)
        wait_for(f"{self.name} to listen", lambda: self.serial, watch=[self.program])

    @property
    def key_file(self):
        return self._fleet.file(f"{self.name}.commkey")

    def _hear(self, line):
        word, _, rest = line.partition(" ")
        if word == "READY":
            self.address = rest
        elif word == "SERIAL":
            self.serial = rest
        elif word == "DONE":
            self.is_done = True
        else:
            self._answers.append(line)

    def ask(self, line):
        """Sends a line to the simulator's console and returns the answer's line."""
        before = len(self._answers)
        self.program.send(line)
        wait_for(
            f"{self.name} to answer `{line}`",
            lambda: len(self._answers) > before,
            every=0.01,
            watch=[self.program],
        )
        return self._answers[before]

    def count(self):
        return int(self.ask("count").split()[1])

    def punch(self, user, state):
        """Whether the terminal took it: not twice the same in a second."""
        return self.ask(f"punch {user} {state}").startswith("PUNCHED")

    def punches(self):
        """The truth: (device, user, local time, state) of each record, in the log's order."""
        self._dumps += 1
        path = self._fleet.file(f"{self.name}.{self._dumps}.dump")
        answer = self.ask(f"dump {path}")
        if not answer.startswith("DUMPED"):
            raise Failure(f"{self.name}: {answer}")
        with open(path) as file:
            rows = [line.rstrip("\n").split("\t") for line in file]
        os.remove(path)
        return [(self.serial, row[0], row[1], int(row[2])) for row in rows]


class Service:
    """A location or a gateway: starts with its configuration, dies, starts again."""

    def __init__(self, fleet, product, name):
        self.name = name
        self._fleet = fleet
        self._product = product
        self.config = fleet.file(f"{name}.json5")
        self.log = fleet.file(f"{name}.log")
        self.store = fleet.file(f"{name}.db")
        self.program = None

    def start(self):
        command = [self._fleet.binary(self._product), "--config", self.config]
        self.program = Program(self.name, command, self.log)

    def logged(self, offset=0):
        with open(self.log, errors="replace") as file:
            file.seek(offset)
            return file.read()

    def query(self, sql):
        """Rows of the store, read beside the running service."""
        connection = sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def store_files(self):
        """The database and what belongs to it, as far as it is there."""
        paths = [self.store + suffix for suffix in ("", "-wal", "-shm", "-marker")]
        return [path for path in paths if os.path.exists(path)]


class Location(Service):
    SET = "SELECT device, user, local_time, coalesce(amended_state, state) FROM punch"

    def __init__(self, fleet, name, zone, simulators, poll_seconds):
        super().__init__(fleet, "LocationService", name)
        self.zone = zone
        self.simulators = simulators
        self.poll_seconds = poll_seconds

    def configure(self):
        devices = []
        for simulator in self.simulators:
            device = {
                "name": simulator.name,
                "address": simulator.address,
                "pollSeconds": self.poll_seconds,
            }
            if simulator.key is not None:
                device["commKeyFile"] = simulator.key_file
            devices.append(device)
        certificates = self._fleet.file("certs")
        configuration = {
            "zone": self.zone,
            "store": self.store,
            "tls": {
                "certificate": f"{certificates}/location-{self.name}.pem",
                "key": f"{certificates}/location-{self.name}.key",
                "ca": f"{certificates}/ca.pem",
            },
            "gateways": [{"address": self._fleet.gateway.mesh}],
            "devices": devices,
        }
        with open(self.config, "w") as file:
            json.dump(configuration, file, indent=2)

    def count(self):
        try:
            return self.query("SELECT count(*) FROM punch")[0][0]
        except sqlite3.OperationalError:
            return 0  # The store is not made yet.

    def punches(self):
        return self.query(self.SET)

    def punches_by_sqlite3(self):
        """The same through the sqlite3 program: a reader that is not ours."""
        result = subprocess.run(
            ["sqlite3", "-readonly", "-tabs", self.store, self.SET + ";"],
            capture_output=True,
            text=True,
        )
        if result.returncode != 0:
            raise Failure(f"sqlite3 on {self.store}: {result.stderr}")
        rows = [line.split("\t") for line in result.stdout.splitlines()]
        return [(row[0], row[1], row[2], int(row[3])) for row in rows]

    def log_state(self):
        """The log's id in hexadecimal, and its last sequence."""
        rows = self.query("SELECT lower(hex(log_id)), (SELECT max(sequence) FROM log) FROM identity")
        return rows[0][0], rows[0][1] or 0


class Gateway(Service):
    def __init__(self, fleet, with_tls=False):
        super().__init__(fleet, "GatewayService", "gateway")
        self.mesh = f"127.0.0.1:{free_port()}"
        self.http = f"127.0.0.1:{free_port()}"
        self.with_tls = with_tls
        self.token = None

    @property
    def url(self):
        return f"{'https' if self.with_tls else 'http'}://{self.http}"

    def configure(self):
        certificates = self._fleet.file("certs")
        configuration = {
            "mesh": {"listen": self.mesh},
            "tls": {
                "certificate": f"{certificates}/gateway-main.pem",
                "key": f"{certificates}/gateway-main.key",
                "ca": f"{certificates}/ca.pem",
            },
            "http": {"listen": self.http},
            "store": self.store,
        }
        if self.with_tls:
            configuration["http"]["tls"] = {
                "certificate": f"{certificates}/edge.pem",
                "key": f"{certificates}/edge.key",
            }
        with open(self.config, "w") as file:
            json.dump(configuration, file, indent=2)

    def wait_until_up(self):
        wait_for(
            "the gateway's edge",
            lambda: self.curl("/healthz", token=None)[0] == 200,
            watch=[self.program],
        )

    def curl(self, path, token="", options=()):
        """Status, answer (JSON decoded) and headers of a request made with curl."""
        command = ["curl", "--silent", "--show-error", "--max-time", "60", "--include", *options]
        if self.with_tls:
            command += ["--cacert", self._fleet.file("certs/ca.pem")]
        config = None
        token = self.token if token == "" else token
        if token is not None:
            # Not on the command line, where everybody sees it.
            command += ["--config", "-"]
            config = f'header = "Authorization: Bearer {token}"\n'
        result = subprocess.run(
            [*command, self.url + path], input=config, capture_output=True, text=True
        )
        if result.returncode != 0:
            return 0, {"detail": result.stderr.strip()}, {}
        # Python has made line feeds of all line ends.
        head, _, body = result.stdout.partition("\n\n")
        lines = head.split("\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        try:
            document = json.loads(body)
        except json.JSONDecodeError:
            document = {"detail": body}
        return int(lines[0].split()[1]), document, headers

    def get(self, path):
        status, document, _ = self.curl(path)
        if status != 200:
            raise Failure(f"GET {path}: {status} {document.get('detail')}")
        return document

    def pages(self, location=None, limit=1000):
        """Every punch, page by page, and the last page's answer."""
        query = {"limit": limit}
        if location:
            query["location"] = location
        rows = []
        while True:
            page = self.get("/v1/punches?" + urllib.parse.urlencode(query))
            rows += page["data"]
            if len(page["data"]) < limit:
                return rows, page
            query["cursor"] = page["next_cursor"]

    def count(self):
        try:
            return self.query("SELECT count(*) FROM punch")[0][0]
        except sqlite3.OperationalError:
            return 0  # The store is not made yet.

    def source(self, location):
        """What `/v1/locations` says of one location, and its entry in `sources`."""
        answer = self.get("/v1/locations")
        data = {row["name"]: row for row in answer["data"]}
        sources = {row["location"]: row for row in answer["sources"]}
        return data.get(location), sources.get(location), answer["complete"]


class Fleet:
    """The whole installation, in one folder."""

    def __init__(self, folder, binaries, with_tls=False):
        self.folder = os.path.abspath(folder)
        self.binaries = binaries
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        self.locations = []
        self.gateway = Gateway(self, with_tls)

    def file(self, name):
        return os.path.join(self.folder, name)

    def binary(self, product):
        path = os.path.join(self.binaries, product)
        if not os.access(path, os.X_OK):
            raise Failure(f"{path} is missing: build it first")
        return path

    def add_location(self, name, zone, devices, poll_seconds=2):
        """`devices` are (name, simulator options, comm key or None)."""
        simulators = [
            Simulator(self, device, ["--zone", zone, *options], key)
            for device, options, key in devices
        ]
        self.locations.append(Location(self, name, zone, simulators, poll_seconds))

    @property
    def simulators(self):
        return [simulator for location in self.locations for simulator in location.simulators]

    def make_certificates(self):
        identities = [f"location/{location.name}" for location in self.locations]
        make_certificates(self.file("certs"), "gateway/main", "ctl/demo", "edge", *identities)

    def start(self):
        """Certificates, then simulators, gateway and locations."""
        self.make_certificates()
        for simulator in self.simulators:
            simulator.start()
        self.gateway.configure()
        self.gateway.start()
        self.gateway.wait_until_up()
        for location in self.locations:
            location.configure()
            location.start()

    def ctl_command(self, identity="ctl-demo"):
        certificates = self.file("certs")
        return [
            self.binary("ctl"),
            "--gateway", self.gateway.mesh,
            "--ca", f"{certificates}/ca.pem",
            "--cert", f"{certificates}/{identity}.pem",
            "--key", f"{certificates}/{identity}.key",
        ]  # fmt: skip

    def ctl(self, *arguments, identity="ctl-demo"):
        """Exit status, standard output and standard error of a ctl command."""
        result = subprocess.run(
            [*self.ctl_command(identity), *arguments], capture_output=True, text=True, timeout=300
        )
        return result.returncode, result.stdout, result.stderr

    def make_key(self):
        status, output, errors = self.ctl("key", "create", "demo", "-o", "json")
        if status != 0:
            raise Failure(f"ctl key create: exit {status}: {errors}")
        self.gateway.token = json.loads(output)["data"]["token"]
