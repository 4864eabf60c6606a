"""
A network in user space beside the bridge: every node has a point-to-point device here, and packets that are routed to it
are given to their receiver late, out of order or not at all. One JSON command a line on standard input:
{"from": 1, "to": 2, "delay": 0.05, "jitter": 0.02, "loss": 0.1} for one direction; ends with standard input.

Usage: link-proxy.py <seed> <namespace> <namespace> ...; node n is 10.77.0.n and the n-th namespace.
"""

import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x1001
CLONE_NEWNET = 0x40000000
MTU = 65536

libc = ctypes.CDLL(None, use_errno=True)


def open_device(namespace):
    """The device `link0` of a namespace; it lives as long as what is returned is open."""
    with open(f"/run/netns/{namespace}") as target:
        if libc.setns(target.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", b"link0", IFF_TUN_NO_PI))
    return device


class Network:
    def __init__(self, seed, namespaces):
        self.random = random.Random(seed)
        self.devices = {n: open_device(name) for n, name in enumerate(namespaces, 1)}
        self.nodes = {device: n for n, device in self.devices.items()}
        self.links = {}
        self.waiting = []
        self.count = 0
        self.begun = b""

    def commands(self):
        """False at the end of the input."""
        read = os.read(0, MTU)
        *lines, self.begun = (self.begun + read).split(b"\n")
        for line in lines:
            order = json.loads(line)
            self.links[order["from"], order["to"]] = order
        return read != b""

    def receive(self, device):
        while True:
            try:
                packet = os.read(device, MTU)
            except BlockingIOError:
                return
            if packet[0] >> 4 == 4 and packet[16:19] == b"\x0a\x4d\x00":
                self.take(packet, self.nodes[device], packet[19])

    def take(self, packet, source, target):
        link = self.links.get((source, target), {})
        if target not in self.devices or self.random.random() < link.get("loss", 0):
            return
        late = link.get("delay", 0) + link.get("jitter", 0) * self.random.random()
        self.count += 1
        heapq.heappush(self.waiting, (time.monotonic() + late, self.count, target, packet))

    def deliver(self):
        """What is due; gives the seconds until the next is."""
        while self.waiting:
            left = self.waiting[0][0] - time.monotonic()
            if left > 0:
                return left
            _, _, target, packet = heapq.heappop(self.waiting)
            try:
                os.write(self.devices[target], packet)
            except OSError:
                # Its queue is full, or the device is down: as a real link, it drops.
                pass
        return None

    def run(self):
        poll = select.poll()
        for source in [0, *self.nodes]:
            poll.register(source, select.POLLIN)
        while True:
            left = self.deliver()
            for source, _ in poll.poll(None if left is None else max(1, left * 1000)):
                if source != 0:
                    self.receive(source)
                elif not self.commands():
                    return


network = Network(int(sys.argv[1]), sys.argv[2:])
print("ready", flush=True)
network.run()
