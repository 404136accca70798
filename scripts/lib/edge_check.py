"""scripts/edge-check, once everything is built."""

import argparse
import json
import os
import re
import subprocess
import sys
import threading

from demo import empty
from fleet import ROOT, Fleet
from openapi_spec_validator import OpenAPIV31SpecValidator
from process import Failure, install_handlers, wait_for
from report import Report

MARKER = ".made-by-scripts-demo"

# What schemathesis is told: a request line that is too long is refused as such, and a cursor or
# the name of a location can have the right form and be none.
SETTINGS = """
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 414, 431]

[checks.positive_data_acceptance]
enabled = false
"""


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/edge-check")
    parser.add_argument("--binaries", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dir", default=os.path.join(ROOT, ".build", "edge-check"))
    return parser.parse_args()


def build_fleet(options):
    empty(options.dir)
    fleet = Fleet(options.dir, options.binaries)
    open(fleet.file(MARKER), "w").close()
    people = ["--users", "12", "--days", "5", "--last-day", "yesterday"]
    fleet.add_location("cairo", "Africa/Cairo", [("cairo-gate", people, None)])
    return fleet


# MARK: The document


def check_document(report, fleet):
    """The edge's OpenAPI document; where it is kept for schemathesis."""
    document = fleet.gateway.get("/v1/openapi.json")
    mistakes = [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]
    report.check("openapi-spec-validator finds nothing in /v1/openapi.json", not mistakes,
                 "; ".join(mistakes[:3]) or f"{len(document['paths'])} paths")  # fmt: skip
    path = fleet.file("openapi.json")
    with open(path, "w") as file:
        json.dump(document, file)
    return path, document["paths"]


def schemathesis(report, fleet, options, document, what, path_options, examples):
    settings = fleet.file("schemathesis.toml")
    with open(settings, "w") as file:
        file.write(SETTINGS)
    # The key is in the environment of the process, not on the command line.
    command = [os.path.join(os.path.dirname(sys.executable), "schemathesis"),
               "--config-file", settings, "run", document, "--url", fleet.gateway.url,
               "--header", f"Authorization: Bearer {fleet.gateway.token}", "--no-color",
               "--seed", str(options.seed), "--max-examples", str(examples),
               "--output-sanitize", "true", *path_options]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, cwd=options.dir, timeout=900)
    log = fleet.file(f"schemathesis-{what.strip('/').replace('/', '-')}.log")
    with open(log, "w") as file:
        file.write(result.stdout + result.stderr)
    count = re.search(r"(\d+) generated", result.stdout)
    found = re.findall(r"^- (ST\d+ .*)$", result.stdout, re.MULTILINE)
    report.check(f"schemathesis finds nothing wrong with {what}",
                 result.returncode == 0 and count is not None,
                 f"{count.group(1) if count else 'no'} requests" if result.returncode == 0
                 else f"{', '.join(sorted(set(found))) or 'failed'}, see {log}")  # fmt: skip


# MARK: Events


class Events:
    """`curl` on the stream of events: what has come, and it can be cut off."""

    def __init__(self, fleet, last=None):
        command = ["curl", "--silent", "--no-buffer", "--config", "-"]
        if last:
            command += ["--header", f"Last-Event-ID: {last}"]
        self.process = subprocess.Popen(
            [*command, fleet.gateway.url + "/v1/live"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)  # fmt: skip
        self.process.stdin.write(f'header = "Authorization: Bearer {fleet.gateway.token}"\n')
        self.process.stdin.close()
        self.punches = []
        self.last = last
        self.pages = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        identifier = None
        for line in self.process.stdout:
            name, _, value = line.rstrip("\n").partition(": ")
            if name == "id":
                identifier = value
            elif name == "data":
                # Not there in the event of an error.
                self.punches += [row["sequence"] for row in json.loads(value).get("data", [])]
                self.last = identifier
                self.pages += 1

    def cut(self):
        self.process.kill()
        self.process.wait()


def check_events(report, fleet):
    simulator = fleet.locations[0].simulators[0]
    users = sorted({row[1] for row in simulator.punches()})
    before = int(fleet.gateway.pages()[0][-1]["sequence"])

    def punch(count):
        for _ in range(count):
            # Nobody punches twice in a second.
            if not simulator.punch(users.pop(), 4):
                raise Failure("the simulator did not take a punch")

    first = Events(fleet)
    wait_for("the stream of events to begin", lambda: first.pages > 0, 30, 0.05)
    punch(3)
    wait_for("three punches as events", lambda: len(first.punches) >= 3, 60, 0.05)
    first.cut()
    # While nobody listens.
    punch(3)
    wait_for("the punches at the gateway", lambda: fleet.gateway.count() >= before + 6, 60, 0.1)
    second = Events(fleet, first.last)
    wait_for("what came meanwhile", lambda: len(second.punches) >= 3, 60, 0.05)
    punch(2)
    wait_for("two more", lambda: len(second.punches) >= 5, 60, 0.05)
    second.cut()
    seen = first.punches + second.punches
    stored = [row["sequence"] for row in fleet.gateway.pages()[0] if int(row["sequence"]) > before]
    report.check("events that were cut off go on behind the last one: none lost, none twice",
                 seen == stored and len(seen) == 8, f"{len(seen)} of {len(stored)}")  # fmt: skip


def check_crowd(report, fleet):
    """Streams have a limit of their own, so that they do not keep other requests out."""
    streams = [Events(fleet) for _ in range(140)]

    def is_decided():
        return all(stream.pages > 0 or stream.process.poll() is not None for stream in streams)

    wait_for("every stream to begin or be refused", is_decided, 60, 0.2)
    count = sum(stream.pages > 0 for stream in streams)
    report.check("128 streams at most", 100 < count <= 128, f"{count} of {len(streams)}")
    status, document, headers = fleet.gateway.curl("/v1/live", options=["--max-time", "5"])
    report.check("one stream too many is told to come again later",
                 status == 503 and document.get("code") == "too_many_streams"
                 and "retry-after" in headers, f"{status} {document.get('detail')}")  # fmt: skip
    status, _, _ = fleet.gateway.curl("/v1/punches?limit=1")
    report.check("other requests are answered beside 128 streams", status == 200, str(status))
    for stream in streams:
        stream.cut()

    def is_open():
        # One that is taken in stays open, until curl gives it up.
        return fleet.gateway.curl("/v1/live", options=["--max-time", "1"])[0] != 503

    wait_for("room for streams again", is_open, 60, 0.5)
    report.check("streams whose readers are gone make room", True)


# MARK: The tutorial


def blocks(path, language):
    """The texts between the fences of a page."""
    with open(path) as file:
        parts = re.split(r"^```", file.read(), flags=re.MULTILINE)[1::2]
    return [part.split("\n", 1)[1] for part in parts if part.split("\n", 1)[0] == language]


def check_tutorial(report, fleet, options):
    """The example of docs/TUTORIAL.md is what stands there, and does what is said of it."""
    page = os.path.join(ROOT, "docs", "TUTORIAL.md")
    for name, language in (("tide.rpc", ""), ("main.swift", "swift")):
        with open(os.path.join(ROOT, "Examples", "Tide", name)) as file:
            text = file.read()
        report.check(f"docs/TUTORIAL.md has Examples/Tide/{name}", text in blocks(page, language))
        if name == "main.swift":
            lines = [line for line in text.splitlines() if line and not line.startswith("import")]
            report.check("that is 30 lines of Swift", len(lines) <= 30, str(len(lines)))
    folder = os.path.join(options.dir, "tide")
    os.makedirs(folder)
    make = [os.path.join(ROOT, "certs", "make-certs"), "run/certs", "gateway/tide", "ctl/alice"]
    subprocess.run(make, cwd=folder, check=True, capture_output=True)
    program = subprocess.Popen([fleet.binary("tide")], cwd=folder, stdout=subprocess.DEVNULL)
    try:
        use_tutorial(report, fleet, folder, program)
    finally:
        program.kill()


def use_tutorial(report, fleet, folder, program):
    certs = os.path.join(folder, "run", "certs")
    environment = {**os.environ, "CTL_GATEWAY": "127.0.0.1:7550", "CTL_CA": f"{certs}/ca.pem",
                   "CTL_CERT": f"{certs}/ctl-alice.pem", "CTL_KEY": f"{certs}/ctl-alice.key"}  # fmt: skip
    url = "http://127.0.0.1:8550/v1/levels"

    def run(*command):
        result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
        return result.stdout

    wait_for("the tutorial's service", lambda: run("curl", "-s", f"{url}/leith"), 30, 0.2)
    ctl = fleet.binary("ctl")
    answer = json.loads(run(ctl, "call", "Tide/level", '{"harbour":"leith"}') or "{}")
    report.check("ctl calls its method", answer.get("millimetres") == "4200", str(answer))
    answer = json.loads(run("curl", "-s", f"{url}/leith"))
    report.check("curl calls it too", answer.get("millimetres") == "4200", str(answer))
    answer = json.loads(run("curl", "-s", f"{url}/atlantis"))
    report.check("its error is a problem", answer.get("status") == 404
                 and answer.get("detail") == "there is no such harbour", str(answer))  # fmt: skip
    stream = run("curl", "-sN", "--max-time", "3", "-H", "Last-Event-ID: 41", f"{url}/leith/watch")
    expected = 'id: 42\ndata: {"harbour":"leith","millimetres":"41","cursor":"42"}\n\n'
    report.check("curl follows its stream from behind an event", stream.startswith(expected),
                 " ".join(stream.splitlines()[:2]))  # fmt: skip
    calls = subprocess.Popen([ctl, "call", "Tide/watch", '{"harbour":"leith","cursor":"7"}'],
                             env=environment, stdout=subprocess.PIPE, text=True)  # fmt: skip
    line = json.loads(calls.stdout.readline() or "{}")
    calls.kill()
    report.check("ctl follows it too", line.get("cursor") == "8", str(line))


def main():
    options = arguments()
    install_handlers()
    report = Report()
    fleet = build_fleet(options)
    fleet.start()
    fleet.make_key()
    wait_for("the location", lambda: fleet.gateway.get("/v1/locations")["complete"], 60, 0.5,
             [fleet.gateway.program])  # fmt: skip
    document, paths = check_document(report, fleet)
    for path in paths:
        is_stream = path == "/v1/live"
        # It has no end of its own.
        more = ["--request-timeout", "1"] if is_stream else []
        schemathesis(report, fleet, options, document, path, ["--include-path", path, *more],
                     min(options.examples, 10) if is_stream else options.examples)  # fmt: skip
    check_events(report, fleet)
    check_crowd(report, fleet)
    check_tutorial(report, fleet, options)
    report.check("the gateway's log has no error", "Z error " not in fleet.gateway.logged())
    status, _, _ = fleet.gateway.curl("/v1/locations")
    report.check("the gateway is alive after all this",
                 status == 200 and fleet.gateway.program.is_running, str(status))  # fmt: skip
    report.end()


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        print(f"FAIL  {failure}", file=sys.stderr)
        sys.exit(1)
