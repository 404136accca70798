#!/usr/bin/env python3
"""Lets programs of two schemas exchange random messages through Google's protobuf.

    evolution.py CASES ANSWERS [--seed S]

CASES is a file of one JSON object a line, each a schema before and after a change: `old` and `new`
with a FileDescriptorSet (`set`, base64) and the limits of the fields (`limits`, by message and
number), `pairs` of messages that take one another's place, and how often to try (`wire`, `json`).
ANSWERS has a line for each: what
was lost in the binary form (`wire`) and in JSON (`json`), or null where nothing was.

A program writes a value, the other reads it and writes it again, and the first reads that. Nothing
of what both know may be lost, refused or read as something else, unless the value is outside a
limit that the reader had before it was raised, or is a value of an enum that was added.
"""
import argparse
import base64
import json
import random
import struct
import uuid
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor as Field

TIMES = {"google.protobuf.Timestamp", "google.protobuf.Duration"}
BITS = {Field.TYPE_INT32: (32, True), Field.TYPE_UINT32: (32, False),
        Field.TYPE_INT64: (64, True), Field.TYPE_UINT64: (64, False)}


class Loss(Exception):
    """Something that both know did not arrive."""


class Excused(Exception):
    """A value that the reader cannot know or take yet, by what is documented."""


class Program:
    """Messages by one schema."""

    def __init__(self, part):
        pool = descriptor_pool.DescriptorPool()
        files = descriptor_pb2.FileDescriptorSet.FromString(base64.b64decode(part["set"]))
        for file in files.file:
            pool.Add(file)
        self.pool, self.limits = pool, part["limits"]

    def message(self, name):
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(name))()

    def limit(self, field):
        return self.limits.get(field.containing_type.full_name, {}).get(str(field.number), {})


# --- values


def is_map(field):
    return field.type == Field.TYPE_MESSAGE and field.message_type.GetOptions().map_entry


def pick(rng, values, low, high):
    """One of the values that are within both ends."""
    return rng.choice([v for v in values if (low is None or v >= low)
                       and (high is None or v <= high)] or [low if low is not None else high])


def edges(limit):
    """What lies at and beside the ends of the other schema's range."""
    ends = [limit.get(name) for name in ("low", "high", "min", "max")]
    return [end + step for end in ends if end is not None for step in (-1, 0, 1)]


def text(rng, limit, other):
    length = int(pick(rng, edges(other) + [0, 1, 2, 3, 5, 9, limit.get("max", 16)],
                      limit.get("min", 0), min(limit.get("max", 16), 64)))
    return "".join(rng.choice("abc xyz019-") for _ in range(length))


def scalar(rng, field, limit, other):
    kind = field.type
    if kind == Field.TYPE_BOOL:
        return rng.random() < 0.6
    if kind in BITS:
        bits, signed = BITS[kind]
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        values = [0, 1, 2, -1, low, high, 1 << 31, 1 << 33, rng.getrandbits(bits), *edges(other)]
        return int(pick(rng, values, max(low, limit.get("low", low)),
                        min(high, limit.get("high", high))))
    if kind == Field.TYPE_ENUM:
        return rng.choice([v.number for v in field.enum_type.values] + [12345, -7])
    if kind in (Field.TYPE_FLOAT, Field.TYPE_DOUBLE):
        value = pick(rng, [0.0, 1.5, -2.25, 1e9, *map(float, edges(other))],
                     limit.get("low"), limit.get("high"))
        return struct.unpack("<f", struct.pack("<f", value))[0]
    if limit.get("uuid"):
        return rng.choice(["", str(uuid.UUID(int=rng.getrandbits(128)))])
    if kind == Field.TYPE_STRING:
        return text(rng, limit, other)
    value = text(rng, limit, other).encode()
    return value if rng.random() < 0.5 else bytes(255 - byte for byte in value)


def fill_time(rng, message):
    message.nanos = rng.choice([0, 1, 999_999_999])
    message.seconds = rng.choice([0, 1, -1, 253402300799, -62135596800])
    if message.DESCRIPTOR.full_name == "google.protobuf.Duration" and message.seconds < 0:
        message.nanos *= -1


def fill(rng, own, other, message, depth=0):
    for field in message.DESCRIPTOR.fields:
        if rng.random() < 0.3:
            continue
        limit, reader = own.limit(field), other.limit(field)
        many = range(int(pick(rng, [1, 2, reader.get("count", 1) + 1], 1,
                              limit.get("count", 3))) if depth == 0 else 1)
        if is_map(field):
            key_field, value_field = field.message_type.fields
            values = getattr(message, field.name)
            for _ in many:
                key = scalar(rng, key_field, limit.get("key", {}), reader.get("key", {}))
                if value_field.type == Field.TYPE_MESSAGE:
                    give(rng, own, other, values[key], depth)
                else:
                    values[key] = scalar(rng, value_field, limit, reader)
        elif field.is_repeated:
            values = getattr(message, field.name)
            for _ in many:
                if field.type == Field.TYPE_MESSAGE:
                    give(rng, own, other, values.add(), depth)
                else:
                    values.append(scalar(rng, field, limit, reader))
        elif field.type == Field.TYPE_MESSAGE:
            value = getattr(message, field.name)
            value.SetInParent()
            give(rng, own, other, value, depth)
        else:
            setattr(message, field.name, scalar(rng, field, limit, reader))


def give(rng, own, other, message, depth):
    if message.DESCRIPTOR.full_name in TIMES:
        fill_time(rng, message)
    elif depth < 3:
        fill(rng, own, other, message, depth + 1)


def elements(field, message):
    """The values of a field, each with the field whose type it has; keys and values for a map."""
    value = getattr(message, field.name)
    if is_map(field):
        return [(field.message_type.fields[1], value[key]) for key in value]
    if field.is_repeated:
        return [(field, item) for item in value]
    return [(field, value)] if has(field, message) else []


def has(field, message):
    if field.type == Field.TYPE_MESSAGE or field.containing_oneof is not None:
        return message.HasField(field.name)
    return True


# --- reading


def fail(is_excused, text):
    raise Excused() if is_excused else Loss(text)


def check_value(value, limit, text, is_excused):
    if limit.get("uuid"):
        if value != "" and len(value) != 36:
            raise Loss(f"{text} is no uuid")
        return
    size = len(value.encode() if isinstance(value, str) else value) \
        if isinstance(value, (str, bytes)) else None
    number = None if size is not None or isinstance(value, bool) else value
    for measured, low, high in [(size, "min", "max"), (number, "low", "high")]:
        if measured is not None and (measured < limit.get(low, measured)
                                     or measured > limit.get(high, measured)):
            fail(is_excused, f"{text} is outside the reader's limit")


def check(program, message, is_excused):
    """Refuses what a reader of ours refuses."""
    for field in message.DESCRIPTOR.fields:
        limit = program.limit(field)
        found = elements(field, message)
        if field.is_repeated and len(found) > limit.get("count", len(found)):
            fail(is_excused, f"{field.name} has too many elements")
        if is_map(field):
            for key in getattr(message, field.name):
                check_value(key, limit.get("key", {}), f"a key of {field.name}", is_excused)
        for part, value in found:
            if part.type != Field.TYPE_MESSAGE:
                check_value(value, limit, field.name, is_excused)
            elif value.DESCRIPTOR.full_name in TIMES:
                check_time(value)
            else:
                check(program, value, is_excused)


def check_time(value):
    if value.DESCRIPTOR.full_name == "google.protobuf.Timestamp":
        is_good = -62135596800 <= value.seconds <= 253402300799 and 0 <= value.nanos < 10**9
    else:
        is_good = abs(value.seconds) <= 315576000000 and value.seconds * value.nanos >= 0
    if not is_good:
        raise Loss("a time is outside its range")


def normalise(message):
    """Takes plain message fields away that are present but empty: we do not tell these apart."""
    for field in message.DESCRIPTOR.fields:
        for part, value in elements(field, message):
            if part.type != Field.TYPE_MESSAGE:
                continue
            normalise(value)
            if not field.is_repeated and field.containing_oneof is None and not value.ByteSize():
                message.ClearField(field.name)
    return message


# --- comparison


def meaning(field, message):
    """What a program sees in a field: a value or None, a list, or a dictionary."""
    value = getattr(message, field.name)
    if is_map(field):
        return {key: value[key] for key in value}
    if field.is_repeated:
        return list(value)
    return value if field.containing_oneof is None or has(field, message) else None


def compare(sent, seen):
    """The fields that both know must have one meaning."""
    for field in sent.DESCRIPTOR.fields:
        other = seen.DESCRIPTOR.fields_by_number.get(field.number)
        if other is None:
            continue
        one, two = meaning(field, sent), meaning(other, seen)
        own, its = [(f.message_type.fields[1] if is_map(f) else f) for f in (field, other)]
        if isinstance(one, dict) != isinstance(two, dict) \
                or isinstance(one, list) != isinstance(two, list):
            raise Loss(f"{field.name} is one thing here and another there")
        if isinstance(one, dict):
            if one.keys() != two.keys():
                raise Loss(f"the keys of {field.name} are others")
            one, two = [one[k] for k in one], [two[k] for k in one]
        if not isinstance(one, list):
            one, two = [one], [two]
        if len(one) != len(two):
            raise Loss(f"{field.name} has {len(one)} elements, then {len(two)}")
        for a, b in zip(one, two):
            compare_value(field.name, own, a, its, b)


def compare_value(name, own, a, its, b):
    if (a is None) != (b is None):
        raise Loss(f"{name} is absent at one side")
    if a is None:
        return
    kinds = {own.type == Field.TYPE_MESSAGE, its.type == Field.TYPE_MESSAGE}
    if len(kinds) > 1:
        raise Loss(f"{name} is a message at one side")
    if own.type == Field.TYPE_MESSAGE:
        return compare(a, b)
    if own.type == its.type == Field.TYPE_ENUM:
        known = own.enum_type.values_by_number.get(a)
        same = known and its.enum_type.values_by_number.get(b)
        short = [v.name.split("_", 1)[-1] if v else None for v in (known, same)]
        here = {v.name.split("_", 1)[-1]: v.number for v in own.enum_type.values}
        if same and short[0] != short[1] and short[1] in here:
            raise Loss(f"{name} is {short[0]}, then {short[1]}")
        there = {v.name.split("_", 1)[-1]: v.number for v in its.enum_type.values}
        if known and there.get(short[0], a) != a:
            raise Loss(f"{name} is {short[0]}, which has another number")
    a, b = [v.encode() if isinstance(v, str) else v for v in (a, b)]
    if type(a) is not type(b) and isinstance(a, bytes) | isinstance(b, bytes) or a != b:
        raise Loss(f"{name} is {a!r}, then {b!r}")


# --- the exchange


def over_wire(writer, reader, names, sent, excused):
    seen = reader.message(names[1])
    try:
        seen.ParseFromString(sent.SerializeToString())
    except Exception as error:
        raise Loss(f"the reader refuses it: {error}") from error
    check(reader, seen, excused)
    compare(sent, seen)
    back = writer.message(names[0])
    try:
        back.ParseFromString(seen.SerializeToString())
    except Exception as error:
        raise Loss(f"the writer refuses it back: {error}") from error
    one, two = [normalise(m).SerializeToString(deterministic=True) for m in (sent, back)]
    if one != two:
        raise Loss(f"{one.hex()} comes back as {two.hex()}")


def new_values(sent, seen):
    """Whether an enum of the message has a value that the reader has no name for."""
    for field in sent.DESCRIPTOR.fields:
        other = seen.fields_by_number.get(field.number)
        if other is None:
            continue
        for part, value in elements(field, sent):
            its = other.message_type.fields[1] if is_map(other) else other
            if part.type == Field.TYPE_MESSAGE:
                if its.type == Field.TYPE_MESSAGE and new_values(value, its.message_type):
                    return True
            elif part.type == its.type == Field.TYPE_ENUM:
                if value in part.enum_type.values_by_number \
                        and value not in its.enum_type.values_by_number:
                    return True
    return False


def over_json(writer, reader, names, sent, excused):
    seen, back = reader.message(names[1]), writer.message(names[0])
    if excused and new_values(sent, seen.DESCRIPTOR):
        raise Excused()
    try:
        json_format.Parse(json_format.MessageToJson(sent), seen, ignore_unknown_fields=True)
        check(reader, seen, excused)
        compare(sent, seen)
        json_format.Parse(json_format.MessageToJson(seen), back, ignore_unknown_fields=True)
    except json_format.Error as error:
        raise Loss(f"JSON is refused: {error}") from error
    compare(seen, back)


def judge(case, rng, exchange, count):
    """What is lost, or None."""
    old, new = Program(case["old"]), Program(case["new"])
    for _ in range(count):
        for names in case["pairs"]:
            for writer, reader, order in [(old, new, names), (new, old, names[::-1])]:
                sent = writer.message(order[0])
                fill(rng, writer, reader, sent)
                try:
                    # What the old schema allows, the new one must take.
                    exchange(writer, reader, order, sent, writer is new)
                except Excused:
                    continue
                except Loss as loss:
                    way = "old to new" if writer is old else "new to old"
                    return f"{order[0]}, {way}: {loss}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", type=Path)
    parser.add_argument("answers", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    answers = []
    for line in arguments.cases.read_text().splitlines():
        case = json.loads(line)
        answers.append(json.dumps({"wire": judge(case, rng, over_wire, case["wire"]),
                                   "json": judge(case, rng, over_json, case["json"])}))
    arguments.answers.write_text("\n".join(answers) + "\n")
    print(f"{len(answers)} changes")


if __name__ == "__main__":
    main()
