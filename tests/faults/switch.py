"""Joins network namespaces by packets of its own: delay, loss and one-way silence on any kernel, without netem.

Each namespace gets a device `sr0`, and so does the one that this runs in, with number 0; number N has the address 10.77.0.(N+1). Packets go
through this process, which keeps, for each ordered pair of numbers, whether they pass, how late, and how many of them are lost.

    switch.py SEED NAMESPACE...     says `ready`, then reads commands as lines of JSON:
    {"from": 1, "to": 2, "drop": false, "delay": 0.05, "loss": 0.01}

It ends when its standard input does. Needs root.
"""

import ctypes
import fcntl
import heapq
import json
import os
import random
import selectors
import struct
import subprocess
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x1, 0x1000
CLONE_NEWNET = 0x40000000
MTU = 9000
# Packets under way at once; more are lost, as in a full queue.
QUEUE = 20_000
PREFIX = b"\x0a\x4d\x00"


def device(number, namespace, libc):
    """The device of a namespace, up and with its address."""
    if namespace:
        with open(f"/run/netns/{namespace}") as handle:
            if libc.setns(handle.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f"setns {namespace}")
    name = "sr0" if namespace else f"sr{os.getpid()}"[:15]
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    for command in (
        ["ip", "link", "set", "lo", "up"],
        ["ip", "link", "set", name, "mtu", str(MTU), "up"],
        ["ip", "address", "add", f"10.77.0.{number + 1}/24", "dev", name],
    ):
        subprocess.run(command, check=True)
    return tun


def main():
    chance = random.Random(int(sys.argv[1]))
    libc = ctypes.CDLL(None, use_errno=True)
    own = os.open("/proc/self/ns/net", os.O_RDONLY)
    tuns = []
    for number, namespace in enumerate(["", *sys.argv[2:]]):
        tuns.append(device(number, namespace, libc))
        if libc.setns(own, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    rules = {}
    waiting = []
    order = 0
    commands = b""
    selector = selectors.DefaultSelector()
    for number, tun in enumerate(tuns):
        selector.register(tun, selectors.EVENT_READ, number)
    selector.register(0, selectors.EVENT_READ, None)
    print("ready", flush=True)

    def send(to, packet):
        try:
            os.write(tuns[to], packet)
        except OSError:
            pass  # A device that cannot take a packet loses it.

    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, to, packet = heapq.heappop(waiting)
            send(to, packet)
        patience = max(0.0, waiting[0][0] - now) if waiting else None
        for key, _ in selector.select(patience):
            if key.data is None:
                read = os.read(0, 65536)
                if not read:
                    return
                *lines, commands = (commands + read).split(b"\n")
                for line in lines:
                    rule = json.loads(line)
                    rules[rule["from"], rule["to"]] = (rule["drop"], rule["delay"], rule["loss"])
                    print("done", flush=True)
                continue
            for _ in range(64):
                try:
                    packet = os.read(tuns[key.data], MTU)
                except BlockingIOError:
                    break
                if len(packet) < 20 or packet[0] >> 4 != 4 or packet[16:19] != PREFIX:
                    continue
                to = packet[19] - 1
                if not 0 <= to < len(tuns) or to == key.data:
                    continue
                drop, delay, loss = rules.get((key.data, to), (False, 0, 0))
                if drop or (loss and chance.random() < loss):
                    continue
                if not delay:
                    send(to, packet)
                elif len(waiting) < QUEUE:
                    order += 1
                    heapq.heappush(waiting, (time.monotonic() + delay, order, to, packet))


main()
