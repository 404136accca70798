"""Cases that wait for the page's times; they run beside the others."""
import socket
import time

from mesh.page import DOWNLOAD, HELLO, expect, frame
from mesh.world import case

CONNECT_TIMEOUT, KEEPALIVE, PING_TIMEOUT = 10, 10, 5
TOLERANCE = 5    # for a busy machine


def within(begun, least, most, name):
    seconds = time.monotonic() - begun
    expect(least - 0.2 <= seconds <= most + TOLERANCE,
           f"{name} came after {seconds:.1f} s, not {least} to {most}")


def until_end(connection):
    connection.settimeout(CONNECT_TIMEOUT + TOLERANCE + 2)
    try:
        while connection.recv(4096):
            pass
    except ConnectionError:
        pass


@case("waiting: a connection that says nothing, not even TLS, is closed within 10 s", slow=True)
def _(w):
    begun = time.monotonic()
    with socket.create_connection(w.main.address, timeout=20) as silent:
        until_end(silent)
        within(begun, 0, CONNECT_TIMEOUT, "the end")


@case("waiting: half a TLS handshake, a byte a second, is closed within 10 s", slow=True)
def _(w):
    begun = time.monotonic()
    with socket.create_connection(w.main.address, timeout=20) as slow:
        slow.settimeout(1)
        for byte in bytes.fromhex("1603010200010001fc0303") + bytes(30):
            try:
                slow.sendall(bytes([byte]))
                if not slow.recv(100):
                    break
            except TimeoutError:
                pass
            except ConnectionError:
                break
        within(begun, 0, CONNECT_TIMEOUT, "the end")


@case("waiting: TLS without a hello is closed within 10 s", slow=True)
def _(w):
    begun = time.monotonic()
    with w.link(greet=False) as link:
        link.expect_end(CONNECT_TIMEOUT + TOLERANCE + 2)
        within(begun, CONNECT_TIMEOUT - 1, CONNECT_TIMEOUT, "the end")


@case("waiting: a hello that comes a byte a second is closed within 10 s", slow=True)
def _(w):
    begun = time.monotonic()
    hello = frame(HELLO, 0, w.page.hello().SerializeToString())
    with w.link(greet=False) as link:
        for byte in hello:
            link.raw(bytes([byte]))
            until = time.monotonic() + 1
            while not link.closed and time.monotonic() < until:
                link.pump(0.2)
            if link.closed:
                break
        within(begun, CONNECT_TIMEOUT - 1, CONNECT_TIMEOUT, "the end")


def held_call(w, link):
    call = link.call(DOWNLOAD, w.page.StreamRequest(count=1000, size=1000), take=False,
                     credit_parts=False)
    link.wait(lambda: call.received >= 1000, "the beginning of the download")
    while call.received < 1024:
        link.pump(0.1)
    return call


@case("waiting: after 10 s of silence with calls open comes a ping, 5 s later the end", slow=True)
def _(w):
    with w.link(hello=dict(stream_window=1024), answer_pings=False) as link:
        held_call(w, link)
        begun = time.monotonic()
        link.wait(lambda: link.pings_heard, "a ping", KEEPALIVE + TOLERANCE)
        within(begun, KEEPALIVE, KEEPALIVE, "the ping")
        begun = time.monotonic()
        link.expect_end(PING_TIMEOUT + TOLERANCE)
        within(begun, PING_TIMEOUT, PING_TIMEOUT, "the end")


@case("waiting: who answers pings keeps the connection, and keepalive_min_ms is kept", slow=True)
def _(w):
    with w.link(hello=dict(stream_window=1024, keepalive_min_ms=12_000)) as link:
        held_call(w, link)
        begun, heard = time.monotonic(), []
        while time.monotonic() < begun + 27:
            link.pump(0.2)
            expect(not link.closed, f"the connection ended: {link.ending}")
            if link.pings_heard > len(heard):
                heard.append(time.monotonic() - begun)
        expect(len(heard) == 2 and heard[1] - heard[0] >= 11.8, f"pings came at {heard}")
        link.echo(b"x")
