"""Cases of the hello, of calls and their credit, of streams and of fairness."""
import random
import time

from mesh.page import BOTH, CANCEL, CREDIT, DATA, DOWNLOAD, ECHO, HELLO, PART_BYTES, expect, frame
from mesh.world import case


def download(w, link, count, size, **options):
    request = w.page.StreamRequest(count=count, size=size)
    return link.call(DOWNLOAD, request, **options)


def noise(size):
    return random.Random(size).randbytes(size)


# --- the hello


@case("hello: the server says its name, version, limits and services")
def _(w):
    with w.link() as link:
        names = [service.name for service in link.peer.services]
        expect("biometricflow.bench.v1.Echo" in names, f"the services are {names}")
        expect(link.heard[0][0] == HELLO, "the first frame is no HELLO")


@case("hello: the page's example is understood, and its request answered as the page shows")
def _(w):
    with w.link(greet=False) as link:
        link.mine = w.page.Hello.FromString(w.page.examples["hello"][12:])
        link.receive_credit = link.mine.connection_window
        link.raw(w.page.examples["hello"])
        link.wait(lambda: link.peer, "the hello")
        call = link.call(ECHO, w.page.Payload(data=b"\1\2\3"), timeout_us=5_000_000)
        expect(bytes(link.out) == w.page.examples["request"], f"our request is {link.out.hex()}")
        link.finish(call)
        answer = frame(DATA, 1, call.messages[0][0], BOTH)
        expect(answer == w.page.examples["answer"], f"the answer is {answer.hex()}")


@case("hello: every limit at its edge, unknown fields and later versions are taken")
def _(w):
    edges = [dict(version_max=99), dict(version_min=0), dict(frame_bytes_max=16_384),
             dict(frame_bytes_max=(1 << 64) - 1), dict(message_bytes_max=(1 << 64) - 1),
             dict(stream_window=1024), dict(stream_window=1 << 31),
             dict(connection_window=1024), dict(connection_window=1 << 31),
             dict(streams_max=0), dict(streams_max=(1 << 32) - 1),
             dict(keepalive_min_ms=(1 << 32) - 1), dict(agent="x" * 256),
             dict(services=[dict(name="s" * 256, fingerprint=n) for n in range(200)])]
    for changes in edges:
        with w.link(hello=changes) as link:
            link.echo(noise(20_000))
    hello = w.page.hello()
    hello.MergeFromString(bytes.fromhex("fa7f03000102"))    # field 2047, three bytes
    with w.link(hello=hello) as link:
        link.echo(b"x")


# --- unary calls and credit


@case("echo: 0, 1, 100, 16384, 271828 and 3000000 bytes, on one connection")
def _(w):
    with w.link() as link:
        for size in (0, 1, 100, PART_BYTES - 8, PART_BYTES, 271_828, 3_000_000):
            link.echo(noise(size))


@case("echo: the same sizes at once, through a server with windows of 2048 and 4096 bytes")
def _(w):
    with w.link(w.small) as link:
        for size in (0, 1, 100, 2_000, PART_BYTES, 65_536, 99_000):
            link.echo(noise(size))
        calls = [link.call(ECHO, w.page.Payload(data=noise(20_000))) for _ in range(4)]
        for call in calls:
            expect(link.finish(call).code == 0, f"an echo failed: {call.status}")


@case("credit: the server keeps to windows of 1024 bytes, for every size")
def _(w):
    with w.link(hello=dict(stream_window=1024, connection_window=1024,
                           frame_bytes_max=16_384)) as link:
        for size in (0, 1, 100, PART_BYTES, 271_828):
            link.echo(noise(size))


@case("credit: the server stops at the stream's credit, to the byte, and goes on with it")
def _(w):
    with w.link(hello=dict(stream_window=1024)) as link:
        call = download(w, link, 100, 300, take=False, credit_parts=False)
        link.wait(lambda: call.received >= 3 * 304, "what the window allows")
        link.ping()
        expect(call.received <= 1024, f"{call.received} bytes came")
        taken = 0
        while taken < 100:
            call.credit_parts = True
            link._give(call, call.owed)
            call.owed = 0
            link.wait(lambda: call.messages, "the next message")
            message = w.page.Payload.FromString(link.take(call))
            expect(len(message.data) == 300, "a message of another size")
            taken += 1
        link.finish(call)
        expect(call.code == 0, f"the download ends with {call.status}")


@case("credit: the server keeps to the connection's credit over several streams")
def _(w):
    with w.link(hello=dict(connection_window=4096)) as link:
        calls = [download(w, link, 50, 1000, take=False, credit_parts=False) for _ in range(4)]
        link.wait(lambda: sum(c.received for c in calls) >= 3000, "what the window allows")
        link.ping()
        for call in calls:
            call.credit_parts = True
            link._give(call, call.owed)
            call.owed, call.take_at_once = 0, True
            while call.messages:
                link.take(call)
        for call in calls:
            expect(link.finish(call).code == 0, f"a download ends with {call.status}")
            expect(call.received == 50 * 1003, f"{call.received} bytes came")


@case("credit: what calls used of the connection comes back")
def _(w):
    with w.link(w.small) as link:
        window = link.peer.connection_window
        for _ in range(200):
            link.echo(noise(200))
        link.echo(noise(50_000))
        link.ping()
        expect(link.send_credit > window // 2, f"{link.send_credit} of {window} bytes are left")


@case("credit: CREDIT and CANCEL for a stream that has ended are ignored")
def _(w):
    with w.link() as link:
        link.echo(b"x")
        link.raw(frame(CREDIT, 1, b"\1\0\0\0") + frame(CANCEL, 1))
        link.echo(b"y")


# --- streams


@case("stream: 0, 1 and 1000 messages, and empty ones")
def _(w):
    with w.link() as link:
        for count, size in ((0, 10), (1, 10), (1000, 100), (100, 0), (5, 1 << 20)):
            call = link.finish(download(w, link, count, size))
            expect(call.code == 0, f"the download ends with {call.status}")
            expect(len(call.messages) == count, f"{len(call.messages)} messages of {count}")


@case("stream: a slow reader gets every message, and holds back nobody else")
def _(w):
    with w.link(hello=dict(stream_window=65_536, connection_window=1 << 20)) as link:
        slow = download(w, link, 60, 10_000, take=False)
        taken = 0
        while taken < 60:
            link.wait(lambda: slow.messages, "the next message")
            time.sleep(0.005)
            if taken % 10 == 0:
                link.echo(noise(5_000))
            link.take(slow)
            taken += 1
        expect(link.finish(slow).code == 0, f"the download ends with {slow.status}")


@case("stream: a reader that stops reading makes the server hold little")
def _(w):
    most = 1 << 31
    with w.link(hello=dict(stream_window=most, connection_window=most,
                           message_bytes_max=1 << 21)) as link:
        before = w.main.resident_bytes()
        link.paused = True
        call = download(w, link, 200, 1 << 20)
        until = time.monotonic() + 0.7
        while time.monotonic() < until:
            link.pump(0.05)
            time.sleep(0.02)
        w.still_serves()
        grown = w.main.resident_bytes() - before
        expect(grown < 64 << 20, f"the server has grown by {grown >> 20} MiB")
        link.paused = False
        link.wait(lambda: len(call.messages) >= 20, "the first 20 messages")
        link.cancel(call)
        link.ping()


@case("interleaving: a small call overtakes a large answer that waits for credit")
def _(w):
    with w.link(hello=dict(stream_window=65_536)) as link:
        large = download(w, link, 1, 1 << 20, credit_parts=False)
        link.wait(lambda: large.received == 65_536, "the beginning of the large answer")
        link.echo(noise(1000))
        expect(not large.ended, "the large answer has ended without credit")
        large.credit_parts = True
        link._give(large, large.owed)
        large.owed = 0
        expect(link.finish(large).code == 0, f"the large answer ends with {large.status}")


@case("interleaving: two large answers come in turn, and a small one between their parts")
def _(w):
    with w.link(hello=dict(stream_window=1 << 22)) as link:
        first = download(w, link, 1, 1 << 20)
        second = download(w, link, 1, 1 << 20)
        small = link.call(ECHO, w.page.Payload(data=b"small"))
        for call in (first, second, small):
            link.finish(call)
        order = [stream for kind, stream, _ in link.heard if kind == DATA]
        last = {stream: max(i for i, s in enumerate(order) if s == stream) for stream in order}
        expect(order.index(second.stream) < last[first.stream], "one answer waited for the other")
        expect(last[small.stream] < min(last[first.stream], last[second.stream]),
               "the small answer came behind a large one")


@case("interleaving: parts of four large requests in turn, with a small request between")
def _(w):
    with w.link() as link:
        large = [link.call(ECHO, w.page.Payload(data=noise(500_000 + n))) for n in range(4)]
        small = link.call(ECHO, w.page.Payload(data=b"small"))
        link.finish(small)
        expect(not all(call.ended for call in large), "the small answer came last")
        for n, call in enumerate(large):
            link.finish(call)
            answer = w.page.Payload.FromString(call.messages[0][0])
            expect(answer.data == noise(500_000 + n), "an echo differs")
