#!/usr/bin/env python3
"""Compares the codec with swift-protobuf and C++ protobuf on the same messages with the same bytes.
Builds what is missing (see `build`), checks that all encodings are the same to the byte, and then measures row by row, the
programs one after another on one core, in several rounds; prints medians as Markdown tables.
  run.py --rounds 5 --out results.jsonl      everything
  run.py --rows page --rounds 3              only the page of punches (rows by the beginnings of their names)
  run.py --build                             builds again what has changed, then measures"""
import argparse, json, os, statistics as st, subprocess, sys
from collections import defaultdict
HERE = os.path.dirname(os.path.abspath(__file__)); R = HERE + "/.build/release/"
PROGRAMS = {"ours": R + "Ours", "swift-protobuf": R + "SwiftProtobufSide", "c++": HERE + "/.build/cpp/bench", "foundation": R + "FoundationSide"}
CODECS = ["ours", "swift-protobuf", "c++"]
MESSAGES = {"request": "small request", "punch": "punch", "page": "page of 1,000 punches", "blob": "1 MiB of bytes"}
# (row, who has it); a row is measured for one after the other before the next row begins
ROWS = [(f"{m}.{w}", CODECS) for m in MESSAGES for w in ("encode", "decode")]
ROWS += [(f"{m}.encode-reused", ["ours"]) for m in MESSAGES] + [("memcpy.same", ["c++"]), ("memcpy.fresh", ["c++"])]
ROWS += [(f"{m}.{w}-floor", ["ours"]) for m in ("request", "punch") for w in ("encode", "decode")]
ROWS += [("json-page.encode", ["ours", "foundation"]), ("json-page.decode", ["ours", "foundation"])]
ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("--rounds", type=int, default=5, help="how often everything is measured (5)")
ap.add_argument("--secs", default="0.3", help="processor time of a measurement (0.3)"); ap.add_argument("--warm", default="0.1", help="and of its warm-up (0.1)")
ap.add_argument("--core", default="1", help="the core that programs are pinned to (1)"); ap.add_argument("--rows", default="", help="beginnings of the names of rows, with commas")
ap.add_argument("--build", action="store_true", help="build first, also what is there"); ap.add_argument("--jobs", help="compilers at a time")
ap.add_argument("--out", help="append each measurement to this file as a line of JSON"); a = ap.parse_args()
if a.build or not all(os.path.exists(p) for p in PROGRAMS.values()):
    subprocess.run([HERE + "/build"] + (["-j", a.jobs] if a.jobs else []), check=True, stdout=sys.stderr)
def output(program, *args): return subprocess.run(["taskset", "-c", a.core, PROGRAMS[program], *args], check=True, stdout=subprocess.PIPE).stdout
size = {}
for m in MESSAGES:
    encoded = {p: output(p, "--bytes", m) for p in CODECS}; size[m] = len(encoded["ours"])
    for p in CODECS:
        if encoded[p] != encoded["ours"]: sys.exit(f"run.py: {p} encodes {m} otherwise than ours ({len(encoded[p])} bytes and {size[m]})")
size["json-page"] = len(output("foundation", "--bytes", "json-page")); size["memcpy"] = 1 << 20
print("the encodings are the same to the byte: " + ", ".join(f"{m} {size[m]:,} B" for m in MESSAGES), file=sys.stderr)
wanted = [r for r in ROWS if not a.rows or any(r[0].startswith(b) for b in a.rows.split(","))]
taken = defaultdict(list)
for rnd in range(1, a.rounds + 1):
    for row, programs in wanted:
        for p in programs:
            j = dict(json.loads(output(p, "--row", row, "--secs", a.secs, "--warm", a.warm)), program=p, round=rnd)
            taken[(row, p)].append(j["ns"])
            if a.out: open(a.out, "a").write(json.dumps(j) + "\n")
    print(f"round {rnd} of {a.rounds}", file=sys.stderr)
def ns(row, p): v = taken.get((row, p)); return st.median(v) if v else None
def time(x): return "-" if x is None else f"{x:,.1f}" if x < 1000 else f"{x:,.0f}"
def ratio(x, y): return "-" if x is None or y is None else f"{x / y:.2f}"
def rate(row, p): x = ns(row, p); return "-" if x is None else f"{size[row.split('.')[0]] / x * 1000:,.0f}"
def spread(row, p): v = taken.get((row, p)); return "-" if not v else f"{(max(v) - min(v)) / st.median(v) * 100:.0f} %"
print("| row | bytes | ours ns | swift-protobuf ns | C++ ns | ours : swift-protobuf | ours : C++ | ours MB/s | swift-protobuf MB/s | C++ MB/s | spread ours |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
for row, programs in wanted:
    if programs != CODECS: continue
    m, what = row.split("."); o, s, c = (ns(row, p) for p in CODECS)
    print(f"| {MESSAGES[m]}, {what} | {size[m]:,} | {time(o)} | {time(s)} | {time(c)} | {ratio(o, s)} | {ratio(o, c)} | {rate(row, 'ours')} | {rate(row, 'swift-protobuf')} | {rate(row, 'c++')} | {spread(row, 'ours')} |")
reused = [r for r, _ in wanted if r.endswith("-reused")]
if reused:
    print("\nOurs into the buffer of the time before, which nobody else does here:\n\n| row | ns | to a fresh array |\n|---|--:|--:|")
    for row in reused: print(f"| {MESSAGES[row.split('.')[0]]} | {time(ns(row, 'ours'))} | {ratio(ns(row, 'ours'), ns(row.replace('-reused', ''), 'ours'))} |")
floors = [r for r, _ in wanted if r.endswith("-floor") and ns(r.replace("-floor", ""), "swift-protobuf")]
if floors:
    print("\nWhat the values alone cost, a new array of the same bytes, and the message made of values that are known:\n\n| row | floor | ours | ours : floor | swift-protobuf : floor |\n|---|--:|--:|--:|--:|")
    for row in floors: y, r = ns(row, "ours"), row.replace("-floor", ""); print(f"| {MESSAGES[row.split('.')[0]]}, {r.split('.')[1]} | {time(y)} | {time(ns(r, 'ours'))} | {ratio(ns(r, 'ours'), y)} | {ratio(ns(r, 'swift-protobuf'), y)} |")
if ns("memcpy.same", "c++"):
    print("\nOne copy of 1 MiB, and the rows of 1 MiB as so many copies:\n\n| | ns | ours encode | ours encode, reused | ours decode | swift-protobuf encode | decode | C++ encode | decode |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for row, name in (("memcpy.same", "into the same memory"), ("memcpy.fresh", "malloc, copy, free")):
        y = ns(row, "c++"); print(f"| {name} | {time(y)} | " + " | ".join(ratio(ns(r, p), y) for r, p in [("blob.encode", "ours"), ("blob.encode-reused", "ours"), ("blob.decode", "ours"), ("blob.encode", "swift-protobuf"), ("blob.decode", "swift-protobuf"), ("blob.encode", "c++"), ("blob.decode", "c++")]) + " |")
if ns("json-page.encode", "foundation"):
    print(f"\nThe page as JSON ({size['json-page']:,} bytes of Foundation):\n\n| row | ours ns | Foundation ns | ours : Foundation | Foundation MB/s |\n|---|--:|--:|--:|--:|")
    for w in ("encode", "decode"): r = f"json-page.{w}"; print(f"| {w} | {time(ns(r, 'ours'))} | {time(ns(r, 'foundation'))} | {ratio(ns(r, 'ours'), ns(r, 'foundation'))} | {rate(r, 'foundation')} |")
