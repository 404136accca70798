"""A client of the mesh, written from docs/WIRE.md, that checks every frame that it hears."""
import collections
import select
import socket
import ssl
import struct
import time

from mesh.page import (ANNOUNCEMENT, BOTH, CANCEL, CLOSE, COMPRESSED, CREDIT, CREDIT_MAX, DATA,
                       DRAIN, END_MESSAGE, END_STREAM, FRAME_BYTES_LEAST, HEADER_BYTES, HEARTBEAT,
                       HELLO, LIMITS, NAMES, PART_BYTES, PING, PONG, REQUEST, STATUS,
                       STATUS_BYTES_MOST, UNAVAILABLE, WINDOW_LEAST, WINDOW_MOST, Wrong, expect,
                       frame, method_number)

PATIENCE = 15.0
Header = struct.Struct("<BIBBH")


class Call:
    """One call: what is left to send, and what has come."""

    def __init__(self, stream, content, head, send_credit, window, take, credit_parts):
        self.stream, self.unsent, self.head = stream, memoryview(content), head
        self.begun, self.held = False, 0
        self.send_credit, self.receive_credit = send_credit, window
        self.take_at_once, self.credit_parts = take, credit_parts
        self.messages = collections.deque()
        self.part, self.parts, self.owed = bytearray(), [], 0
        self.received, self.heartbeats, self.answer_head = 0, 0, None
        self.status, self.ended, self.given_up = None, False, False

    @property
    def code(self):
        return self.status.code if self.status is not None else 0 if self.ended else None


class Link:
    """A connection. `greet=False` leaves hello and everything to the case."""

    def __init__(self, address, context, page, hello=None, greet=True, answer_pings=True):
        self.page, self.answer_pings = page, answer_pings
        plain = socket.create_connection(address, timeout=PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(plain)
        self.socket.setblocking(False)
        self.out, self.input = bytearray(), bytearray()
        self.mine = hello or page.hello()
        self.peer = None
        self.closed, self.close_status = None, None
        self.calls, self.next_stream, self.turns = {}, 1, collections.deque()
        self.send_credit, self.receive_credit = 0, self.mine.connection_window
        self.pings, self.pings_heard, self.drained = collections.deque(), 0, []
        self.heard = []
        self.paused = False
        if greet:
            self.raw(frame(HELLO, 0, self.mine.SerializeToString()))
            self.wait(lambda: self.peer, "the hello")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    # --- what a user of the client says

    def raw(self, data):
        self.out += data

    def call(self, method, message, timeout_us=0, take=True, credit_parts=True, held=0, **more):
        """Begins a call; `more` is for its head.

        Without `take` its messages wait in it, and so does their credit. The last `held` bytes of
        the request stay here until `held` is set to 0."""
        number = method_number(method) if isinstance(method, str) else method
        head = self.page.CallHead(
            method=number, timeout_us=timeout_us, **more).SerializeToString()
        call = Call(self.next_stream, message.SerializeToString(), head, self.peer.stream_window,
                    self.mine.stream_window, take, credit_parts)
        call.held = held
        self.calls[call.stream] = call
        self.turns.append(call)
        self.next_stream += 2
        self._fill()
        return call

    def take(self, call):
        """Takes the oldest message that has come, and gives its credit back."""
        message, owed = call.messages.popleft()
        self._give(call, owed)
        return message

    def cancel(self, call):
        self.raw(frame(CANCEL, call.stream))
        call.given_up = True
        call.unsent = memoryview(b"")
        self._give(None, call.owed)
        while call.messages:
            self.take(call)

    def ping(self, payload=b"judgment"):
        """Returns when everything that was sent before has been read by the peer."""
        self.raw(frame(PING, 0, payload))
        self.pings.append(payload)
        left = len(self.pings) - 1
        self.wait(lambda: len(self.pings) <= left, "a pong")

    def finish(self, call):
        self.wait(lambda: call.ended, f"the end of the call on stream {call.stream}")
        return call

    def unary(self, method, message, **options):
        """The one message of a call, or its status when it failed."""
        call = self.finish(self.call(method, message, **options))
        if call.code != 0:
            return call.status
        expect(len(call.messages) == 1, f"a unary call has {len(call.messages)} messages")
        return call.messages[0][0]

    def echo(self, data, **options):
        """Sends data to and fro, and compares."""
        answer = self.unary("biometricflow.bench.v1.Echo/echo", self.page.Payload(data=data),
                            **options)
        expect(isinstance(answer, bytes), f"the echo failed: {answer}")
        expect(self.page.Payload.FromString(answer).data == data, "the echo differs")

    def wait(self, condition, name, seconds=PATIENCE):
        """Sends and receives until the condition holds; the end of the connection is wrong."""
        until = time.monotonic() + seconds
        while not condition():
            if self.closed:
                raise Wrong(f"the connection ended ({self.ending}) before {name} had come")
            left = until - time.monotonic()
            expect(left > 0, f"{name} has not come in {seconds:.0f} s")
            self.pump(left)

    def expect_end(self, seconds=PATIENCE):
        """Waits until the peer has closed, and says how."""
        until = time.monotonic() + seconds
        while not self.closed:
            left = until - time.monotonic()
            expect(left > 0, f"the connection is open after {seconds:.0f} s")
            self.pump(left)
        return self.ending

    @property
    def ending(self):
        if self.close_status is None:
            return self.closed
        return f"CLOSE {self.close_status.code} '{self.close_status.message}'"

    # --- bytes

    def pump(self, seconds=0.0):
        """One round of writing and reading; waits at most this long for something to do."""
        self._fill()
        if not self.socket.pending():
            readers = [] if self.paused else [self.socket]
            readable, writable, _ = select.select(
                readers, [self.socket] if self.out else [], [], min(seconds, 0.5))
            if not readable and not writable:
                return
        try:
            if self.out:
                del self.out[:self.socket.send(memoryview(self.out)[:65_536])]
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError:
            self.out.clear()    # the peer has closed; it may have said why
        if not self.paused:
            self._read()

    def _read(self):
        try:
            for _ in range(8):
                data = self.socket.recv(65_536)
                if not data:
                    self.closed = "end"
                    expect(not self.input, "the connection ends inside a frame")
                    return
                self.input += data
                self._parse()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except ssl.SSLEOFError:
            self.closed = "end without TLS close"
        except OSError as error:
            self.closed = f"reset ({error})"

    def _parse(self):
        position = 0
        while len(self.input) - position >= HEADER_BYTES:
            length = int.from_bytes(self.input[position:position + 3], "little")
            expect(length <= self.mine.frame_bytes_max,
                   f"a frame of {length} bytes; our limit is {self.mine.frame_bytes_max}")
            if len(self.input) - position < HEADER_BYTES + length:
                break
            header = Header.unpack_from(self.input, position + 3)
            payload = bytes(self.input[position + HEADER_BYTES:position + HEADER_BYTES + length])
            position += HEADER_BYTES + length
            self._receive(*header, payload)
        del self.input[:position]

    # --- sending with credit

    def _fill(self):
        """Cuts messages into frames, in turn, as far as credit goes."""
        if self.peer is None:
            return
        idle = 0
        while idle < len(self.turns) and len(self.out) < 65_536:
            call = self.turns.popleft()
            if call.ended or call.given_up:
                continue
            idle = 0 if self._send_part(call) else idle + 1
            if call.unsent or not call.begun:
                self.turns.append(call)

    def _send_part(self, call):
        head = b"" if call.begun else call.head
        room = min(call.send_credit, self.send_credit, self.peer.frame_bytes_max) - len(head)
        free = max(len(call.unsent) - call.held, 0)
        if room < 0 or (call.unsent and min(room, free) == 0):
            return False
        part = call.unsent[:min(room, free, PART_BYTES)]
        call.unsent = call.unsent[len(part):]
        flags = 0 if call.unsent else BOTH
        kind = DATA if call.begun else REQUEST
        self.raw(frame(kind, call.stream, head + part, flags, len(head)))
        call.send_credit -= len(head) + len(part)
        self.send_credit -= len(head) + len(part)
        call.begun = True
        return True

    # --- receiving, and judging what is received

    def _receive(self, kind, stream, flags, reserved, head, payload):
        name = NAMES.get(kind, hex(kind))
        expect(self.close_status is None, f"{name} behind CLOSE")
        expect(reserved == 0, f"{name} with the reserved byte {reserved}")
        expect((self.peer is not None) or kind in (HELLO, CLOSE), f"{name} before HELLO")
        expect(flags == 0 or kind == DATA, f"{name} with the flags {flags}")
        expect(head == 0 or kind == DATA, f"{name} with a head of {head} bytes")
        expect(head <= len(payload), f"{name} with a head that is longer than it")
        expect((stream == 0) or kind in (STATUS, DATA, CREDIT, HEARTBEAT), f"{name} on stream {stream}")
        self.heard.append((kind, stream, len(payload)))
        if kind == HELLO:
            self._hello(payload)
        elif kind == DATA:
            self._data(self._open(stream, name), flags, payload, head)
        elif kind == STATUS:
            call = self._open(stream, name)
            call.status, call.ended = self._status(payload), True
            expect(call.status.certainty != 1, "STATUS says that its call was not sent")
            expect(call.status.code or not call.part, "success inside a message")
        elif kind == CREDIT:
            self._credit(stream, payload)
        elif kind == PING:
            expect(len(payload) == 8, f"PING of {len(payload)} bytes")
            self.pings_heard += 1
            if self.answer_pings:
                self.raw(frame(PONG, 0, payload))
        elif kind == PONG:
            expect(self.pings and self.pings.popleft() == payload, "a PONG that nobody asked for")
        elif kind == DRAIN:
            self._drain(self.page.DrainNotice.FromString(payload))
        elif kind == LIMITS:
            self.peer.streams_max = self.page.LimitsNotice.FromString(payload).streams_max
        elif kind == HEARTBEAT:
            expect(not payload, f"a heartbeat of {len(payload)} bytes")
            self._open(stream, name).heartbeats += 1
        elif kind == CLOSE:
            self.close_status = self._status(payload)
            for call in self.calls.values():
                if not call.ended:
                    call.ended = True
                    call.status = self.page.CallStatus(code=UNAVAILABLE)
        else:
            raise Wrong(f"a frame of the type {name}, which a server does not send to us")

    def _open(self, stream, name):
        call = self.calls.get(stream)
        expect(call is not None, f"{name} on stream {stream}, which is not open")
        expect(not call.ended, f"{name} on stream {stream}, which has ended")
        return call

    def _hello(self, payload):
        expect(self.peer is None, "a second HELLO")
        hello = self.page.Hello.FromString(payload)
        expect(hello.protocol_name == "biometricflow-mesh", "another protocol's name")
        expect(hello.version_min <= 1 <= hello.version_max, "another version")
        expect(FRAME_BYTES_LEAST <= hello.frame_bytes_max, "frame_bytes_max is too small")
        expect(1 <= hello.message_bytes_max, "message_bytes_max is too small")
        for window in (hello.stream_window, hello.connection_window):
            expect(WINDOW_LEAST <= window <= WINDOW_MOST, f"a window of {window}")
        expect(len(hello.services) <= 1000 and len(hello.agent.encode()) <= 256, "a long hello")
        for service in hello.services:
            expect(service.methods, f"{service.name} names no methods")
        self.peer, self.send_credit = hello, hello.connection_window

    def _drain(self, notice):
        expect(bool(self.drained) == (notice.last_stream != ANNOUNCEMENT) and len(self.drained) < 2,
               f"DRAIN with the last stream {notice.last_stream}, as number {len(self.drained)}")
        self.drained.append(notice)

    def _status(self, payload):
        expect(len(payload) <= STATUS_BYTES_MOST, f"a status of {len(payload)} bytes")
        status = self.page.CallStatus.FromString(payload)
        expect(status.code <= 16, f"the code {status.code}")
        expect(status.certainty <= 4, f"the certainty {status.certainty}")
        expect(len(status.message.encode()) <= 4096, "a message over 4096 bytes")
        return status

    def _credit(self, stream, payload):
        expect(len(payload) == 4, f"CREDIT of {len(payload)} bytes")
        (amount,) = struct.unpack("<I", payload)
        expect(amount > 0, "CREDIT of 0")
        holder = self if stream == 0 else self._open(stream, "CREDIT")
        holder.send_credit += amount
        expect(holder.send_credit <= CREDIT_MAX, f"credit of {holder.send_credit}")

    def _data(self, call, flags, payload, head):
        expect(flags & ~(BOTH | COMPRESSED) == 0, f"DATA with the flags {flags}")
        expect(flags & BOTH != END_STREAM or not (call.part or payload[head:]),
               "END_STREAM inside a message")
        expect(payload or flags, "DATA without bytes and flags")
        expect(not flags & COMPRESSED or 1 in self.mine.compressions, "DATA is compressed")
        call.receive_credit -= len(payload)
        self.receive_credit -= len(payload)
        expect(call.receive_credit >= 0, f"{-call.receive_credit} bytes over the stream's credit")
        expect(self.receive_credit >= 0,
               f"{-self.receive_credit} bytes over the connection's credit")
        call.received += len(payload)
        if call.given_up:
            call.ended = call.ended or bool(flags & END_STREAM)
            return self._give(None, len(payload))
        if head > 0:
            expect(call.answer_head is None and not call.parts and not call.messages,
                   "a head that does not begin an answer")
            call.answer_head = self.page.AnswerHead.FromString(payload[:head])
            payload = payload[head:]
            self._give(call, head)
        if not payload and not flags & END_MESSAGE:
            call.ended = call.ended or bool(flags & END_STREAM)
            return
        call.part += payload
        call.parts.append(len(payload))
        if flags & END_STREAM:
            call.ended = True
        if not flags & END_MESSAGE:
            if call.credit_parts:
                self._give(call, len(payload))
            else:
                call.owed += len(payload)
            return
        size = len(call.part)
        expect(size <= self.mine.message_bytes_max, f"a message of {size} bytes")
        call.messages.append((bytes(call.part), len(payload) + call.owed))
        call.part, call.parts, call.owed = bytearray(), [], 0
        if call.take_at_once:
            message, owed = call.messages[-1]
            call.messages[-1] = (message, 0)
            self._give(call, owed)

    def _give(self, call, amount):
        if amount == 0 or self.closed:
            return
        if call is not None and not (call.ended or call.given_up):
            call.receive_credit += amount
            self.raw(frame(CREDIT, call.stream, struct.pack("<I", amount)))
        self.receive_credit += amount
        self.raw(frame(CREDIT, 0, struct.pack("<I", amount)))
