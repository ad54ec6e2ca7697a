"""grpcio, compiled from the .proto files in Sources/SillokWire/Protos, against our server: codes, details, transport."""
import threading
import unittest
from uuid import uuid4

import grpc
import health_pb2
import health_pb2_grpc
import sillok_pb2
import sillok_pb2_grpc
import umadb_pb2
import umadb_pb2_grpc
from servers import Server


class Case(unittest.TestCase):
    def setUp(self) -> None:
        self.server = Server("sillok")
        self.addCleanup(self.server.stop)
        self.channel = grpc.insecure_channel(self.server.target)
        self.addCleanup(self.channel.close)
        self.uma = umadb_pb2_grpc.DCBStub(self.channel)
        self.own = sillok_pb2_grpc.EventStoreStub(self.channel)

    def append(self, *events, **parts) -> int:
        return self.uma.Append(umadb_pb2.AppendRequest(events=events, **parts)).position

    def fails(self, code: grpc.StatusCode, error_type, body) -> grpc.RpcError:
        with self.assertRaises(grpc.RpcError) as caught:
            body()
        self.assertEqual(code, caught.exception.code(), caught.exception)
        if error_type is not None:
            details = dict(caught.exception.trailing_metadata())["grpc-status-details-bin"]
            response = umadb_pb2.ErrorResponse.FromString(details)
            self.assertEqual((error_type, caught.exception.details()), (response.error_type, response.message))
        return caught.exception


def event(kind: str = "noted", **parts) -> umadb_pb2.Event:
    return umadb_pb2.Event(event_type=kind, **parts)


class UmaDB(Case):
    def test_statuses_and_their_details(self) -> None:
        types = umadb_pb2.ErrorResponse
        self.append(event())
        condition = umadb_pb2.AppendCondition()
        self.fails(grpc.StatusCode.FAILED_PRECONDITION, types.INTEGRITY, lambda: self.append(event(), condition=condition))
        self.fails(grpc.StatusCode.FAILED_PRECONDITION, types.INTEGRITY, lambda: self.append(condition=condition))
        self.fails(grpc.StatusCode.INVALID_ARGUMENT, types.INVALID_ARGUMENT, lambda: self.append(event("")))
        self.fails(grpc.StatusCode.DATA_LOSS, types.CORRUPTION, lambda: self.append(event(uuid="no id")))
        twice = [umadb_pb2.MetadataEntry(key="a", value="1"), umadb_pb2.MetadataEntry(key="a", value="2")]
        self.fails(grpc.StatusCode.INVALID_ARGUMENT, types.INVALID_ARGUMENT, lambda: self.append(event(metadata=twice)))
        tracking = umadb_pb2.TrackingInfo(source="x", position=1)
        # Progress without an event moves, and only forwards.
        self.append(tracking_info=tracking)
        self.fails(grpc.StatusCode.FAILED_PRECONDITION, types.INTEGRITY, lambda: self.append(tracking_info=tracking))
        self.fails(grpc.StatusCode.INVALID_ARGUMENT, types.INVALID_ARGUMENT,
                   lambda: list(self.uma.Read(umadb_pb2.ReadRequest(subscribe=True))))
        self.assertEqual(1, self.uma.Head(umadb_pb2.HeadRequest()).position)

    def test_ids_in_any_form(self) -> None:
        id = uuid4()
        self.append(event(uuid=id.hex.upper()))
        self.append(event(uuid=str(id)))
        self.append(event(uuid="{%s}" % str(uuid4()).upper()))
        found = [e.event.uuid for batch in self.uma.Read(umadb_pb2.ReadRequest()) for e in batch.events]
        self.assertEqual(2, len(found))
        self.assertEqual(str(id), found[0])

    def test_one_batch_without_events_when_nothing_matches(self) -> None:
        read = lambda **parts: list(self.uma.Read(umadb_pb2.ReadRequest(**parts)))
        [empty] = read()
        self.assertEqual((0, False), (len(empty.events), empty.HasField("head")))
        self.append(event(), event())
        none = umadb_pb2.Query(items=[umadb_pb2.QueryItem(types=["none"])])
        self.assertEqual([(0, 2)], [(len(b.events), b.head) for b in read(query=none)])
        self.assertEqual([False], [b.HasField("head") for b in read(query=none, limit=1)])
        self.assertEqual([(1, 1)], [(len(b.events), b.head) for b in read(limit=1)])
        self.assertEqual([(1, 2), (1, 2)], [(len(b.events), b.head) for b in read(batch_size=1)])
        self.assertEqual([], read(limit=0))
        self.assertFalse(self.uma.GetTrackingInfo(umadb_pb2.TrackingRequest(source="x")).HasField("position"))

    def test_headers_come_before_there_is_an_event(self) -> None:
        call = self.uma.Subscribe(umadb_pb2.SubscribeRequest())
        self.assertIsNotNone(call.initial_metadata())
        self.append(event())
        self.assertEqual([1], [e.position for e in next(call).events])
        call.cancel()

    def test_large_events_come_in_messages_that_clients_take(self) -> None:
        for _ in range(6):
            self.append(event(data=b"x" * 1_000_000))
        sizes = [sum(len(e.event.data) for e in b.events) for b in self.uma.Read(umadb_pb2.ReadRequest())]
        self.assertEqual(6_000_000, sum(sizes))

    def test_the_former_name_of_the_service(self) -> None:
        head = self.channel.unary_unary(
            "/umadb.UmaDBService/Head", request_serializer=umadb_pb2.HeadRequest.SerializeToString,
            response_deserializer=umadb_pb2.HeadResponse.FromString)
        self.assertFalse(head(umadb_pb2.HeadRequest()).HasField("position"))


class Transport(Case):
    def raw(self, path: str, message: bytes = b"", **options) -> bytes:
        return self.channel.unary_unary(path)(message, **options)

    def test_what_is_not_there(self) -> None:
        for path in ["/umadb.v1.DCB/None", "/none/Head"]:
            self.fails(grpc.StatusCode.UNIMPLEMENTED, None, lambda: self.raw(path))

    def test_compressed_messages_are_refused(self) -> None:
        self.fails(grpc.StatusCode.UNIMPLEMENTED, None, lambda: self.uma.Append(
            umadb_pb2.AppendRequest(events=[event(data=b"x" * 10_000)]), compression=grpc.Compression.Gzip))

    def test_messages_that_are_none(self) -> None:
        for message in [b"\xff", b"\x0a\x05a", b"\x0a\x02\x0a\x01"]:
            self.fails(grpc.StatusCode.INVALID_ARGUMENT, umadb_pb2.ErrorResponse.SERIALIZATION,
                       lambda: self.raw("/umadb.v1.DCB/Append", message))

    def test_a_message_that_is_too_large(self) -> None:
        self.fails(grpc.StatusCode.RESOURCE_EXHAUSTED, None, lambda: self.raw("/umadb.v1.DCB/Append", b"x" * 20_000_000))
        self.assertEqual(1, self.append(event()), "the connection still works")

    def test_the_time_of_a_call(self) -> None:
        self.fails(grpc.StatusCode.DEADLINE_EXCEEDED, None,
                   lambda: list(self.uma.Subscribe(umadb_pb2.SubscribeRequest(), timeout=0.2)))

    def test_subscriptions_end_with_a_status_when_the_server_stops(self) -> None:
        call = self.uma.Subscribe(umadb_pb2.SubscribeRequest())
        call.initial_metadata()
        threading.Timer(0.2, self.server.ask_to_stop).start()
        self.fails(grpc.StatusCode.UNAVAILABLE, None, lambda: list(call))
        self.server.process.wait(timeout=20)

    def test_health(self) -> None:
        stub = health_pb2_grpc.HealthStub(self.channel)
        for name in ["", "umadb.v1.DCB", "sillok.v1.EventStore"]:
            self.assertEqual(1, stub.Check(health_pb2.HealthCheckRequest(service=name)).status)
        self.fails(grpc.StatusCode.NOT_FOUND, None, lambda: stub.Check(health_pb2.HealthCheckRequest(service="none")))
        self.assertEqual(3, next(iter(stub.Watch(health_pb2.HealthCheckRequest(service="none")))).status)


class OwnProtocol(Case):
    def test_the_seam(self) -> None:
        description = self.own.Describe(sillok_pb2.DescribeRequest())
        self.assertEqual(16, len(description.store_id))
        self.assertEqual(1 << 20, description.limits.payload_bytes)
        sent = sillok_pb2.Event(id=uuid4().bytes, type="opened", tags=["a"], content_type="application/json", payload=b"{}",
                                metadata=[sillok_pb2.MetadataEntry(key="actor", value="Ada")])
        request = sillok_pb2.AppendRequest(
            entries=[sillok_pb2.Entry(stream="account-1", event=sent)],
            revisions=[sillok_pb2.StreamRevision(stream="account-1", revision=0)],
            tracking=sillok_pb2.Tracking(source="feed", position=3))
        receipt = self.own.Append(request).receipt
        self.assertEqual((1, 1), (receipt.first_position, receipt.position))
        self.assertEqual([("account-1", 1)], [(r.stream, r.revision) for r in receipt.revisions])
        self.assertEqual(receipt, self.own.Append(request).receipt)

        everything = sillok_pb2.Query(items=[sillok_pb2.QueryItem()])
        page = self.own.Read(sillok_pb2.ReadRequest(query=everything, limit=10))
        [found] = page.events
        self.assertEqual((sent, "account-1", 1, 3), (found.event, found.stream, found.revision, found.tracking.position))
        self.assertEqual((1, 1, True), (page.through, page.head, page.is_end))
        self.assertEqual(found, self.own.GetEvent(sillok_pb2.EventRequest(id=sent.id)).event)
        self.assertEqual(1, self.own.GetStream(sillok_pb2.StreamRequest(stream="account-1")).streams[0].revision)
        self.assertEqual(1, len(self.own.ListStreams(sillok_pb2.StreamsRequest(limit=5)).streams))
        self.assertEqual(3, self.own.GetTracking(sillok_pb2.TrackingRequest(source="feed")).position)
        self.assertEqual(1, self.own.Reach(sillok_pb2.ReachRequest(position=1)).head)

        other = sillok_pb2.Event(id=uuid4().bytes, type="opened", content_type="a")
        request.entries[0].event.CopyFrom(other)
        request.ClearField("tracking")
        failure = self.own.Append(request).failure
        self.assertEqual((0, 1), (failure.conflict.streams[0].expected, failure.conflict.streams[0].actual))
        self.assertEqual([found], list(failure.conflict.events))
        self.assertEqual("empty-batch", self.own.Append(sillok_pb2.AppendRequest()).failure.invalid.reason)

    def test_streams_are_seen_through_the_protocol_of_umadb(self) -> None:
        sent = sillok_pb2.Event(id=uuid4().bytes, type="opened", content_type="a")
        self.own.Append(sillok_pb2.AppendRequest(entries=[sillok_pb2.Entry(stream="account-1", event=sent)]))
        [batch] = self.uma.Read(umadb_pb2.ReadRequest())
        metadata = {m.key: m.value for m in batch.events[0].event.metadata}
        self.assertEqual({"sillok.stream": "account-1", "sillok.revision": "1"}, metadata)


if __name__ == "__main__":
    unittest.main()
