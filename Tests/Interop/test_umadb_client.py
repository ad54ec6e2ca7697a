"""UmaDB's own client, unmodified, against our server."""
import threading
import unittest
from uuid import UUID, uuid4

import umadb
from servers import Server


def event(kind: str = "noted", *tags: str, data: bytes = b"{}", uuid: UUID | None = None, **metadata: str):
    return umadb.Event(event_type=kind, data=data, tags=list(tags), uuid=uuid or uuid4(), metadata=metadata)


def query(*items: tuple[list[str], list[str]]) -> umadb.Query:
    return umadb.Query(items=[umadb.QueryItem(types=types, tags=tags) for types, tags in items])


class Case(unittest.TestCase):
    def setUp(self) -> None:
        self.server = Server("sillok")
        self.addCleanup(self.server.stop)
        self.client = umadb.Client(url=self.server.url)
        self.addCleanup(self.client.close)


class Appending(Case):
    def test_positions_and_head(self) -> None:
        self.assertIsNone(self.client.head())
        self.assertEqual(1, self.client.append([event()]))
        self.assertEqual(3, self.client.append([event(), event()]))
        self.assertEqual(3, self.client.head())

    def test_everything_is_kept(self) -> None:
        sent = event("kind", "b", "a", "b", data=bytes(range(256)), correlation="x", other="é")
        self.client.append([sent], tracking_info=umadb.TrackingInfo("feed", 0))
        [found] = list(self.client.read())
        self.assertEqual((1, "kind", ["b", "a", "b"], bytes(range(256))),
                         (found.position, found.event.event_type, found.event.tags, bytes(found.event.data)))
        self.assertEqual((sent.uuid, {"correlation": "x", "other": "é"}), (found.event.uuid, found.event.metadata))
        self.assertEqual(umadb.TrackingInfo("feed", 0), found.tracking_info)

    def test_conditions(self) -> None:
        self.client.append([event("a", "x"), event("b", "y")])
        for matching in [query((["a"], [])), query(([], ["y"])), query((["a"], ["z"]), (["b"], ["y"])), umadb.Query()]:
            with self.assertRaises(umadb.IntegrityError):
                self.client.append([event()], umadb.AppendCondition(matching))
        condition = umadb.AppendCondition(query((["a"], ["x"])), after=1)
        self.assertEqual(3, self.client.append([event()], condition))
        # A position that no log has yet belongs to another log.
        with self.assertRaises(umadb.IntegrityError):
            self.client.append([event()], umadb.AppendCondition(umadb.Query(), after=2**64 - 1))

    def test_a_conflict_with_a_large_event_is_short(self) -> None:
        self.client.append([event("a", "x", data=b"x" * 100_000)])
        with self.assertRaises(umadb.IntegrityError) as caught:
            self.client.append([event()], umadb.AppendCondition(query((["a"], []))))
        self.assertTrue(str(caught.exception).startswith("integrity error: "))
        self.assertLess(len(str(caught.exception)), 1000)

    def test_repeats(self) -> None:
        condition = umadb.AppendCondition(query(([], ["x"])))
        one, two = event("a", "x"), event("b", "x")
        self.assertEqual(2, self.client.append([one, two], condition))
        self.assertEqual(2, self.client.append([one, two], condition))
        self.assertEqual(1, self.client.append([one], condition))
        changed = event("other", uuid=one.uuid)
        self.assertEqual(1, self.client.append([changed], condition), "a repeat goes by its ids alone")
        for different in [[two, one], [one, two, event("c", "x")], [event("a", "x")]]:
            with self.assertRaises(umadb.IntegrityError):
                self.client.append(different, condition)
        self.assertEqual(2, self.client.head())

    def test_ids_are_stored_once_without_a_condition_too(self) -> None:
        one = event()
        self.assertEqual([1, 1], [self.client.append([one]), self.client.append([one])])
        with self.assertRaises(umadb.IntegrityError):
            self.client.append([event("other", uuid=one.uuid)])
        self.assertEqual(1, self.client.head())

    def test_known_ids_under_a_condition_that_finds_nothing(self) -> None:
        one = event("a", "x", correlation="y")
        self.client.append([one])
        for position in [2, 3]:
            self.assertEqual(position, self.client.append([one], umadb.AppendCondition(query((["none"], [])))))
        found = [(e.event.uuid, e.event.metadata) for e in self.client.read()]
        self.assertEqual([(one.uuid, {"correlation": "y"})] * 3, found)
        self.assertEqual(2, self.client.append([one], umadb.AppendCondition(umadb.Query(), after=1)))

    def test_events_without_ids(self) -> None:
        self.client.append([umadb.Event("a", b""), umadb.Event("a", b"", uuid=UUID(int=0))])
        found = [e.event.uuid for e in self.client.read()]
        self.assertEqual(2, len({*found}))
        self.assertNotIn(UUID(int=0), found)

    def test_no_events(self) -> None:
        self.assertEqual(0, self.client.append([]))
        self.client.append([event("a")])
        with self.assertRaises(umadb.IntegrityError):
            self.client.append([], umadb.AppendCondition(query((["a"], []))))
        self.assertEqual(0, self.client.append([], umadb.AppendCondition(query((["b"], [])))))

    def test_tracking(self) -> None:
        self.assertIsNone(self.client.get_tracking_info("feed"))
        self.client.append([event()], tracking_info=umadb.TrackingInfo("feed", 7))
        self.assertEqual(7, self.client.get_tracking_info("feed"))
        for position in [7, 6]:
            with self.assertRaises(umadb.IntegrityError):
                self.client.append([event()], tracking_info=umadb.TrackingInfo("feed", position))
        self.assertEqual((7, 1), (self.client.get_tracking_info("feed"), self.client.head()))

    def test_what_is_not_valid(self) -> None:
        for bad in [event(""), event("a", ""), event("a\x00"), event("a", "x" * 257), event("a", data=b"x" * (1 << 21))]:
            with self.assertRaises(ValueError) as caught:
                self.client.append([event(), bad])
            self.assertNotIsInstance(caught.exception, umadb.IntegrityError)
            self.assertTrue(str(caught.exception).startswith("invalid argument: "), str(caught.exception))
        self.assertIsNone(self.client.head())

    def test_hostile_names(self) -> None:
        """INP-3/4: what is taken reads back byte for byte, what is not is refused as invalid, and nothing is stored."""
        names = [
            "", "\x00", "a\x00b", "a\r\nx: y", "..", "../../etc/passwd", "/", "%2F", "%00", "?", "#", "&a=b", "\u202eevil",
            "é", "e\u0301", "\ufeff", "<script>", "'; DROP TABLE events; --", "🦆", " ", "\t", "n" * 256, "n" * 257, "é" * 5000,
            "-", "--", "\\", '"', "{}", "*",
        ]
        taken = []
        for name in names:
            for one in [event(name), event("a", name), event("a", correlation=name), event("a", **{name or "x": name})]:
                try:
                    self.client.append([one])
                    taken.append(one)
                except ValueError as error:
                    self.assertTrue(str(error).startswith("invalid argument: "), str(error))
        found = [one.event for one in self.client.read()]
        key = lambda one: (one.uuid, one.event_type, one.tags, one.metadata)
        self.assertEqual([key(one) for one in taken], [key(one) for one in found])
        self.assertGreater(len(taken), 60)
        for one in taken:
            for asked in [query(([one.event_type], [])), query(([], one.tags))]:
                self.assertIn(one.uuid, [other.event.uuid for other in self.client.read(asked)])

    def test_many_threads(self) -> None:
        def write(number: int) -> None:
            client = umadb.Client(url=self.server.url)
            for index in range(20):
                client.append([event("a", f"t{number}", data=b"%d" % index)])

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(list(range(1, 161)), [e.position for e in self.client.read()])
        for number in range(8):
            found = [int(bytes(e.event.data)) for e in self.client.read(query(([], [f"t{number}"])))]
            self.assertEqual(list(range(20)), found)


class Reading(Case):
    def setUp(self) -> None:
        super().setUp()
        for start in range(0, 3000, 500):
            self.client.append([event("even" if n % 2 == 0 else "odd", f"m{n % 3}") for n in range(start, start + 500)])

    def positions(self, *arguments, **options) -> list[int]:
        return [e.position for e in self.client.read(*arguments, **options)]

    def test_directions_and_limits(self) -> None:
        self.assertEqual(list(range(1, 3001)), self.positions())
        self.assertEqual(list(range(3000, 0, -1)), self.positions(backwards=True))
        self.assertEqual([2999, 3000], self.positions(start=2999))
        self.assertEqual([2, 1], self.positions(start=2, backwards=True))
        self.assertEqual([3000], self.positions(start=9999, backwards=True, limit=1))
        self.assertEqual([], self.positions(start=0, backwards=True))
        self.assertEqual([], self.positions(start=3001))
        self.assertEqual([1, 2, 3], self.positions(start=0, limit=3))
        self.assertEqual([], self.positions(limit=0))
        self.assertEqual(1500, len(self.positions(limit=1500)))

    def test_queries(self) -> None:
        self.assertEqual([1, 7, 13], self.positions(query((["even"], ["m0"])), limit=3))
        self.assertEqual([1, 2, 7], self.positions(query((["even"], ["m0"]), (["odd"], ["m1"])), limit=3))
        self.assertEqual([], self.positions(query((["none"], []))))
        self.assertEqual(3000, len(self.positions(query((["even"], []), ([], [])))))

    def test_batches(self) -> None:
        for size, expected in [(None, [1024, 1024, 952]), (1500, [1500, 1500]), (10_000, [3000]), (0, [1] * 3000)]:
            client = umadb.Client(url=self.server.url, batch_size=size) if size is not None else self.client
            response, sizes = client.read(), []
            while batch := response.next_batch():
                sizes.append(len(batch))
            self.assertEqual(expected, sizes)

    def test_heads(self) -> None:
        for arguments, head in [({}, 3000), ({"query": query((["none"], []))}, 3000), ({"limit": 5}, 5), ({"limit": 0}, None),
                                ({"query": query((["none"], [])), "limit": 5}, None), ({"backwards": True}, 3000)]:
            self.assertEqual(head, self.client.read(**arguments).collect_with_head()[1], arguments)

    def test_cancelling(self) -> None:
        for _ in range(300):
            response = self.client.read()
            next(response)
            response.cancel()
        self.assertEqual(3000, self.client.head())


class Subscribing(Case):
    def test_history_and_then_what_comes(self) -> None:
        self.client.append([event("a"), event("b"), event("a")])
        subscription = self.client.subscribe(query((["a"], [])), after=1)
        self.assertEqual(3, next(subscription).position)
        self.client.append([event("b"), event("a")])
        self.assertEqual(5, next(subscription).position)
        subscription.cancel()

    def test_it_begins_at_once_and_past_the_head(self) -> None:
        subscription = self.client.subscribe(after=2)
        self.client.append([event(), event(), event()])
        self.assertEqual(3, next(subscription).position)

    def test_it_ends_at_the_last_position(self) -> None:
        self.assertEqual([], list(self.client.subscribe(after=2**64 - 1)))

    def test_many_at_once_miss_nothing(self) -> None:
        found: list[list[int]] = []

        def follow(subscription) -> None:
            found.append([next(subscription).position for _ in range(300)])

        threads = [threading.Thread(target=follow, args=(self.client.subscribe(),)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for _ in range(100):
            self.client.append([event(), event(), event()])
        for thread in threads:
            thread.join(timeout=60)
        self.assertEqual([list(range(1, 301))] * 20, found)


class Serving(Case):
    def test_health(self) -> None:
        for service in ["", "umadb.v1.DCB"]:
            self.assertEqual(umadb.ServingStatus.SERVING, self.client.check_health(service))
        with self.assertRaises(Exception):
            self.client.check_health("another")

    def test_who_watches_learns_that_the_server_stops(self) -> None:
        watch = self.client.watch_health()
        self.assertEqual(umadb.ServingStatus.SERVING, next(watch))
        self.server.ask_to_stop()
        self.assertEqual(umadb.ServingStatus.NOT_SERVING, next(watch))
        self.assertEqual(0, self.server.process.wait(timeout=20) % 143)

    def test_no_server(self) -> None:
        self.server.process.kill()
        self.server.process.wait()
        with self.assertRaises(Exception):
            self.client.head()

    def test_everything_is_there_after_a_restart(self) -> None:
        self.client.append([event() for _ in range(10)])
        self.server.process.kill()
        self.server.process.wait()
        self.server.start()
        client = umadb.Client(url=self.server.url)
        self.assertEqual(list(range(1, 11)), [e.position for e in client.read()])


if __name__ == "__main__":
    unittest.main()
