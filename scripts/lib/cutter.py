"""A TCP proxy that is a bad link: it cuts, stalls and refuses connections when it is told to."""

import asyncio
import contextlib
import socket
import struct
import threading

_RESET = struct.pack("ii", 1, 0)


class Cutter:
    """Passes connections to `target` on; its loop runs in a thread of its own."""

    KINDS = ("reset", "within", "stall", "outage")

    def __init__(self, target):
        host, port = target.rsplit(":", 1)
        self._target = (host, int(port))
        self._writers = set()
        self._allowance = None
        self._refuses = False
        self._loop = asyncio.new_event_loop()
        self._flows = None
        self.address = None
        # How many connections were cut.
        self.connections_cut = 0
        ready = threading.Event()
        threading.Thread(target=self._run, args=(ready,), daemon=True).start()
        ready.wait()

    def _run(self, ready):
        asyncio.set_event_loop(self._loop)

        async def listen():
            self._flows = asyncio.Event()
            self._flows.set()
            server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
            self.address = "127.0.0.1:%d" % server.sockets[0].getsockname()[1]
            ready.set()

        self._loop.run_until_complete(listen())
        self._loop.run_forever()

    def cut(self, kind, amount):
        """Ends what is up: at once, `within` so many bytes, or after a stall of so many seconds;
        in an outage it refuses new connections for so many seconds as well."""
        self._loop.call_soon_threadsafe(self._cut, kind, amount)

    def heal(self):
        """Passes everything on again."""
        self._loop.call_soon_threadsafe(self._heal)

    def _cut(self, kind, amount):
        if kind == "within":
            self._allowance = int(amount)
            return
        if kind == "stall":
            self._flows.clear()
            self._loop.call_later(amount, self._end_stall)
            return
        if kind == "outage":
            self._refuses = True
            self._loop.call_later(amount, self._end_outage)
        self._reset_all()

    def _heal(self):
        self._allowance = None
        self._refuses = False
        self._flows.set()

    def _end_stall(self):
        self._reset_all()
        self._flows.set()

    def _end_outage(self):
        self._refuses = False

    def _reset_all(self):
        for writer in list(self._writers):
            self._reset(writer)

    def _reset(self, writer):
        if writer in self._writers:
            self._writers.discard(writer)
            self.connections_cut += 1
        with contextlib.suppress(OSError):
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, _RESET
            )
        writer.transport.abort()

    async def _accept(self, reader, writer):
        if self._refuses:
            self._reset(writer)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            self._reset(writer)
            return
        self._writers |= {writer, far_writer}
        await asyncio.gather(
            self._pump(reader, far_writer), self._pump(far_reader, writer)
        )
        for end in (writer, far_writer):
            self._writers.discard(end)
            end.close()

    async def _pump(self, reader, writer):
        try:
            while data := await reader.read(65536):
                await self._flows.wait()
                if self._allowance is not None:
                    # The rest of the bytes is lost, in the middle of whatever they are.
                    data = data[: self._allowance]
                    self._allowance -= len(data)
                writer.write(data)
                await writer.drain()
                if self._allowance == 0:
                    self._allowance = None
                    # What was written leaves with a farewell instead of a reset.
                    for other in list(self._writers):
                        self._writers.discard(other)
                        self.connections_cut += 1
                        other.close()
                    return
            writer.close()
        except OSError:
            writer.close()
