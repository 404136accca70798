#!/usr/bin/env python3
"""Lets pyzk, the client that most installations use, talk to a device and tell what it saw.

    pyzk-judge.py read  HOST:PORT [--key N]            users and log
    pyzk-judge.py drive HOST:PORT [--key N]            every call that changes or asks something
    pyzk-judge.py live  HOST:PORT [--key N] --count N  N live punches
    pyzk-judge.py login HOST:PORT [--key N]            connects and disconnects
    pyzk-judge.py enrol HOST:PORT [--key N]            a finger of user 1
    pyzk-judge.py restart|poweroff HOST:PORT [--key N] the end of a device
    pyzk-judge.py time  HOST:PORT [--key N] --rounds N reads the log and prints seconds

With --judge pyzk2 it is that client, and with --udp it speaks UDP.

The last line on the standard output is JSON: what was seen, or {"error": "..."}.
pyzk is GPL-2.0 and is only run here, from the outside.
"""
import argparse
import hashlib
import importlib
import json
import signal
import sys
import time
from datetime import datetime

from zk.finger import Finger
from zk.user import User


def user(u):
    return {"uid": u.uid, "userID": u.user_id, "name": u.name, "privilege": u.privilege,
            "password": u.password, "card": u.card}


def finger(f):
    """A template is told by its place, length and a hash, never by its bytes."""
    return {"uid": f.uid, "finger": f.fid, "valid": f.valid, "bytes": len(f.template),
            "hash": hashlib.sha256(f.template).hexdigest()}


def punch(a):
    return {"uid": str(a.uid), "userID": a.user_id, "time": a.timestamp.isoformat(),
            "verify": a.status, "state": a.punch}


def read(device, _):
    device.read_sizes()
    sizes = {"users": device.users, "records": device.records,
             "userCapacity": device.users_cap, "recordCapacity": device.rec_cap}
    return {"users": [user(u) for u in device.get_users()],
            "log": [punch(a) for a in device.get_attendance()], "sizes": sizes}


def drive(device, _):
    seen = {
        "serial": device.get_serialnumber(), "firmware": device.get_firmware_version(),
        "platform": device.get_platform(), "name": device.get_device_name(),
        "mac": device.get_mac(), "pinWidth": device.get_pin_width(),
        "time": device.get_time().isoformat(), "fingerprints": device.get_fp_version(),
        "faces": device.get_face_version(), "network": device.get_network_params(),
    }
    device.get_extend_fmt()
    device.get_user_extend_fmt()
    device.get_face_fun_on()
    device.get_compat_old_firmware()
    seen["build"] = bool(device.set_sdk_build_1())
    device.set_time(datetime(2031, 12, 31, 23, 59, 58))
    seen["timeSet"] = device.get_time().isoformat()
    device.disable_device()
    device.enable_device()
    device.disable_device()
    seen["usersBefore"] = [user(u) for u in device.get_users()]
    device.set_user(uid=900, name="Zoë Night", privilege=14, password="5678", group_id="1",
                    user_id="4711", card=123456)
    device.set_user(uid=901, name="Gone", user_id="4712")
    seen["usersBetween"] = [user(u) for u in device.get_users()]
    device.delete_user(uid=901)
    seen["usersAfter"] = [user(u) for u in device.get_users()]
    templates(device, seen)
    seen["unlock"] = bool(device.unlock(3))
    device.reg_event(0xFFFF)
    device.reg_event(0)
    device.test_voice(10)
    device.free_data()
    device.refresh_data()
    device.cancel_capture()
    device.verify_user()
    device.clear_attendance()
    device.read_sizes()
    seen["recordsAfter"] = device.records
    device.enable_device()
    return seen


def templates(device, seen):
    """Uploads, reads, deletes and enrols fingers of user 900."""
    night = User(900, "Zoë Night", 14, "5678", "1", "4711", 123456)
    given = [Finger(900, 0, 1, bytes(range(1, 201))), Finger(900, 5, 1, b"\xa5" * 480)]
    device.save_user_template(night, given)
    seen["templates"] = [finger(f) for f in device.get_templates()]
    seen["template"] = finger(device.get_user_template(900, 5))
    seen["noTemplate"] = device.get_user_template(900, 7) is None
    seen["templateDeleted"] = bool(device.delete_user_template(uid=900, temp_id=5))
    seen["templateGone"] = device.get_user_template(900, 5) is None
    seen["enrolled"] = bool(device.enroll_user(uid=900, temp_id=6))
    seen["enrolledTemplate"] = finger(device.get_user_template(900, 6))
    seen["hashes"] = [finger(f)["hash"] for f in given]


def live(device, options):
    punches = []
    for event in device.live_capture(new_timeout=30):
        if event is None:
            raise RuntimeError("no live punch within 30 s")
        punches.append(punch(event))
        if len(punches) == options.count:
            device.end_live_capture = True
    device.get_time()
    return {"punches": punches}


def login(_, __):
    return {}


def enrol(device, _):
    return {"enrolled": bool(device.enroll_user(uid=1, temp_id=6))}


def restart(device, _):
    return {"done": bool(device.restart())}


def poweroff(device, _):
    return {"done": bool(device.poweroff())}


class Unfinished(BaseException):
    """The time is over; no Exception, so that pyzk does not take it for one of its own."""


def give_up(*_):
    raise Unfinished


def measure(device, options):
    seconds, processor = [], []
    for _ in range(options.rounds):
        start, processor_start = time.perf_counter(), time.process_time()
        signal.signal(signal.SIGALRM, give_up)
        signal.alarm(options.limit)
        try:
            count = len(device.get_attendance())
        except Unfinished:
            return {"unfinished": True, "seconds": [time.perf_counter() - start],
                    "processor": [time.process_time() - processor_start]}
        finally:
            signal.alarm(0)
        seconds.append(time.perf_counter() - start)
        processor.append(time.process_time() - processor_start)
    return {"records": count, "seconds": seconds, "processor": processor}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    calls = {"read": read, "drive": drive, "live": live, "login": login, "time": measure,
             "enrol": enrol, "restart": restart, "poweroff": poweroff}
    parser.add_argument("call", choices=calls)
    parser.add_argument("address")
    parser.add_argument("--key", type=int, default=0)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=int, default=0, help="seconds for a read; 0: no end")
    parser.add_argument("--judge", choices=["zk", "pyzk2"], default="zk")
    parser.add_argument("--udp", action="store_true")
    options = parser.parse_args()
    host, port = options.address.rsplit(":", 1)
    try:
        device = importlib.import_module(options.judge).ZK(
            host, port=int(port), timeout=60, password=options.key, force_udp=options.udp,
            ommit_ping=True).connect()
        result = calls[options.call](device, options)
        # After a restart there is nobody to take leave of.
        if options.call not in ("restart", "poweroff"):
            device.disconnect()
    except Exception as error:
        result = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(result))
    return 1 if "error" in result else 0


if __name__ == "__main__":
    sys.exit(main())
