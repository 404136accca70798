"""Draws schemas at random: every construct of the language, in any combination."""
import random

SCALARS = ["bool", "int32", "int64", "uint32", "uint64", "float", "double", "string", "bytes",
           "timestamp", "duration", "uuid"]
KEYS = ["bool", "int32", "int64", "uint32", "uint64", "string"]
BITS = {"int32": (True, 32), "int64": (True, 64), "uint32": (False, 32), "uint64": (False, 64)}


def snake(name):
    out = ""
    for index, letter in enumerate(name):
        if letter.isupper() and index > 0:
            ends = not name[index - 1].isupper()
            starts = index + 1 < len(name) and name[index + 1].islower()
            out += "_" if ends or starts else ""
        out += letter.lower()
    return out


class Drawing:
    """One schema, and what its .proto does not say of the fields."""

    def __init__(self, rng, index, messages):
        self.rng = rng
        self.package = f"drawn.s{index}.v1"
        self.prefix = f"S{index}"
        self.lines = [f"package {self.package}", ""]
        self.limits = {}
        self.enums = []
        # By the path of names in the schema.
        self.messages = []
        self.nested = 0
        for number in range(rng.randrange(1, 4)):
            self.enumeration(f"{self.prefix}E{number}", "", "")
        for number in range(messages):
            self.message(f"{self.prefix}M{number}", "", "")
        self.text = "\n".join(self.lines) + "\n"

    def enumeration(self, name, path, indent):
        rng = self.rng
        self.lines.append(f"{indent}enum {name} {{")
        numbers = {0} | {rng.choice([rng.randrange(1, 9), rng.randrange(-2**31, 2**31)])
                         for _ in range(rng.randrange(6))}
        for place, number in enumerate(sorted(numbers, key=lambda n: (rng.random(), n))):
            note = ' (deprecated "no more")' if rng.random() < 0.1 else ""
            self.lines.append(f"{indent}    value{place} = {number}{note}")
        self.lines.append(f"{indent}}}")
        self.enums.append((path + name, len(path.split("."))))

    def message(self, name, path, indent):
        rng, full = self.rng, path + name
        depth = indent + "    "
        self.lines.append(f"{indent}message {name} {{")
        if len(indent) < 8 and rng.random() < 0.3:
            self.nested += 1
            self.message(f"Inner{self.nested}", full + ".", depth)
        if rng.random() < 0.2:
            self.nested += 1
            self.enumeration(f"Kind{self.nested}", full + ".", depth)
        numbers = rng.sample(range(1, 40), 24) + [rng.randrange(3000, 18_000), 536_870_911]
        # Protobuf's own runtimes may be asked in any order.
        rng.shuffle(numbers)
        if rng.random() < 0.7:
            numbers.sort()
        count = rng.randrange(0, 12)
        oneof = None
        for place in range(count):
            name = rng.choice(["f", "someField", "logID", "aURL", "x"]) + str(place)
            number = numbers[place]
            if oneof is None and rng.random() < 0.12:
                oneof = place
                self.lines.append(f"{depth}oneof choice{place} {{")
            if oneof is not None:
                self.field(full, name, number, depth + "    ", "choice")
                if rng.random() < 0.4 or place == count - 1:
                    oneof = None
                    self.lines.append(f"{depth}}}")
            else:
                self.field(full, name, number, depth, None)
        if rng.random() < 0.2:
            self.lines.append(f'{depth}reserved 600...700, "gone"')
        self.lines.append(f"{indent}}}")
        self.messages.append(full)

    def element(self, isPlain=False):
        """A type, its options, and its limits."""
        rng = self.rng
        pick = rng.random()
        if pick < 0.12 and self.messages:
            return rng.choice(self.messages), [], {}
        if pick < 0.24 and self.enums:
            return rng.choice(self.enums)[0], [], {}
        kind = rng.choice(SCALARS)
        options, limit = [], {}
        if kind in ("string", "bytes") and rng.random() < 0.8:
            low = 0 if isPlain else rng.choice([0, 0, rng.randrange(1, 5)])
            high = low + rng.randrange(1, 30)
            options, limit = [f"max {high}"] + ([f"min {low}"] if low else []), {"min": low, "max": high}
        elif kind in BITS and rng.random() < 0.3:
            signed, bits = BITS[kind]
            low = rng.randrange(-100 if signed else 0, 1 if isPlain else 100)
            high = max(low, 0 if isPlain else low) + rng.randrange(0, 1000)
            if rng.random() < 0.2:
                high = (1 << (bits - signed)) - 1
            options, limit = [f"range {low}...{high}"], {"low": str(low), "high": str(high)}
        elif kind in ("float", "double") and rng.random() < 0.2:
            low, high = -rng.randrange(0, 4) - 0.5, rng.randrange(1, 9) + 0.25
            options, limit = [f"range {low}...{high}"], {"low": str(low), "high": str(high)}
        elif kind == "uuid":
            limit = {"uuid": True}
        return kind, options, limit

    def field(self, message, name, number, indent, oneof):
        rng = self.rng
        form = rng.choice(["plain", "plain", "optional", "list", "map"])
        if oneof:
            form = "choice"
        options = []

        def inside(kind, options):
            return f"{kind} ({', '.join(options)})" if options else kind

        if form in ("list", "map"):
            # Only these may lead back to the message itself.
            kind, inner, limit = self.element()
            if rng.random() < 0.1:
                kind, inner, limit = message, [], {}
            count = rng.choice([1000, rng.randrange(1, 20)])
            options = [] if count == 1000 else [f"max {count}"]
            limit = dict(limit, count=count)
            if form == "map":
                key, key_limit, key_options = rng.choice(KEYS), {}, []
                if key == "string":
                    key_limit, key_options = {"max": 20}, ["max 20"]
                limit["key"] = key_limit
                type = f"map<{inside(key, key_options)}, {inside(kind, inner)}>"
            else:
                type = f"list<{inside(kind, inner)}>"
        else:
            kind, options, limit = self.element(isPlain=form == "plain")
            type = kind + ("?" if form == "optional" else "")
        if rng.random() < 0.05:
            options = options + ["redact"]
        if rng.random() < 0.05:
            options = options + ['deprecated "no more"']
        tail = f" ({', '.join(options)})" if options else ""
        self.lines.append(f"{indent}{name}: {type} = {number}{tail}")
        self.limits[f"{self.package}.{message}.{snake(name)}"] = limit


def draw(count, messages, seed):
    """Schemas and limits: the texts by their file names, and one dictionary for all."""
    rng = random.Random(seed)
    files, limits = {}, {}
    for index in range(count):
        drawing = Drawing(rng, index, messages)
        files[f"s{index}.rpc"] = drawing.text
        limits.update(drawing.limits)
    return files, limits
