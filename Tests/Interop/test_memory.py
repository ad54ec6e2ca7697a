"""SUB-4: fifty subscribers that do not read cost bounded memory and delay no one."""
import sys
import unittest

import grpc
import umadb_pb2
import umadb_pb2_grpc
from servers import Server

STALLED = 50
MEGABYTES = 40


@unittest.skipUnless(sys.platform == "linux", "reads /proc")
class Stalled(unittest.TestCase):
    def resident(self) -> float:
        with open(f"/proc/{self.server.process.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) / 1024

    def test_stalled_subscribers(self) -> None:
        self.server = Server("sillok")
        self.addCleanup(self.server.stop)
        channel = grpc.insecure_channel(self.server.target)
        self.addCleanup(channel.close)
        stub = umadb_pb2_grpc.DCBStub(channel)
        event = umadb_pb2.Event(event_type="noted", data=b"x" * 1000)
        # What the store itself keeps in memory has grown before.
        for _ in range(MEGABYTES):
            stub.Append(umadb_pb2.AppendRequest(events=[event] * 1000))
        idle = self.resident()

        calls, channels = [], []
        for number in range(STALLED):
            own = grpc.insecure_channel(self.server.target, [("grpc.use_local_subchannel_pool", 1)])
            channels.append(own)
            self.addCleanup(own.close)
            calls.append(umadb_pb2_grpc.DCBStub(own).Subscribe(umadb_pb2.SubscribeRequest(after=MEGABYTES * 1000)))
            calls[-1].initial_metadata()
        for _ in range(MEGABYTES):
            stub.Append(umadb_pb2.AppendRequest(events=[event] * 1000))
        head = stub.Head(umadb_pb2.HeadRequest()).position
        self.assertEqual(2 * MEGABYTES * 1000, head)
        grown = self.resident() - idle
        print(f"SUB-4: {STALLED} stalled subscribers, {MEGABYTES} MB appended: {grown:.0f} MB above idle ({idle:.0f} MB)")
        self.assertLess(grown, 64)

        # Who reads again misses nothing.
        positions = []
        for batch in calls[0]:
            positions += [e.position for e in batch.events]
            if positions[-1] == head:
                break
        self.assertEqual(list(range(MEGABYTES * 1000 + 1, head + 1)), positions)
        for call in calls:
            call.cancel()


if __name__ == "__main__":
    unittest.main()
