#!/usr/bin/env python3
"""Exchanges random messages with our codec through Google's protobuf, which is the judge.

    exchange.py make  FOLDER VALUES --count N --seed S     writes random values of every message
    exchange.py check FOLDER VALUES ANSWERS                compares what came back with them
    exchange.py schema FOLDER SET --count N --seed S       compares our descriptors with protoc's

FOLDER holds the .proto files and, in limits.json, what they do not say: the limits of fields and which
strings are UUIDs. SET is a FileDescriptorSet of the same schemas. VALUES is a run of records (type name,
dump, bytes), each part behind its length (4 bytes, little-endian). ANSWERS is a run of byte strings in
the same order.
"""
import argparse
import json
import random
import struct
import sys
import tempfile
import uuid
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
            names += declared(file.message_type, file.package)
    return {n: message_factory.GetMessageClass(pool.FindMessageTypeByName(n))
            for n in sorted(names)}


def declared(messages, scope):
    """The full names of messages and those inside them."""
    for message in messages:
        if not message.options.map_entry:
            name = f"{scope}.{message.name}"
            yield name
            yield from declared(message.nested_type, name)


class Limits:
    """What the schemas say of fields and their .proto does not."""

    def __init__(self, folder):
        path = Path(folder) / "limits.json"
        self.fields = json.loads(path.read_text()) if path.exists() else {}

    def of(self, field):
        # A map's key and value are fields of a message of their own.
        name = f"{field.containing_type.full_name}.{field.name}"
        return self.fields.get(name, {})


def is_map(field):
    return field.type == Field.TYPE_MESSAGE and field.message_type.GetOptions().map_entry


# --- random values


def number(rng, bits, signed):
    """Near the edges as often as anywhere."""
    value = rng.choice([0, 1, (1 << rng.randrange(bits + 1)) - 1, 1 << rng.randrange(bits),
                        rng.getrandbits(bits)]) % (1 << bits)
    return value - (1 << bits) if signed and value >> (bits - 1) else value


def letter(rng):
    return chr(rng.choice([rng.randrange(128), rng.randrange(128), rng.randrange(0x80, 0x800),
                           rng.randrange(0x800, 0xD800), rng.randrange(0x10000, 0x110000)]))


def text(rng, limit):
    """UTF-8 of as many bytes as the limit allows, and mostly few."""
    low, high = limit.get("min", 0), min(limit.get("max", 16), limit.get("min", 0) + 16)
    wanted = rng.randrange(low, high + 1)
    value = ""
    while len(value.encode()) < wanted:
        longer = value + letter(rng)
        value = longer if len(longer.encode()) <= wanted else value + "x"
    return value


def real(rng, format, limit):
    if "low" in limit:
        value = rng.uniform(float(limit["low"]), float(limit["high"]))
        value = rng.choice([value, float(limit["low"]), float(limit["high"])])
    else:
        value = rng.choice([0.0, -0.0, 1.5, float("inf"), float("-inf"), rng.uniform(-1e9, 1e9),
                            rng.uniform(-1, 1) * 10 ** rng.randrange(-30, 30)])
    return struct.unpack(format, struct.pack(format, value))[0]


def integer(rng, bits, signed, limit):
    if "low" not in limit:
        return number(rng, bits, signed)
    low, high = int(limit["low"]), int(limit["high"])
    return rng.choice([low, high, rng.randint(low, high)])


def scalar(rng, field, limit):
    kind = field.type
    if kind == Field.TYPE_BOOL:
        return rng.random() < 0.5
    if kind in (Field.TYPE_INT32, Field.TYPE_UINT32):
        return integer(rng, 32, kind == Field.TYPE_INT32, limit)
    if kind in (Field.TYPE_INT64, Field.TYPE_UINT64):
        return integer(rng, 64, kind == Field.TYPE_INT64, limit)
    if kind == Field.TYPE_ENUM:
        known = [value.number for value in field.enum_type.values]
        return rng.choice(known + [number(rng, 32, True)])
    if kind == Field.TYPE_FLOAT:
        return real(rng, "<f", limit)
    if kind == Field.TYPE_DOUBLE:
        return real(rng, "<d", limit)
    if kind == Field.TYPE_STRING and limit.get("uuid"):
        return str(uuid.UUID(int=rng.getrandbits(128) | 1))
    if kind == Field.TYPE_STRING:
        return text(rng, limit)
    if kind == Field.TYPE_BYTES:
        low = limit.get("min", 0)
        return rng.randbytes(rng.randrange(low, min(limit.get("max", 16), low + 16) + 1))
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


def fill(rng, message, limits, depth=0):
    """Random values in about half of the fields."""
    if message.DESCRIPTOR.full_name in WELL_KNOWN:
        return fill_time(rng, message)
    chosen = {oneof.name: rng.choice(oneof.fields).name for oneof in message.DESCRIPTOR.oneofs}
    for field in message.DESCRIPTOR.fields:
        oneof = field.containing_oneof
        if rng.random() < 0.4 or (oneof is not None and chosen[oneof.name] != field.name):
            continue
        limit = limits.of(field)
        if is_map(field):
            fill_map(rng, getattr(message, field.name), field, limits, depth)
        elif field.is_repeated:
            fill_list(rng, getattr(message, field.name), field, limits, depth)
        elif field.type == Field.TYPE_MESSAGE:
            if depth < 6:
                value = getattr(message, field.name)
                value.SetInParent()
                if rng.random() < 0.9:
                    fill(rng, value, limits, depth + 1)
        else:
            setattr(message, field.name, scalar(rng, field, limit))
    if rng.random() < 0.2:
        message.MergeFromString(unknown_fields(rng, message))


def fill_list(rng, values, field, limits, depth):
    limit = limits.of(field)
    for _ in range(min(rng.choice([1, 2, 3, 40 if depth == 0 else 1]), limit.get("count", 40))):
        if field.type != Field.TYPE_MESSAGE:
            values.append(scalar(rng, field, limit))
        elif depth < 3:
            fill(rng, values.add(), limits, depth + 1)


def fill_map(rng, values, field, limits, depth):
    limit = limits.of(field)
    key_field, value_field = field.message_type.fields
    for _ in range(min(rng.choice([1, 2, 3, 20 if depth == 0 else 1]), limit.get("count", 40))):
        key = scalar(rng, key_field, limit.get("key", {}))
        if key in values:
            continue
        if value_field.type != Field.TYPE_MESSAGE:
            values[key] = scalar(rng, value_field, limit)
        elif depth < 3:
            fill(rng, values[key], limits, depth + 1)


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
        if is_map(field):
            if field.message_type.fields[1].type == Field.TYPE_MESSAGE:
                for element in value.values():
                    normalise(element)
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


def dump_map(field, values):
    key, value = field.message_type.fields
    entries = [dump_scalar(key, k) + ":" + dump_scalar(value, v) for k, v in values.items()]
    return "<" + ",".join(sorted(entries)) + ">"


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def dump(message):
    """Every field by its name, so that a pair of swapped fields is seen."""
    if message.DESCRIPTOR.full_name in WELL_KNOWN:
        return f"{message.seconds}+{message.nanos}"
    parts = []
    seen = set()
    for field in message.DESCRIPTOR.fields:
        oneof = field.containing_oneof
        if oneof is not None and not oneof.name.startswith("_"):
            if oneof.name not in seen:
                seen.add(oneof.name)
                parts.append(f"{camel(oneof.name)}={dump_choice(message, oneof)}")
            continue
        value = getattr(message, field.name)
        if is_map(field):
            content = dump_map(field, value)
        elif field.is_repeated:
            content = "[" + ",".join(dump_scalar(field, v) for v in value) + "]"
        elif is_optional(field) and not message.HasField(field.name):
            content = "nil"
        else:
            content = dump_scalar(field, value)
        parts.append(f"{field.json_name}={content}")
    return "{" + ",".join(parts) + "}"


def dump_choice(message, oneof):
    name = message.WhichOneof(oneof.name)
    if name is None:
        return "nil"
    field = message.DESCRIPTOR.fields_by_name[name]
    return f"{field.json_name}({dump_scalar(field, getattr(message, name))})"


# --- the commands


def write(file, part):
    file.write(struct.pack("<I", len(part)) + part)


def parts(data):
    offset = 0
    while offset < len(data):
        (length,) = struct.unpack_from("<I", data, offset)
        yield data[offset + 4:offset + 4 + length]
        offset += 4 + length


def make(classes, limits, path, count, seed):
    rng = random.Random(seed)
    with open(path, "wb") as file:
        for name, cls in classes.items():
            for index in range(count):
                message = cls()
                fill(rng, message, limits)
                write(file, name.encode())
                write(file, dump(message).encode() if index < DUMPS_PER_TYPE else b"")
                write(file, message.SerializeToString())


def read_varint(data, index):
    value = shift = 0
    while True:
        byte = data[index]
        index += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, index


def fields_of(data):
    """The tags and contents of a message that is known to be well-formed."""
    index = 0
    while index < len(data):
        tag, index = read_varint(data, index)
        start = index
        if tag & 7 == 0:
            _, index = read_varint(data, index)
        elif tag & 7 == 1:
            index += 8
        elif tag & 7 == 5:
            index += 4
        elif tag & 7 == 2:
            length, start = read_varint(data, index)
            index = start + length
        else:
            return  # A group: unknown, and behind all that is known.
        yield tag, data[start:index]


def map_key(field, data):
    """The key of an entry in a form that sorts as the language says."""
    tag = field.number << 3 | (2 if field.type == Field.TYPE_STRING else 0)
    content = dict(fields_of(data)).get(tag)
    if field.type == Field.TYPE_STRING:
        return content or b""
    if content is None:
        return 0
    value, _ = read_varint(content, 0)
    signed = field.type in (Field.TYPE_INT32, Field.TYPE_INT64)
    return value - (1 << 64) if signed and value >> 63 else value


def sort_maps(descriptor, data):
    """The message with the entries of each map in the order of their keys; the runtimes of protobuf
    have orders of their own, even where they call them deterministic."""
    out, entries, number = [], [], None

    def flush():
        out.extend(entry for _, entry in sorted(entries, key=lambda e: e[0]))
        entries.clear()

    index = 0
    for tag, content in fields_of(data):
        start = index
        _, index = read_varint(data, index)
        if tag & 7 == 2:
            _, index = read_varint(data, index)
        index += len(content)
        field = descriptor.fields_by_number.get(tag >> 3)
        if tag != number:
            flush()
            number = tag
        if field is None or field.type != Field.TYPE_MESSAGE or tag & 7 != 2:
            out.append(data[start:index])
            continue
        inner = sort_maps(field.message_type, content)
        whole = varint(tag) + varint(len(inner)) + inner
        if is_map(field):
            entries.append((map_key(field.message_type.fields[0], content), whole))
        else:
            out.append(whole)
    flush()
    return b"".join(out) + data[index:]


def check(classes, values_path, answers_path):
    values = list(parts(Path(values_path).read_bytes()))
    answers = list(parts(Path(answers_path).read_bytes()))
    if len(values) != 3 * len(answers):
        sys.exit(f"{len(values) // 3} values went out and {len(answers)} came back")
    for index, answer in enumerate(answers):
        name = values[3 * index].decode()
        sent = classes[name].FromString(values[3 * index + 2])
        normalise(sent)
        expected = sort_maps(sent.DESCRIPTOR, sent.SerializeToString(deterministic=True))
        if answer != expected:
            sys.exit(f"value {index} ({name}):\n  expected {expected.hex()}\n"
                     f"  received {answer.hex()}\n{sent}")
        received = classes[name].FromString(answer)
        if received != sent:
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
            fill(rng, message, Limits(folder))
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
        make(classes, Limits(arguments.folder), arguments.values, arguments.count, arguments.seed)
    else:
        check(classes, arguments.values, arguments.answers)


if __name__ == "__main__":
    main()
