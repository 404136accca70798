"""What docs/WIRE.md says, read from the page itself where a program can read it."""
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "oracle"))
from exchange import load  # noqa: E402
from grpc_tools import protoc  # noqa: E402

(HELLO, REQUEST, DATA, STATUS, CANCEL, CREDIT, PING, PONG, DRAIN, CLOSE, LIMITS,
 HEARTBEAT) = range(1, 13)
NAMES = dict(enumerate("HELLO REQUEST DATA STATUS CANCEL CREDIT PING PONG DRAIN CLOSE LIMITS "
                       "HEARTBEAT".split(), 1))
END_MESSAGE, END_STREAM, COMPRESSED = 1, 2, 4
BOTH = END_MESSAGE | END_STREAM

HEADER_BYTES = 12
FRAME_BYTES_BEFORE_HELLO = 65_536
PART_BYTES = 16_384
CREDIT_MAX = 1 << 32
FRAME_BYTES_LEAST = 16_384
STATUS_BYTES_MOST = 16_384
ANNOUNCEMENT = (1 << 31) - 1
WINDOW_LEAST, WINDOW_MOST = 1024, 1 << 31
PING_BURST = 10

OK, CANCELLED, INVALID_ARGUMENT, DEADLINE_EXCEEDED = 0, 1, 3, 4
PERMISSION_DENIED, RESOURCE_EXHAUSTED, FAILED_PRECONDITION = 7, 8, 9
UNIMPLEMENTED, INTERNAL, UNAVAILABLE = 12, 13, 14
REFUSED, MAYBE_PROCESSED, PROCESSED = 2, 3, 4

ECHO = "biometricflow.bench.v1.Echo/echo"
DOWNLOAD = "biometricflow.bench.v1.Echo/download"


class Wrong(Exception):
    """The other end, or the page, does not do what the page says."""


def expect(condition, text):
    if not condition:
        raise Wrong(text)


def method_number(name):
    """FNV-1a with 32 bits."""
    value = 2166136261
    for byte in name.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value


def frame(kind, stream=0, payload=b"", flags=0, head=0, reserved=0, length=None):
    """The bytes of a frame; `length` only to lie about it."""
    length = len(payload) if length is None else length
    return (length.to_bytes(3, "little")
            + struct.pack("<BIBBH", kind, stream, flags, reserved, head) + payload)


class Page:
    """The messages and the examples of docs/WIRE.md, and the messages of Schemas/bench.rpc."""

    def __init__(self, codegen):
        text = (ROOT / "docs" / "WIRE.md").read_text()
        self.examples = {name: bytes.fromhex(re.sub(r"\s", "", content)) for name, content
                         in re.findall(r"^```wire (\w+)\n(.*?)^```", text, re.M | re.S)}
        (proto,) = re.findall(r"^```proto\n(.*?)^```", text, re.M | re.S)
        with tempfile.TemporaryDirectory() as folder:
            schemas = ROOT / "Schemas"
            subprocess.run([codegen, "emit", "proto", "--root", schemas, "--output", folder,
                            schemas / "bench.rpc"], check=True)
            Path(folder, "mesh.proto").write_text(proto)
            protoc.main(["protoc", f"-I{folder}", "--include_imports",
                         f"--descriptor_set_out={folder}/descriptors",
                         *(str(path) for path in Path(folder).glob("*.proto"))])
            classes = load({path.name for path in Path(folder).glob("*.proto")},
                           Path(folder, "descriptors").read_bytes())
        self.Hello = classes["biometricflow.mesh.Hello"]
        self.CallHead = classes["biometricflow.mesh.CallHead"]
        self.CallStatus = classes["biometricflow.mesh.CallStatus"]
        self.AnswerHead = classes["biometricflow.mesh.AnswerHead"]
        self.LimitsNotice = classes["biometricflow.mesh.LimitsNotice"]
        self.DrainNotice = classes["biometricflow.mesh.DrainNotice"]
        self.Payload = classes["biometricflow.bench.v1.Payload"]
        self.StreamRequest = classes["biometricflow.bench.v1.StreamRequest"]

    def hello(self, **changes):
        """A hello with room for everything, but for what is changed."""
        values = dict(protocol_name="biometricflow-mesh", version_min=1, version_max=1,
                      frame_bytes_max=65_536, message_bytes_max=8 << 20,
                      stream_window=1 << 20, connection_window=8 << 20, streams_max=100,
                      keepalive_min_ms=1000, agent="mesh-judge", metadata_bytes_max=16_384)
        return self.Hello(**(values | changes))

    def request(self, method, stream, message, timeout_us=0, flags=BOTH, **more):
        """A REQUEST frame with all of a small message; `more` is for its head."""
        number = method_number(method) if isinstance(method, str) else method
        head = self.CallHead(method=number, timeout_us=timeout_us, **more).SerializeToString()
        return frame(REQUEST, stream, head + message, flags, len(head))
