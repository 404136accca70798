"""Certificates, servers, and how a case reaches them."""
import select
import shutil
import socket
import ssl
import subprocess
import threading

from mesh.link import Link
from mesh.page import ROOT, Wrong, expect

CASES, SLOW_CASES = [], []


def case(name, slow=False):
    """Registers a case: a function of the world that raises when something is wrong."""
    def register(function):
        (SLOW_CASES if slow else CASES).append((name, function))
        return function
    return register


class Server:
    """An rpc-bench server, which says READY when it listens."""

    def __init__(self, program, certificates, log, *options):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = probe.getsockname()
        self.log = log
        with open(log, "wb") as errors:
            self.process = subprocess.Popen(
                [program, "server", "--port", str(self.address[1]), "--certs", certificates,
                 *options], stdout=subprocess.PIPE, stderr=errors)
        ready, _, _ = select.select([self.process.stdout], [], [], 20)
        if not ready or not self.process.stdout.readline().startswith(b"READY"):
            self.stop()
            said = self.process.stdout.read().decode() + log.read_text()
            raise SystemExit(f"mesh-judge: the server did not start:\n{said}")

    def check(self):
        if self.process.poll() is not None:
            raise Wrong(f"the server has died with {self.process.returncode}:\n"
                        + self.log.read_text()[-2000:])

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm") as statm:
            return int(statm.read().split()[1]) * 4096

    def stop(self):
        self.process.kill()
        self.process.wait()


class World:
    """What every case is given."""

    def __init__(self, page, bench, folder):
        self.page, self.bench, self.folder = page, bench, folder
        self.lock, self.contexts = threading.Lock(), {}
        self.main = self.small = None

    def start(self):
        self.certificates("certs", "gateway/bench", "ctl/bench", "ctl/breach", "location/bench",
                          "gateway/main")
        self.certificates("elsewhere", "ctl/bench", domain="elsewhere")
        self.certificates("stranger", "ctl/bench")
        self.certificates("late", "ctl/bench", days=-1)
        certificates = self.folder / "certs"
        for end in ("pem", "key"):
            shutil.copy(certificates / f"gateway-bench.{end}", certificates / f"server.{end}")
        self.main = Server(self.bench, certificates, self.folder / "server.log")
        self.small = Server(self.bench, certificates, self.folder / "small.log",
                            "--streams", "4", "--window", "2048", "--connection-window", "4096",
                            "--frame", "16384", "--message", "100000", "--reassembly", "250000")

    def stop(self):
        for server in (self.main, self.small):
            if server is not None:
                server.stop()

    def certificates(self, name, *identities, domain="biometricflow", days=30):
        folder = self.folder / name
        if name in ("elsewhere", "late"):    # the same CA, so that nothing else is wrong
            folder.mkdir(exist_ok=True)
            for file in ("ca.pem", "ca.key"):
                shutil.copy(self.folder / "certs" / file, folder / file)
        subprocess.run([ROOT / "certs" / "make-certs", folder, *identities], check=True,
                       env={"PATH": "/usr/bin:/bin", "TRUST_DOMAIN": domain, "DAYS": str(days)})

    def context(self, identity="ctl-bench", folder="certs", newest=None):
        """TLS that verifies the chain; the name is a SPIFFE URI, which Python does not compare."""
        with self.lock:
            key = (identity, folder, newest)
            if key not in self.contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname = False
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(self.folder / "certs" / "ca.pem")
                if newest is not None:
                    context.maximum_version = newest
                if identity is not None:
                    path = self.folder / folder / identity
                    context.load_cert_chain(f"{path}.pem", f"{path}.key")
                self.contexts[key] = context
            return self.contexts[key]

    def link(self, server=None, identity="ctl-bench", folder="certs", hello=None, **options):
        """A connection; `hello` is a hello of one's own, or the fields to change in ours."""
        if isinstance(hello, dict):
            hello = self.page.hello(**hello)
        return Link((server or self.main).address, self.context(identity, folder), self.page,
                    hello, **options)

    def still_serves(self, server=None):
        """The server is alive and a fresh connection gets an answer."""
        (server or self.main).check()
        with self.link(server) as link:
            link.echo(b"still there?")

    def expect_status(self, status, code, certainty=None):
        expect(isinstance(status, self.page.CallStatus), "the call succeeded")
        expect(status.code == code, f"the status is {status.code} '{status.message}', not {code}")
        expect(certainty is None or status.certainty == certainty,
               f"the certainty is {status.certainty}, not {certainty}")
