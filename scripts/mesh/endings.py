"""Cases of how calls and connections end: deadlines, cancels, refusals, limits, drain, close."""
import time
import zlib

from mesh.calls import download, noise
from mesh.page import (ANNOUNCEMENT, BOTH, CLOSE, COMPRESSED, DATA, DEADLINE_EXCEEDED, DOWNLOAD,
                       DRAIN, ECHO, END_MESSAGE, END_STREAM, INTERNAL, INVALID_ARGUMENT, LIMITS,
                       PERMISSION_DENIED, PING, PING_BURST, PONG, PROCESSED, REFUSED,
                       RESOURCE_EXHAUSTED, UNIMPLEMENTED, expect, frame)
from mesh.world import case

# --- the ends of calls


@case("deadline: a call that is not over in time ends with DEADLINE_EXCEEDED")
def _(w):
    with w.link(hello=dict(stream_window=1024)) as link:
        begun = time.monotonic()
        call = download(w, link, 1000, 1000, timeout_us=250_000, take=False, credit_parts=False)
        link.finish(call)
        w.expect_status(call.status, DEADLINE_EXCEEDED)
        expect(time.monotonic() - begun >= 0.25, "the deadline came early")
        link.echo(b"x")


@case("deadline: it holds for a request that never gets complete; what follows is ignored")
def _(w):
    with w.link() as link:
        call = link.call(ECHO, w.page.Payload(data=noise(100)), timeout_us=100_000)
        link.out.clear()
        call.unsent = memoryview(b"")
        begun = w.page.request(ECHO, 1, b"\x0a\x64", timeout_us=100_000, flags=0)
        link.raw(begun)
        link.finish(call)
        w.expect_status(call.status, DEADLINE_EXCEEDED)
        link.raw(frame(DATA, 1, bytes(100), BOTH))
        link.echo(b"x")


@case("deadline: 1 µs, and the longest that can be said")
def _(w):
    with w.link() as link:
        call = link.finish(download(w, link, 5, 5, timeout_us=1))
        expect(call.code in (0, DEADLINE_EXCEEDED), f"the call ends with {call.status}")
        for timeout in ((1 << 64) - 1, 1 << 63, (1 << 63) - 1, 1 << 53):
            link.echo(b"x", timeout_us=timeout)


@case("cancel: nothing more comes on the stream, and the connection goes on")
def _(w):
    with w.link(hello=dict(stream_window=65_536)) as link:
        call = download(w, link, 1 << 40, 1000)
        link.wait(lambda: len(call.messages) > 100, "100 messages")
        link.cancel(call)
        link.ping()
        behind = len(link.heard)
        link.echo(noise(30_000))
        link.ping()
        late = [entry for entry in link.heard[behind:] if entry[1] == call.stream]
        expect(not late, f"frames came behind CANCEL: {late}")


@case("cancel: a request that is half sent; its number is not used again")
def _(w):
    with w.link() as link:
        call = link.call(ECHO, w.page.Payload(data=bytes(5_000_000)))
        link.pump()
        link.cancel(call)
        link.echo(noise(100_000))
        link.ping()
        window = link.peer.connection_window
        expect(link.send_credit > window // 2, f"{link.send_credit} of {window} bytes are left")


@case("cancel: a stream that was never taken frees its room in streams_max")
def _(w):
    with w.link(w.small, hello=dict(stream_window=1024)) as link:
        for _ in range(10):
            calls = [download(w, link, 1000, 1000, take=False, credit_parts=False)
                     for _ in range(4)]
            link.wait(lambda: all(c.received or c.ended for c in calls), "four beginnings")
            for call in calls:
                expect(not call.ended, f"a download ends with {call.status}")
                link.cancel(call)
            until = time.monotonic() + 5
            while not isinstance(answer := link.unary(ECHO, w.page.Payload()), bytes):
                w.expect_status(answer, RESOURCE_EXHAUSTED, REFUSED)
                expect(time.monotonic() < until, "the cancelled calls keep their room")


# --- refusals


@case("refusal: an unknown method is UNIMPLEMENTED")
def _(w):
    with w.link() as link:
        status = link.unary("biometricflow.bench.v1.Echo/nothing", w.page.Payload(data=b"x"))
        w.expect_status(status, UNIMPLEMENTED, REFUSED)
        w.expect_status(link.unary(0, w.page.Payload(data=noise(200_000))), UNIMPLEMENTED, REFUSED)
        link.echo(b"x")


@case("refusal: calls over streams_max are RESOURCE_EXHAUSTED, and the others go on")
def _(w):
    for server in (w.small, w.main):
        with w.link(server, hello=dict(stream_window=1024)) as link:
            calls = [download(w, link, 1000, 1000, take=False, credit_parts=False)
                     for _ in range(link.peer.streams_max)]
            for _ in range(3):
                status = link.finish(download(w, link, 1, 1)).status
                w.expect_status(status, RESOURCE_EXHAUSTED, REFUSED)
            expect(not any(call.ended for call in calls), "a call within the limit was ended")


@case("refusal: another role is PERMISSION_DENIED for every method, and can still ping")
def _(w):
    with w.link(identity="location-bench") as link:
        for method in (ECHO, DOWNLOAD):
            status = link.unary(method, w.page.Payload(data=noise(50_000)))
            w.expect_status(status, PERMISSION_DENIED, REFUSED)
        link.ping()
    with w.link(identity="gateway-main") as link:
        link.echo(b"a gateway may")


@case("refusal: a request that its message cannot be read from is INVALID_ARGUMENT")
def _(w):
    for message in (b"\x0a\x05abc", b"\x0f", b"\x00", b"\xff" * 20, b"\x0b" * 200):
        with w.link() as link:
            call = link.call(ECHO, w.page.Payload())
            link.out.clear()
            link.raw(w.page.request(ECHO, 1, message))
            w.expect_status(link.finish(call).status, INVALID_ARGUMENT, REFUSED)
            link.echo(b"x")


@case("limits: a request of message_bytes_max is read, one byte more ends its stream alone")
def _(w):
    with w.link(w.small) as link:
        most = link.peer.message_bytes_max
        exact = w.page.Payload(data=bytes(most - 4))
        expect(exact.ByteSize() == most, "the judge miscounts")
        link.echo(exact.data)
        status = link.unary(ECHO, w.page.Payload(data=bytes(most - 3)))
        w.expect_status(status, RESOURCE_EXHAUSTED)
        link.echo(b"x")


@case("limits: incomplete requests over the reassembly budget end, and the rest is answered")
def _(w):
    with w.link(w.small) as link:
        # 250,000 bytes have room for two of them: the ends are held back, so that all four are
        # incomplete however fast each gets its credit.
        calls = [link.call(ECHO, w.page.Payload(data=noise(98_000 + n)), held=1000)
                 for n in range(4)]
        link.wait(lambda: all(call.ended or len(call.unsent) == call.held for call in calls),
                  "the end of each request or its last bytes' turn")
        link.ping()
        codes = [call.code for call in calls]
        expect(codes.count(RESOURCE_EXHAUSTED) == 2 and codes.count(None) == 2,
               f"the codes are {codes}")
        for call in calls:
            call.held = 0
        codes = [link.finish(call).code for call in calls]
        expect(sorted(codes) == [0, 0, RESOURCE_EXHAUSTED, RESOURCE_EXHAUSTED],
               f"the codes are {codes} in the end")
        link.echo(noise(90_000))


@case("limits: an answer over our message_bytes_max is not sent")
def _(w):
    with w.link(hello=dict(message_bytes_max=1000)) as link:
        w.expect_status(link.unary(ECHO, w.page.Payload(data=bytes(2000))), RESOURCE_EXHAUSTED,
                        PROCESSED)
        link.echo(bytes(900))
        call = link.finish(download(w, link, 3, 5000))
        w.expect_status(call.status, RESOURCE_EXHAUSTED, PROCESSED)


# --- the connection


@case("ping: ten at once get their pongs, in order and with their bytes")
def _(w):
    with w.link() as link:
        for n in range(PING_BURST - 1):
            link.raw(frame(PING, 0, bytes([n] * 8)))
            link.pings.append(bytes([n] * 8))
        link.ping(b"\xff" * 8)
        expect(sum(kind == PONG for kind, _, _ in link.heard) == PING_BURST, "pongs are missing")
        link.echo(b"x")


@case("ignorable: frames of the types 0x80 to 0xff change nothing, within calls too")
def _(w):
    with w.link() as link:
        for kind in range(0x80, 0x100):
            link.raw(frame(kind, kind - 0x80, bytes(kind)))
        link.raw(frame(0x80, 0, bytes(link.peer.frame_bytes_max)))
        call = link.call(ECHO, w.page.Payload(data=noise(100_000)))
        link.raw(frame(0x99, call.stream, b"?"))
        expect(link.finish(call).code == 0, f"the echo failed: {call.status}")
        link.echo(b"x")


@case("request: its end may stand behind its message, and its message behind its head")
def _(w):
    with w.link() as link:
        payload = w.page.Payload(data=b"apart").SerializeToString()
        for pieces in ([payload], [payload[:1], payload[1:]], [b"", payload]):
            call = link.call(ECHO, w.page.Payload())
            link.out.clear()
            link.raw(w.page.request(
                ECHO, call.stream, pieces[0], flags=END_MESSAGE if len(pieces) == 1 else 0))
            for piece in pieces[1:]:
                link.raw(frame(DATA, call.stream, piece,
                               END_MESSAGE if piece is pieces[-1] else 0))
            link.raw(frame(DATA, call.stream, b"", END_STREAM))
            expect(link.finish(call).code == 0, f"the echo failed: {call.status}")
            expect(call.messages[0][0] == payload, "the echo differs")


@case("request: none and two messages for a method of one are UNIMPLEMENTED")
def _(w):
    with w.link() as link:
        for messages in (0, 2):
            call = link.call(ECHO, w.page.Payload())
            link.out.clear()
            link.raw(w.page.request(ECHO, call.stream, b"", flags=0))
            for _ in range(messages):
                link.raw(frame(DATA, call.stream, b"", END_MESSAGE))
            if messages == 0:
                link.raw(frame(DATA, call.stream, b"", END_STREAM))
            w.expect_status(link.finish(call).status, UNIMPLEMENTED, REFUSED)
        link.echo(b"x")


@case("metadata: it is taken up to metadata_bytes_max, and refused beyond or with a bad key")
def _(w):
    with w.link() as link:
        room = link.peer.metadata_bytes_max
        for value, code in ((room - 9, 0), (room - 8, RESOURCE_EXHAUSTED)):
            call = link.call(ECHO, w.page.Payload(data=b"x"),
                             metadata=[dict(key="k", value=bytes(value))])
            expect(link.finish(call).code in (None, code) or call.code == code,
                   f"{value} bytes of metadata: {call.status}")
        for key in ("", "Upper", "a b", "ü"):
            call = link.call(ECHO, w.page.Payload(data=b"x"), metadata=[dict(key=key, value=b"")])
            w.expect_status(link.finish(call).status, RESOURCE_EXHAUSTED, REFUSED)
        link.echo(b"x")


@case("compression: a compressed request is read, a bomb and a damaged one are not")
def _(w):
    with w.link() as link:
        expect(1 in link.peer.compressions, "the server takes no zlib")
        honest = w.page.Payload(data=noise(3000)).SerializeToString()
        bomb = zlib.compress(w.page.Payload(data=bytes(4_000_000)).SerializeToString())
        for content, code in ((zlib.compress(honest), 0), (bomb, RESOURCE_EXHAUSTED),
                              (zlib.compress(honest)[:-1], INTERNAL), (b"x", INTERNAL)):
            call = link.call(ECHO, w.page.Payload())
            link.out.clear()
            link.raw(w.page.request(ECHO, call.stream, content, flags=BOTH | COMPRESSED))
            expect(link.finish(call).code == code, f"not {code}: {call.status}")
        link.echo(b"x")


@case("heartbeat: a call that is silent is heard of")
def _(w):
    with w.link(hello=dict(stream_window=1024)) as link:
        call = download(w, link, 1, 1000, heartbeat_ms=1, take=False)
        link.finish(call)
        held = download(w, link, 1, 1000, heartbeat_ms=100)
        link.finish(held)
        expect(held.code == 0, f"the download ends with {held.status}")


@case("limits: a LIMITS of ours is taken")
def _(w):
    with w.link() as link:
        link.raw(frame(LIMITS, 0, w.page.LimitsNotice(streams_max=3).SerializeToString()))
        link.echo(b"x")


@case("drain: who drains serves no new calls and may still make some")
def _(w):
    with w.link() as link:
        for last_stream in (ANNOUNCEMENT, 0):
            notice = w.page.DrainNotice(last_stream=last_stream, reason="going")
            link.raw(frame(DRAIN, 0, notice.SerializeToString()))
            link.echo(noise(20_000))


@case("close: a CLOSE of ours ends the connection and its calls")
def _(w):
    with w.link() as link:
        download(w, link, 1 << 40, 1000)
        link.pump(0.1)
        link.raw(frame(CLOSE, 0, w.page.CallStatus(code=0, message="bye").SerializeToString()))
        link.expect_end()
    w.still_serves()


@case("close: a CLOSE ends the connection, whatever it says and where")
def _(w):
    for close in (frame(CLOSE, 0, b"\xff" * 9), frame(CLOSE, 0)):
        with w.link() as link:
            link.raw(close)
            link.expect_end(seconds=5)
    w.still_serves()


@case("close: connections that vanish within calls leave the server whole")
def _(w):
    for n in range(20):
        with w.link() as link:
            link.call(ECHO, w.page.Payload(data=bytes(300_000)))
            download(w, link, 1 << 40, 10_000)
            for _ in range(n % 5):
                link.pump(0.01)
    w.still_serves()
