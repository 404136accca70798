#!/usr/bin/env python3
"""Exchanges random messages with our codec through Google's protobuf, which is the judge.

    exchange.py make  FOLDER VALUES --count N --seed S     writes random values of every message
    exchange.py check FOLDER VALUES ANSWERS                compares what came back with them
    exchange.py schema FOLDER SET --count N --seed S       compares our descriptors with protoc's

FOLDER holds the .proto files. SET is a FileDescriptorSet of the same schemas. VALUES is a run of records (type name, dump, bytes), each part behind
its length (4 bytes, little-endian). ANSWERS is a run of byte strings in the same order.
"""
import argparse
import random
import struct
import sys
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor as Field
import grpc_tools
from grpc_tools import protoc

WELL_KNOWN = {"google.protobuf.Timestamp", "google.protobuf.Duration"}
DUMPS_PER_TYPE = 200


def compile_protos(folder):
    """The names of all .proto files below the folder, and protoc's descriptors of them."""
    files = sorted(str(p.relative_to(folder)) for p in Path(folder).rglob("*.proto"))
    well_known = str(Path(grpc_tools.__file__).parent / "_proto")
    with tempfile.NamedTemporaryFile() as out:
        arguments = ["protoc", f"-I{folder}", f"-I{well_known}", "--include_imports",
                     "--fatal_warnings", f"--descriptor_set_out={out.name}", *files]
        if protoc.main(arguments) != 0:
            sys.exit("protoc refuses the exported .proto files")
        return files, Path(out.name).read_bytes()


def load(files, descriptors):
    """The message classes that some files of a FileDescriptorSet declare, by full name."""
    files_set = descriptor_pb2.FileDescriptorSet.FromString(descriptors)
    pool = descriptor_pool.DescriptorPool()
    names = []
    for file in files_set.file:
        pool.Add(file)
        if file.name in files:
            names += [f"{file.package}.{m.name}" for m in file.message_type]
    return {n: message_factory.GetMessageClass(pool.FindMessageTypeByName(n))
            for n in sorted(names)}


# --- random values


def number(rng, bits, signed):
    """Near the edges as often as anywhere."""
    value = rng.choice([0, 1, (1 << rng.randrange(bits + 1)) - 1, 1 << rng.randrange(bits),
                        rng.getrandbits(bits)]) % (1 << bits)
    return value - (1 << bits) if signed and value >> (bits - 1) else value


def text(rng):
    """At most 16 bytes of UTF-8, the least that a field of our schemas takes."""
    letters = [chr(rng.choice([rng.randrange(128), rng.randrange(128), rng.randrange(0x80, 0x800),
                               rng.randrange(0x800, 0xD800), rng.randrange(0x10000, 0x110000)]))
               for _ in range(rng.randrange(5))]
    return "".join(letters)


def real(rng, format):
    bits = rng.choice([0.0, -0.0, 1.5, float("inf"), float("-inf"), rng.uniform(-1e9, 1e9)])
    return struct.unpack(format, struct.pack(format, bits))[0]


def scalar(rng, field):
    kind = field.type
    if kind == Field.TYPE_BOOL:
        return rng.random() < 0.5
    if kind in (Field.TYPE_INT32, Field.TYPE_UINT32):
        return number(rng, 32, kind == Field.TYPE_INT32)
    if kind in (Field.TYPE_INT64, Field.TYPE_UINT64):
        return number(rng, 64, kind == Field.TYPE_INT64)
    if kind == Field.TYPE_ENUM:
        known = [value.number for value in field.enum_type.values]
        return rng.choice(known + [number(rng, 32, True)])
    if kind == Field.TYPE_FLOAT:
        return real(rng, "<f")
    if kind == Field.TYPE_DOUBLE:
        return real(rng, "<d")
    if kind == Field.TYPE_STRING:
        return text(rng)
    if kind == Field.TYPE_BYTES:
        return rng.randbytes(rng.randrange(17))
    raise AssertionError(f"{field.full_name} has a type that the language does not have")


def fill_time(rng, message):
    nanoseconds = rng.choice([0, 1, 500_000_000, 999_999_999])
    if message.DESCRIPTOR.full_name == "google.protobuf.Timestamp":
        message.seconds = rng.choice([0, -1, -62135596800, 253402300799,
                                      rng.randrange(-10**10, 10**11)])
        message.nanos = nanoseconds
    else:
        message.seconds = rng.choice([0, 1, -1, 315576000000, rng.randrange(-10**9, 10**9)])
        if abs(message.seconds) < 315576000000:
            message.nanos = -nanoseconds if message.seconds < 0 else nanoseconds


def fill(rng, message, depth=0):
    """Random values in about half of the fields."""
    if message.DESCRIPTOR.full_name in WELL_KNOWN:
        return fill_time(rng, message)
    for field in message.DESCRIPTOR.fields:
        if rng.random() < 0.4:
            continue
        is_message = field.type == Field.TYPE_MESSAGE
        if field.is_repeated:
            values = getattr(message, field.name)
            for _ in range(rng.choice([1, 2, 3, 40 if depth == 0 else 1])):
                if not is_message:
                    values.append(scalar(rng, field))
                elif depth < 3:
                    fill(rng, values.add(), depth + 1)
        elif is_message:
            if depth < 6:
                value = getattr(message, field.name)
                value.SetInParent()
                if rng.random() < 0.9:
                    fill(rng, value, depth + 1)
        else:
            setattr(message, field.name, scalar(rng, field))
    if rng.random() < 0.2:
        message.MergeFromString(unknown_fields(rng, message))


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def unknown_fields(rng, message):
    """Fields of every wire type under numbers that the message does not have."""
    out = b""
    for _ in range(rng.randrange(1, 4)):
        tag = rng.randrange(600, 100_000) << 3
        content = rng.randbytes(rng.randrange(200))
        out += rng.choice([
            varint(tag) + varint(rng.getrandbits(64)),
            varint(tag | 1) + rng.randbytes(8),
            varint(tag | 2) + varint(len(content)) + content,
            varint(tag | 3) + varint(8) + varint(rng.getrandbits(64)) + varint(tag | 4),
            varint(tag | 5) + rng.randbytes(4),
        ])
    return out


# --- comparison


def is_optional(field):
    """Whether the field was written with a `?`: proto3 puts it in a oneof of its own."""
    return field.containing_oneof is not None


def normalise(message):
    """Takes plain message fields away that are present but empty: we do not tell these apart."""
    for field, value in message.ListFields():
        if field.type != Field.TYPE_MESSAGE:
            continue
        for element in value if field.is_repeated else [value]:
            normalise(element)
        if not field.is_repeated and not is_optional(field) and value.ByteSize() == 0:
            message.ClearField(field.name)


def dump_scalar(field, value):
    kind = field.type
    if kind == Field.TYPE_BOOL:
        return "true" if value else "false"
    if kind == Field.TYPE_FLOAT:
        return struct.pack(">f", value).hex()
    if kind == Field.TYPE_DOUBLE:
        return struct.pack(">d", value).hex()
    if kind == Field.TYPE_STRING:
        return '"' + value.encode().hex()
    if kind == Field.TYPE_BYTES:
        return "x" + value.hex()
    if kind == Field.TYPE_MESSAGE:
        return dump(value)
    return str(value)


def dump(message):
    """Every field by its name, so that a pair of swapped fields is seen."""
    if message.DESCRIPTOR.full_name in WELL_KNOWN:
        return f"{message.seconds}+{message.nanos}"
    parts = []
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.is_repeated:
            content = "[" + ",".join(dump_scalar(field, v) for v in value) + "]"
        elif is_optional(field) and not message.HasField(field.name):
            content = "nil"
        else:
            content = dump_scalar(field, value)
        parts.append(f"{field.json_name}={content}")
    return "{" + ",".join(parts) + "}"


# --- the commands


def write(file, part):
    file.write(struct.pack("<I", len(part)) + part)


def parts(data):
    offset = 0
    while offset < len(data):
        (length,) = struct.unpack_from("<I", data, offset)
        yield data[offset + 4:offset + 4 + length]
        offset += 4 + length


def make(classes, path, count, seed):
    rng = random.Random(seed)
    with open(path, "wb") as file:
        for name, cls in classes.items():
            for index in range(count):
                message = cls()
                fill(rng, message)
                write(file, name.encode())
                write(file, dump(message).encode() if index < DUMPS_PER_TYPE else b"")
                write(file, message.SerializeToString())


def check(classes, values_path, answers_path):
    values = list(parts(Path(values_path).read_bytes()))
    answers = list(parts(Path(answers_path).read_bytes()))
    if len(values) != 3 * len(answers):
        sys.exit(f"{len(values) // 3} values went out and {len(answers)} came back")
    for index, answer in enumerate(answers):
        name = values[3 * index].decode()
        sent = classes[name].FromString(values[3 * index + 2])
        normalise(sent)
        expected = sent.SerializeToString(deterministic=True)
        if answer != expected:
            sys.exit(f"value {index} ({name}):\n  expected {expected.hex()}\n"
                     f"  received {answer.hex()}\n{sent}")
        received = classes[name].FromString(answer)
        if received != sent or received.SerializeToString(deterministic=True) != answer:
            sys.exit(f"value {index} ({name}) changes when it is read again:\n{sent}")
    print(f"{len(answers)} values of {len(classes)} messages are equal")


def schema(folder, path, count, seed):
    """Our descriptors must be protoc's, and other tools must read messages by them."""
    files, expected = compile_protos(folder)
    received = Path(path).read_bytes()
    if received != expected:
        ours, theirs = (descriptor_pb2.FileDescriptorSet.FromString(b) for b in (received, expected))
        sys.exit(f"the descriptors differ from protoc's:\n{ours}\ninstead of\n{theirs}")
    rng = random.Random(seed)
    theirs = load(files, expected)
    for name, cls in load(files, received).items():
        for _ in range(count):
            message = theirs[name]()
            fill(rng, message)
            sent = message.SerializeToString(deterministic=True)
            if cls.FromString(sent).SerializeToString(deterministic=True) != sent:
                sys.exit(f"{name} changes when it is read by our descriptors:\n{message}")
    print(f"{len(theirs)} messages of {len(files)} files are equal")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["make", "check", "schema"])
    parser.add_argument("folder")
    parser.add_argument("values")
    parser.add_argument("answers", nargs="?")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.command == "schema":
        return schema(arguments.folder, arguments.values, arguments.count, arguments.seed)
    classes = load(*compile_protos(arguments.folder))
    if arguments.command == "make":
        make(classes, arguments.values, arguments.count, arguments.seed)
    else:
        check(classes, arguments.values, arguments.answers)


if __name__ == "__main__":
    main()
