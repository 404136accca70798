#!/usr/bin/env python3
"""Judges our mesh from outside: a client written from docs/WIRE.md and docs/IDL.md alone.

Starts rpc-bench servers with throw-away certificates, calls them, breaks each rule of the page,
and prints one line per case and a last one, `N passed, N failed`. Exit status: 0 all cases
passed, 1 some failed, 2 something needed is missing.

Needs Python 3.11 with protobuf and grpcio-tools (scripts/oracle/requirements.txt), openssl, and
built rpc-bench and RPCCodegen: swift build --product rpc-bench, --product RPCCodegen.
"""
import argparse
import concurrent.futures
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

try:
    from mesh import breaches, calls, endings, waiting  # noqa: F401  (they register cases)
    from mesh.page import ROOT, Page, Wrong
    from mesh.world import CASES, SLOW_CASES, World
except ModuleNotFoundError as missing:
    print(f"mesh-judge: {missing}; install scripts/oracle/requirements.txt", file=sys.stderr)
    sys.exit(2)


def judge(world, function):
    """What was wrong, or None; a note of the case; and the seconds that it took."""
    begun = time.monotonic()
    note, problem = None, None
    try:
        note = function(world)
    except Wrong as wrong:
        problem = str(wrong)
    except Exception:
        problem = traceback.format_exc()
    return problem, note, time.monotonic() - begun


def report(name, problem, note, seconds):
    mark = "ok  " if problem is None else "FAIL"
    print(f"{mark} {name}" + (f" ({note})" if note else "")
          + (f" [{seconds:.1f} s]" if seconds > 1 else ""), flush=True)
    if problem is not None:
        print("     " + problem.rstrip().replace("\n", "\n     "), flush=True)


def run(world, cases, slow_cases):
    """How many passed and failed."""
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(max(1, len(slow_cases))) as pool:
        slow = [(name, pool.submit(judge, world, function)) for name, function in slow_cases]
        for name, function in cases:
            result = judge(world, function)
            report(name, *result)
            failed += result[0] is not None
        for name, future in slow:
            report(name, *future.result())
            failed += future.result()[0] is not None
    for server in (world.main, world.small):
        try:
            server.check()
        except Wrong as wrong:
            report("the server lives to the end", str(wrong), None, 0)
            failed += 1
    return len(cases) + len(slow_cases) - failed, failed


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / ".build" / "debug",
                        help="folder of rpc-bench and RPCCodegen (default .build/debug)")
    parser.add_argument("--only", metavar="TEXT", help="only cases whose name has this in it")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    arguments = parser.parse_args()
    chosen = [[(name, function) for name, function in cases
               if arguments.only is None or arguments.only in name]
              for cases in (CASES, SLOW_CASES)]
    if arguments.list:
        print("\n".join(name for cases in chosen for name, _ in cases))
        return 0
    if not any(chosen):
        parser.error(f"no case has '{arguments.only}' in its name; see --list")
    programs = [arguments.build / name for name in ("rpc-bench", "RPCCodegen")]
    for program in programs:
        if not program.exists():
            parser.error(f"{program} is missing: swift build --product {program.name}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))    # so that the servers end, too
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mesh-judge-") as folder:
        world = World(Page(programs[1]), programs[0], Path(folder))
        try:
            world.start()
            passed, failed = run(world, *chosen)
        finally:
            world.stop()
    print(f"{time.monotonic() - begun:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
