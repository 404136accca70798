"""scripts/security-check, once everything is built."""

import argparse
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys

from demo import empty
from fleet import ROOT, Fleet, make_certificates
from process import Failure, install_handlers, wait_for
from report import Report

MARKER = ".made-by-scripts-demo"


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/security-check")
    parser.add_argument("--binaries", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--dir", default=os.path.join(ROOT, ".build", "security-check"))
    return parser.parse_args()


def build_fleet(options):
    empty(options.dir)
    fleet = Fleet(options.dir, options.binaries, with_tls=True)
    open(fleet.file(MARKER), "w").close()
    for name, zone in (("cairo", "Africa/Cairo"), ("lima", "America/Lima")):
        options = ["--users", "12", "--days", "5", "--last-day", "yesterday"]
        fleet.add_location(name, zone, [(f"{name}-gate", options, None)])
    return fleet


# MARK: The mesh port


def s_client(fleet, certificate, *options):
    """`openssl s_client` on the mesh port; what it printed."""
    command = ["openssl", "s_client", "-connect", fleet.gateway.mesh]
    command += ["-CAfile", fleet.file("certs/ca.pem"), *options]
    if certificate:
        command += ["-cert", f"{certificate}.pem", "-key", f"{certificate}.key"]
    # Without input it would stay connected; the server speaks first only after our hello.
    result = subprocess.run(
        command, input="", capture_output=True, text=True, errors="replace", timeout=30
    )
    return result.stdout + result.stderr


def refusal(report, fleet, what, attempt, reason):
    """Makes an attempt, and looks for the gateway's line that says why it was refused."""
    gateway = fleet.gateway
    size = os.path.getsize(gateway.log)
    attempt()
    line = None

    def find():
        nonlocal line
        for candidate in gateway.logged(size).splitlines():
            if "refused" in candidate:
                line = candidate
        return line

    try:
        wait_for("a line of the gateway's log", find, seconds=15, watch=[gateway.program])
    except Failure:
        pass
    report.check(
        f"the mesh port refuses {what}, and the log says why",
        line is not None and re.search(reason, line, re.IGNORECASE),
        line.split(" ", 1)[1][:200] if line else "no line in the log",
    )


def plaintext(fleet):
    host, port = fleet.gateway.mesh.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            while connection.recv(4096):
                pass
        except ConnectionResetError:
            pass


def check_links(report, fleet):
    foreign = fleet.file("foreign-certs")
    make_certificates(foreign, "location/cairo")
    make_certificates(fleet.file("certs"), "location/late", environment={"DAYS": "-1"})
    make_certificates(fleet.file("certs"), "printer/hall", "edge/gateway")
    make_certificates(fleet.file("certs"), "location/other",
                      environment={"TRUST_DOMAIN": "elsewhere"})  # fmt: skip
    own = fleet.file("certs")
    refusal(report, fleet, "a peer without a certificate",
            lambda: s_client(fleet, None, "-tls1_3"), "did not return a certificate|no certificate")
    refusal(report, fleet, "a certificate of another CA",
            lambda: s_client(fleet, f"{foreign}/location-cairo", "-tls1_3"),
            "unable to get local issuer|self.signed|unable to verify|signature")
    refusal(report, fleet, "an expired certificate",
            lambda: s_client(fleet, f"{own}/location-late", "-tls1_3"), "expired")
    refusal(report, fleet, "a certificate of another trust domain",
            lambda: s_client(fleet, f"{own}/location-other", "-tls1_3"), "trust domain")
    refusal(report, fleet, "a certificate of a role that has no business there",
            lambda: s_client(fleet, f"{own}/printer-hall", "-tls1_3"), "printer")
    refusal(report, fleet, "a certificate of the role that the gateway's own edge has",
            lambda: s_client(fleet, f"{own}/edge-gateway", "-tls1_3"), "edge")
    refusal(report, fleet, "TLS 1.2",
            lambda: s_client(fleet, f"{own}/ctl-demo", "-tls1_2"), "unsupported protocol|version")
    refusal(report, fleet, "plaintext", lambda: plaintext(fleet),
            "http request|wrong version|not TLS|packet length")  # fmt: skip
    printed = s_client(fleet, f"{own}/ctl-demo", "-tls1_3")
    report.check(
        "the mesh port takes the right certificate, with TLS 1.3",
        "TLSv1.3" in printed and "Verify return code: 0" in printed,
    )


# MARK: Certificates that change


def session(fleet, certificate, session_file, resume):
    """Connects with `openssl s_client`, takes a ticket or shows one; what it printed."""
    command = ["openssl", "s_client", "-connect", fleet.gateway.mesh, "-tls1_3"]
    command += ["-CAfile", fleet.file("certs/ca.pem")]
    command += ["-cert", f"{certificate}.pem", "-key", f"{certificate}.key"]
    command += ["-sess_in" if resume else "-sess_out", session_file]
    with open(fleet.file("s_client.out"), "w+", errors="replace") as output:
        program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output)

        def is_done():
            output.seek(0)
            done = "Verify return code" in output.read()
            return done and (resume or os.path.exists(session_file))

        try:
            wait_for("openssl s_client to connect", is_done, 15)
        except Failure:
            pass
        # It would stay connected as long as it may write.
        program.stdin.close()
        program.wait(30)
        output.seek(0)
        return output.read()


def serial(fleet):
    """The number of the certificate that the gateway shows."""
    printed = s_client(fleet, fleet.file("certs/ctl-demo"), "-tls1_3")
    start = printed.find("-----BEGIN CERTIFICATE-----")
    command = ["openssl", "x509", "-noout", "-serial"]
    result = subprocess.run(command, input=printed[max(start, 0):], capture_output=True, text=True)
    return result.stdout.strip()


def reload(fleet, expected):
    """Has the gateway read its certificates; whether its log says what is expected."""
    size = os.path.getsize(fleet.gateway.log)
    fleet.gateway.program.process.send_signal(signal.SIGHUP)
    try:
        wait_for("a line about certificates", lambda: expected in fleet.gateway.logged(size),
                 15, 0.1, [fleet.gateway.program])  # fmt: skip
    except Failure:
        return False
    return True


def replace(path, text):
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)


def check_renewal(report, fleet):
    own, foreign = fleet.file("certs"), fleet.file("foreign-certs")
    ticket, other_ticket = fleet.file("ticket"), fleet.file("other-ticket")
    session(fleet, f"{own}/ctl-demo", ticket, resume=False)
    report.check("openssl resumes a session with the mesh port",
                 "Reused, TLSv1.3" in session(fleet, f"{own}/ctl-demo", ticket, resume=True))
    report.check("a ticket is good for one connection",
                 "New, TLSv1.3" in session(fleet, f"{own}/ctl-demo", ticket, resume=True))

    before = serial(fleet)
    os.remove(ticket)
    session(fleet, f"{own}/ctl-demo", ticket, resume=False)
    os.remove(f"{own}/gateway-main.pem")
    make_certificates(own, "gateway/main")
    report.check("a gateway takes a new certificate without a restart",
                 reload(fleet, "certificates were read again certificate=mesh")
                 and serial(fleet) not in ("", before))  # fmt: skip
    report.check("a ticket of before is void then",
                 "New, TLSv1.3" in session(fleet, f"{own}/ctl-demo", ticket, resume=True))

    with open(f"{own}/gateway-main.pem") as file:
        good = file.read()
    now = serial(fleet)
    replace(f"{own}/gateway-main.pem", "no certificate")
    report.check("a broken certificate file is named and changes nothing",
                 reload(fleet, "cannot read the certificate file") and serial(fleet) == now)
    replace(f"{own}/gateway-main.pem", good)

    make_certificates(foreign, "ctl/demo")
    with open(f"{own}/ca.pem") as file:
        roots = file.read()
    with open(f"{foreign}/ca.pem") as file:
        replace(f"{own}/ca.pem", roots + file.read())
    report.check("two roots are good at once", reload(fleet, "were read again certificate=mesh")
                 and "Verify return code: 0"
                 in session(fleet, f"{foreign}/ctl-demo", other_ticket, resume=False)
                 and os.path.exists(other_ticket)
                 and "Reused" in session(fleet, f"{foreign}/ctl-demo", other_ticket, resume=True))
    os.remove(other_ticket)
    session(fleet, f"{foreign}/ctl-demo", other_ticket, resume=False)
    replace(f"{own}/ca.pem", roots)
    reload(fleet, "were read again certificate=mesh")
    refusal(report, fleet, "a ticket whose root is not trusted any more",
            lambda: session(fleet, f"{foreign}/ctl-demo", other_ticket, resume=True),
            "unable to get local issuer|self.signed|unable to verify|signature")


# MARK: Roles


def check_roles(report, fleet):
    for command in (["location", "list"], ["key", "list"], ["punch", "list"],
                    ["key", "create", "mine"]):  # fmt: skip
        # The gateway takes the peer for a location, finds no log to follow, and drains the link:
        # it may do that before the call arrives, which then was not sent.
        for _ in range(20):
            status, output, errors = fleet.ctl(*command, "-o", "json", identity="location-cairo")
            if status != 7:
                break
        problem = json.loads(errors.splitlines()[-1]) if errors.startswith("{") else {}
        report.check(
            f"`ctl {' '.join(command)}` with a location's certificate: PERMISSION_DENIED",
            status == 4 and problem.get("code") == "permission_denied" and not output,
            f"exit {status}, {problem.get('detail', errors)}",
        )
    status, _, errors = fleet.ctl("location", "list")
    report.check("the operator's certificate still works", status == 0, errors.strip()[:160])


# MARK: The edge


def check_keys(report, fleet):
    gateway = fleet.gateway
    wrong = gateway.token[:-4] + ("aaaa" if not gateway.token.endswith("aaaa") else "bbbb")
    attempts = {"without a key": None, "with a wrong key": wrong, "with nonsense": "nonsense"}
    for path in ("/v1/locations", "/v1/devices", "/v1/punches", "/v1/openapi.json"):
        for how, token in attempts.items():
            status, document, headers = gateway.curl(path, token=token)
            report.check(
                f"GET {path} {how} is a 401 problem document",
                status == 401
                and headers.get("content-type", "").startswith("application/problem+json")
                and document.get("status") == 401
                and "www-authenticate" in headers
                and "data" not in document,
                f"{status} {document.get('code')}",
            )
        status, _, _ = gateway.curl(path)
        report.check(f"GET {path} with the key", status == 200, str(status))
    status, output, errors = fleet.ctl("key", "create", "short-lived", "-o", "json")
    if status != 0:
        raise Failure(f"ctl key create: exit {status}: {errors}")
    created = json.loads(output)["data"]
    token, identifier = created["token"], created["key"]["id"]
    before, _, _ = gateway.curl("/v1/locations", token=token)
    status, _, _ = fleet.ctl("key", "revoke", identifier)
    after, _, _ = gateway.curl("/v1/locations", token=token)
    report.check(
        "a key stops working when it is revoked",
        (before, status, after) == (200, 0, 401),
        f"{before} before, {after} after",
    )
    secret = token.rsplit("_", 1)[-1].encode()
    places = [*gateway.store_files(), gateway.log, gateway.config]
    report.check(
        "store and log do not hold a key's secret",
        len(secret) >= 16 and not any(secret in open(place, "rb").read() for place in places),
        f"{len(places)} files searched",
    )


def exchange(fleet, request):
    """Sends bytes to the edge over TLS; the status line's number, and whether it was closed."""
    context = ssl.create_default_context(cafile=fleet.file("certs/ca.pem"))
    host, port = fleet.gateway.http.rsplit(":", 1)
    answer = b""
    with socket.create_connection((host, int(port)), timeout=30) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            try:
                connection.sendall(request)
            except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
                pass
            is_closed = False
            try:
                while True:
                    part = connection.recv(65536)
                    if not part:
                        is_closed = True
                        break
                    answer += part
            except (ConnectionResetError, ssl.SSLError):
                is_closed = True
            except TimeoutError:
                pass
    match = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    return int(match.group(1)) if match else 0, is_closed


def check_requests(report, fleet):
    auth = f"Authorization: Bearer {fleet.gateway.token}\r\n".encode()
    head = b"Host: localhost\r\n" + auth
    requests = {
        "a request line of 64 KiB": b"GET /" + b"a" * 65536 + b" HTTP/1.1\r\n" + head + b"\r\n",
        "a header block of 256 KiB":
            b"GET /healthz HTTP/1.1\r\n" + head
            + b"".join(b"X-%d: %s\r\n" % (i, b"a" * 1000) for i in range(256)) + b"\r\n",
        "1000 fields":
            b"GET /healthz HTTP/1.1\r\n" + head
            + b"".join(b"X-%d: a\r\n" % i for i in range(1000)) + b"\r\n",
        "a body of 10 GB": b"POST /v1/punches HTTP/1.1\r\n" + head
            + b"Content-Length: 10000000000\r\n\r\n",
        "two lengths": b"GET /healthz HTTP/1.1\r\n" + head
            + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "a length and chunks": b"POST /healthz HTTP/1.1\r\n" + head
            + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "a folded field": b"GET /healthz HTTP/1.1\r\n" + head + b"X: a\r\n b\r\n\r\n",
        "a space before the colon": b"GET /healthz HTTP/1.1\r\n" + head + b"X : a\r\n\r\n",
        "no Host": b"GET /healthz HTTP/1.1\r\n\r\n",
        "a bare carriage return": b"GET /healthz HTTP/1.1\r\n" + head + b"X: a\rb\r\n\r\n",
        "no HTTP at all": b"\x00\x01\x02\xff\xfe\r\n\r\n",
        "a wrong percent escape": b"GET /v1/%zz HTTP/1.1\r\n" + head + b"\r\n",
    }  # fmt: skip
    for what, request in requests.items():
        status, is_closed = exchange(fleet, request)
        report.check(
            f"{what}: 4xx, and the connection is closed",
            400 <= status < 500 and is_closed,
            f"{status}, {'closed' if is_closed else 'open'}",
        )
    for path in ("/v1/punches?locaton=cairo", "/v1/punches?limit=100000", "/v1/punches?from=now",
                 "/v1/punches?cursor=nonsense", "/v1/punches?location=atlantis"):  # fmt: skip
        status, document, headers = fleet.gateway.curl(path)
        report.check(
            f"GET {path} is a 4xx problem document",
            400 <= status < 500 and "problem+json" in headers.get("content-type", ""),
            f"{status} {document.get('detail')}",
        )
    status, _, _ = fleet.gateway.curl("/v1/locations")
    report.check("the server is alive after all this",
                 status == 200 and fleet.gateway.program.is_running, str(status))  # fmt: skip


def main():
    options = arguments()
    install_handlers()
    report = Report()
    fleet = build_fleet(options)
    fleet.start()
    fleet.make_key()
    wait_for("both locations", lambda: fleet.gateway.get("/v1/locations")["complete"], 60, 0.5,
             [fleet.gateway.program])  # fmt: skip
    check_links(report, fleet)
    check_renewal(report, fleet)
    check_roles(report, fleet)
    check_keys(report, fleet)
    check_requests(report, fleet)
    report.check("the links of both locations stayed up",
                 fleet.gateway.get("/v1/locations")["complete"])  # fmt: skip
    report.end()


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        print(f"FAIL  {failure}", file=sys.stderr)
        sys.exit(1)
