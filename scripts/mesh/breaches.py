"""Cases of breaches: each ends its connection and nothing else."""
import collections
import random
import socket
import ssl
import time

from mesh.link import PATIENCE, Call
from mesh.page import (BOTH, CANCEL, CLOSE, COMPRESSED, CREDIT, DATA, DOWNLOAD, DRAIN, ECHO,
                       END_MESSAGE, END_STREAM, FAILED_PRECONDITION, FRAME_BYTES_BEFORE_HELLO,
                       HEADER_BYTES, HEARTBEAT, HELLO, LIMITS, PING, PING_BURST, PONG, REQUEST,
                       STATUS, Wrong, expect, frame)
from mesh.world import case


def hostile(w, server=None, **options):
    """A connection of the identity that these cases use up the patience with, and no other's."""
    return w.link(server, identity="ctl-breach", **options)


def silent_call(link):
    """A call that accepts whatever the server answers to noise."""
    return Call(0, b"", b"", 0, link.mine.stream_window, True, True)


def breach(name, server="main", greet=True, code=None):
    """A case whose bytes the server must answer with CLOSE, and go on serving others.

    The function gets the world and a connection, and gives the bytes of the breach; when it gives
    several pieces, the last one alone is the breach."""
    def register(function):
        @case(f"breach: {name}")
        def _(w):
            target = getattr(w, server)
            with hostile(w, target, greet=greet) as link:
                pieces = function(w, link)
                if isinstance(pieces, bytes):
                    pieces = [pieces]
                for piece in pieces[:-1]:
                    link.raw(piece)
                if greet:
                    link.ping()    # proves that what came before is no breach
                link.raw(pieces[-1])
                ending = link.expect_end(seconds=5)
                status = link.close_status
                expect(status is not None, f"no CLOSE, but: {ending}")
                expect(status.code != 0 and status.message, f"{ending} does not say why")
                expect(code is None or status.code == code, f"{ending}, not {code}")
            w.still_serves(target)
        return function
    return register


# --- before and at the hello

for _name, _bytes in {
    "a PING before the hello": frame(PING, 0, bytes(8)),
    "a DATA frame before the hello": frame(DATA, 1, b"x", BOTH),
    "an ignorable frame before the hello": frame(0x80, 0, b"x"),
    "a hello on stream 1": frame(HELLO, 1, b""),
    "a hello of no bytes": frame(HELLO, 0, b""),
    "a hello of noise": frame(HELLO, 0, bytes(range(200, 250))),
    "a first frame over 65,536 bytes": frame(HELLO, 0, length=FRAME_BYTES_BEFORE_HELLO + 1),
    "HTTP on the port": b"GET / HTTP/1.1\r\nHost: mesh\r\n\r\n",
}.items():
    breach(_name, greet=False)(lambda w, link, b=_bytes: b)


@breach("a request as the first frame", greet=False)
def _(w, link):
    return w.page.examples["request"]


for _name, _changes in {
    "another protocol": dict(protocol_name="biometricflow-mush"),
    "frame_bytes_max 16383": dict(frame_bytes_max=16_383),
    "message_bytes_max 0": dict(message_bytes_max=0),
    "stream_window 1023": dict(stream_window=1023),
    "stream_window 2^31 + 1": dict(stream_window=(1 << 31) + 1),
    "connection_window 1023": dict(connection_window=1023),
    "connection_window 2^31 + 1": dict(connection_window=(1 << 31) + 1),
    "an agent of 257 bytes": dict(agent="x" * 257),
    "1001 services": dict(services=[dict(name="s")] * 1001),
    "a service's name of 257 bytes": dict(services=[dict(name="s" * 257)]),
}.items():
    breach(f"a hello with {_name}", greet=False)(
        lambda w, link, c=_changes: frame(HELLO, 0, w.page.hello(**c).SerializeToString()))

for _changes in (dict(version_min=2, version_max=9), dict(version_min=0, version_max=0)):
    breach(f"a hello of the versions {_changes['version_min']} to {_changes['version_max']}",
           greet=False, code=FAILED_PRECONDITION)(
        lambda w, link, c=_changes: frame(HELLO, 0, w.page.hello(**c).SerializeToString()))


@breach("a second hello")
def _(w, link):
    return frame(HELLO, 0, link.mine.SerializeToString())


# --- frames


@breach("a length over frame_bytes_max, before its payload")
def _(w, link):
    return frame(0x80, 0, length=link.peer.frame_bytes_max + 1)


for _kind in (0, 13, 0x7F):
    breach(f"the unknown type {_kind:#x}")(lambda w, link, k=_kind: frame(k, 0, b""))

for _name, _bytes in {
    "a length of 2^24 - 1": frame(DATA, 1, length=(1 << 24) - 1),
    "the reserved byte": frame(PING, 0, bytes(8), reserved=1),
    "a flag on PING": frame(PING, 0, bytes(8), END_MESSAGE),
    "a head in PING": frame(PING, 0, bytes(8), head=1),
    "a PING of 7 bytes": frame(PING, 0, bytes(7)),
    "a PING of 9 bytes": frame(PING, 0, bytes(9)),
    "a PING on stream 1": frame(PING, 1, bytes(8)),
    "a PONG of 7 bytes": frame(PONG, 0, bytes(7)),
    "a PONG on stream 1": frame(PONG, 1, bytes(8)),
    "a DRAIN on stream 1": frame(DRAIN, 1),
    "a DRAIN of noise": frame(DRAIN, 0, b"\xff" * 9),
    "LIMITS on stream 1": frame(LIMITS, 1),
    "LIMITS of noise": frame(LIMITS, 0, b"\xff" * 9),
    "HEARTBEAT on stream 0": frame(HEARTBEAT, 0),
    "CREDIT of 0": frame(CREDIT, 0, bytes(4)),
    "CREDIT of 3 bytes": frame(CREDIT, 0, b"\1\0\0"),
    "CREDIT of 5 bytes": frame(CREDIT, 0, b"\1\0\0\0\0"),
    "CREDIT with a flag": frame(CREDIT, 0, b"\1\0\0\0", END_MESSAGE),
    "CREDIT for a stream that never was": frame(CREDIT, 1, b"\1\0\0\0"),
    "CREDIT for a stream that never was, of the server": frame(CREDIT, 2, b"\1\0\0\0"),
    "CANCEL of a stream that never was": frame(CANCEL, 1),
    "CANCEL on stream 0": frame(CANCEL, 0),
    "STATUS on stream 0": frame(STATUS, 0),
    "STATUS of a stream that never was": frame(STATUS, 2),
    "DATA on stream 0": frame(DATA, 0, b"x", BOTH),
    "DATA on a stream that never was": frame(DATA, 1, b"x", BOTH),
    "DATA on a stream that never was, of the server": frame(DATA, 2, b"x", BOTH),
}.items():
    breach(_name)(lambda w, link, b=_bytes: b)


@breach("garbage")
def _(w, link):
    return b"\x20\x00\x00" + random.Random(1).randbytes(4096)


@breach("CREDIT of the connection to over 2^32")
def _(w, link):
    return [frame(CREDIT, 0, b"\xff\xff\xff\x7f"), frame(CREDIT, 0, b"\xff\xff\xff\xff")]


@breach("CREDIT of a stream to over 2^32")
def _(w, link):
    link.call(DOWNLOAD, w.page.StreamRequest(count=1000, size=1), take=False)
    link.wait(lambda: link.calls[1].messages, "a message")
    half_sent = w.page.request(ECHO, 3, b"\x0a\x64", flags=0)
    return [half_sent, frame(CREDIT, 3, b"\xff" * 4)]


@case("breach: more pings than keepalive_min_ms and the burst allow")
def _(w):
    with hostile(w) as link:
        link.pings += [bytes(8)] * 2 * PING_BURST
        link.raw(frame(PING, 0, bytes(8)) * (2 * PING_BURST))
        ending = link.expect_end(seconds=5)
        expect(link.close_status is not None, f"no CLOSE, but: {ending}")
    w.still_serves()


# --- requests and their parts

for _name, _stream in (
        ("an even stream", 2), ("stream 0", 0), ("stream 2^31 + 1", (1 << 31) + 1)):
    breach(f"a request on {_name}")(lambda w, link, s=_stream: w.page.request(ECHO, s, b""))

for _flags, _name in {END_STREAM: "END_STREAM inside its message", 8 | BOTH: "flag 8",
                      0x80: "flag 128"}.items():
    breach(f"a request with {_name}")(
        lambda w, link, f=_flags: w.page.request(ECHO, 1, b"\x0a", flags=f))


@breach("a request whose head is longer than its payload")
def _(w, link):
    return frame(REQUEST, 1, b"\x08\x01", BOTH, head=3)


@breach("a request whose head is noise")
def _(w, link):
    return frame(REQUEST, 1, b"\xff" * 12, BOTH, head=12)


@breach("a request on a stream that is open")
def _(w, link):
    return [w.page.request(ECHO, 1, b"", flags=0), w.page.request(ECHO, 1, b"")]


@breach("a request on a stream that has been")
def _(w, link):
    link.echo(b"x")
    return w.page.request(ECHO, 1, b"")


@breach("a request on a lower stream than the last")
def _(w, link):
    link.next_stream = 9
    link.echo(b"x")
    return w.page.request(ECHO, 7, b"")


def open_request(w, link):
    return w.page.request(ECHO, 1, b"\x0a\x64", flags=0)


for _name, _bytes in {
    "DATA with END_STREAM alone": frame(DATA, 1, b"x", END_STREAM),
    "DATA with END_STREAM alone and no bytes": frame(DATA, 1, b"", END_STREAM),
    "DATA that is compressed from the middle on": frame(DATA, 1, b"x", COMPRESSED),
    "DATA with flag 8": frame(DATA, 1, b"x", 8),
    "HEARTBEAT from the caller": frame(HEARTBEAT, 1),
    "DATA with a head": frame(DATA, 1, b"x", BOTH, head=1),
    "DATA with the reserved byte": frame(DATA, 1, b"x", BOTH, reserved=255),
    "DATA without bytes or flags": frame(DATA, 1),
    "STATUS from the caller": frame(STATUS, 1),
    "CANCEL of noise": frame(CANCEL, 1, b"\xff" * 9),
    "CANCEL with a flag": frame(CANCEL, 1, b"", END_STREAM),
    "CREDIT of 0 for a stream": frame(CREDIT, 1, bytes(4)),
}.items():
    breach(_name)(lambda w, link, b=_bytes: [open_request(w, link), b])


@breach("DATA behind the end of a request")
def _(w, link):
    link.call(DOWNLOAD, w.page.StreamRequest(count=1 << 40, size=100), take=False)
    link.wait(lambda: link.calls[1].messages, "a message")
    return frame(DATA, 1, b"x", BOTH)


@breach("a request over the stream's credit", server="small")
def _(w, link):
    expect(link.peer.stream_window < 3000 < link.peer.connection_window, "other windows")
    return w.page.request(ECHO, 1, bytes(3000), flags=0)


@breach("DATA over the stream's credit", server="small")
def _(w, link):
    link.calls[1] = silent_call(link)
    return [w.page.request(ECHO, 1, b"\x0a\xff\xff\1", flags=0), frame(DATA, 1, bytes(2100))]


@breach("a request over the connection's credit", server="small")
def _(w, link):
    expect(link.peer.connection_window < 5000 < link.peer.frame_bytes_max, "other windows")
    return w.page.request(ECHO, 1, bytes(5000), flags=0)


@breach("DATA on a stream that is gone, over the connection's credit", server="small")
def _(w, link):
    link.echo(b"x")
    return frame(DATA, 1, bytes(5000))


@case("breach: a request cut off at every byte, and the connection closed")
def _(w):
    request = w.page.examples["request"]
    for length in range(len(request)):
        with hostile(w) as link:
            link.raw(request[:length])
            link.pump()
    w.still_serves()


def after_flipped(link, good, bit):
    """Sends a frame with one bit wrong and a ping: how the server takes them."""
    flipped = bytearray(good)
    flipped[bit // 8] ^= 1 << bit % 8
    link.raw(bytes(flipped) + frame(PING, 0, b"flipping"))
    link.pings.append(b"flipping")
    is_longer = int.from_bytes(flipped[:3], "little") > len(good) - HEADER_BYTES
    until = time.monotonic() + (0.1 if is_longer else PATIENCE)
    while not link.closed and link.pings:
        if time.monotonic() > until:
            expect(is_longer, f"bit {bit}: no answer at all")
            return "waits for more"
        link.pump(0.05)
    return "closes" if link.closed else "goes on"


@case("breach: every bit of a recorded request flipped; a fresh connection serves after each")
def _(w):
    request = w.page.examples["request"]
    endings = collections.Counter()
    for bit in range(len(request) * 8):
        with hostile(w) as link:
            for stream in [1] + [1 ^ 1 << n for n in range(1, 31)]:
                link.calls[stream] = silent_call(link)
            endings[after_flipped(link, request, bit)] += 1
        w.still_serves()
    return ", ".join(f"{count} times it {ending}" for ending, count in endings.items())


@case("breach: every bit of a recorded hello flipped leaves the server whole")
def _(w):
    hello = w.page.examples["hello"]
    endings = collections.Counter()
    for bit in range(len(hello) * 8):
        with hostile(w, greet=False) as link:
            endings[after_flipped(link, hello, bit)] += 1
    w.still_serves()
    return ", ".join(f"{count} times it {ending}" for ending, count in endings.items())


@case("breach: noise as a stream of frames, 200 connections")
def _(w):
    rng = random.Random(7)
    for _ in range(200):
        with hostile(w) as link:
            for stream in range(1, 40, 2):
                link.calls[stream] = silent_call(link)
            for _ in range(rng.randrange(1, 12)):
                kind = rng.choice([REQUEST, DATA, STATUS, CANCEL, CREDIT, PING, DRAIN, 0x90])
                head = rng.choice([0, 0, 5, 11])
                body = rng.randbytes(rng.choice([0, 4, 8, 30]))
                if kind == REQUEST and rng.random() < 0.8:
                    link.raw(w.page.request(rng.choice([ECHO, DOWNLOAD]),
                                            rng.randrange(1, 20, 2), body))
                else:
                    link.raw(frame(kind, rng.randrange(4), body, rng.randrange(4), head))
            link.raw(frame(0, 0))    # a breach for certain
            try:
                link.expect_end()
            except Wrong as wrong:
                if "PONG" not in str(wrong):
                    raise
    w.still_serves()


# --- TLS and identity


def refused_by_tls(w, context):
    try:
        raw = socket.create_connection(w.main.address, timeout=10)
        with context.wrap_socket(raw) as connection:
            connection.settimeout(10)
            connection.sendall(frame(HELLO, 0, w.page.hello().SerializeToString()))
            while data := connection.recv(4096):
                expect(data[3] == CLOSE, f"the server answered {data[:40].hex()}")
    except TimeoutError:
        raise Wrong("the connection is open after 10 s")
    except (ssl.SSLError, ConnectionError):
        pass
    w.still_serves()


for _name, _identity, _folder in (
        ("no certificate", None, "certs"), ("a certificate of another CA", "ctl-bench", "stranger"),
        ("a certificate of another trust domain", "ctl-bench", "elsewhere"),
        ("an expired certificate", "ctl-bench", "late")):
    case(f"identity: {_name} is refused")(
        lambda w, i=_identity, f=_folder: refused_by_tls(w, w.context(i, f)))

case("identity: TLS 1.2 is refused")(
    lambda w: refused_by_tls(w, w.context(newest=ssl.TLSVersion.TLSv1_2)))


@case("identity: bytes that are no TLS end the connection")
def _(w):
    with socket.create_connection(w.main.address, timeout=12) as plain:
        plain.sendall(frame(HELLO, 0, w.page.hello().SerializeToString()) * 20)
        try:
            while plain.recv(4096):
                pass
        except ConnectionError:
            pass
    w.still_serves()


@case("identity: the server's certificate names it as the page says")
def _(w):
    with hostile(w) as link:
        names = link.socket.getpeercert()["subjectAltName"]
        expected = (("URI", "spiffe://biometricflow/gateway/bench"),)
        expect(names == expected, f"the names are {names}")
        expect(link.socket.version() == "TLSv1.3", "not TLS 1.3")
        expect(link.socket.selected_alpn_protocol() is None, "an ALPN name")
