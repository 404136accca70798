#!/usr/bin/env python3
"""Lets pyzk, the client that most installations use, talk to a device and tell what it saw.

    pyzk-judge.py read  HOST:PORT [--key N]            users and log
    pyzk-judge.py drive HOST:PORT [--key N]            every call that changes or asks something
    pyzk-judge.py live  HOST:PORT [--key N] --count N  N live punches
    pyzk-judge.py login HOST:PORT [--key N]            connects and disconnects
    pyzk-judge.py time  HOST:PORT [--key N] --rounds N reads the log and prints seconds

With --judge pyzk2 it is that client, and with --udp it speaks UDP.

The last line on the standard output is JSON: what was seen, or {"error": "..."}.
pyzk is GPL-2.0 and is only run here, from the outside.
"""
import argparse
import importlib
import json
import sys
import time
from datetime import datetime


def user(u):
    return {"uid": u.uid, "userID": u.user_id, "name": u.name, "privilege": u.privilege,
            "password": u.password, "card": u.card}


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
    device.test_voice(0)
    device.free_data()
    device.refresh_data()
    device.cancel_capture()
    device.verify_user()
    device.clear_attendance()
    device.read_sizes()
    seen["recordsAfter"] = device.records
    device.enable_device()
    return seen


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


def measure(device, options):
    seconds = []
    for _ in range(options.rounds):
        start = time.perf_counter()
        count = len(device.get_attendance())
        seconds.append(time.perf_counter() - start)
    return {"records": count, "seconds": seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    calls = {"read": read, "drive": drive, "live": live, "login": login, "time": measure}
    parser.add_argument("call", choices=calls)
    parser.add_argument("address")
    parser.add_argument("--key", type=int, default=0)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--judge", choices=["zk", "pyzk2"], default="zk")
    parser.add_argument("--udp", action="store_true")
    options = parser.parse_args()
    host, port = options.address.rsplit(":", 1)
    try:
        device = importlib.import_module(options.judge).ZK(
            host, port=int(port), timeout=60, password=options.key, force_udp=options.udp,
            ommit_ping=True).connect()
        result = calls[options.call](device, options)
        device.disconnect()
    except Exception as error:
        result = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(result))
    return 1 if "error" in result else 0


if __name__ == "__main__":
    sys.exit(main())
