"""The test cases that the library eventsourcing ships, through its adapter for UmaDB, against the server in TARGET."""
import os
import sys
import unittest
from typing import Any

import eventsourcing_umadb
from eventsourcing.application import AggregatesApplication
from eventsourcing.dcb.tests import DcbRecorderTestCase
from eventsourcing.tests.application import ApplicationTestCase, ExampleApplicationTestCase
from eventsourcing.tests.persistence import (
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
)
from eventsourcing_umadb.recorders import UmaDbAggregateRecorder, UmaDbApplicationRecorder, UmaDbDcbRecorder
from servers import Server
from umadb import Client

KIND = os.environ.get("TARGET", "sillok")


class WithServer(unittest.TestCase):
    def setUp(self) -> None:
        self.server = Server(KIND)
        self.addCleanup(self.server.stop)
        os.environ["PERSISTENCE_MODULE"] = eventsourcing_umadb.__name__
        os.environ["UMADB_URI"] = self.server.url
        super().setUp()

    def client(self) -> Client:
        return Client(url=self.server.url)


class TestAggregateRecorder(WithServer, AggregateRecorderTestCase):
    recorder_supports_idempotent_appends = True

    def create_recorder(self) -> Any:
        return UmaDbAggregateRecorder(self.client())

    def test_performance(self) -> None:
        self.skipTest("measures, and asserts nothing")


class TestApplicationRecorder(WithServer, ApplicationRecorderTestCase):
    recorder_supports_idempotent_appends = True

    def create_recorder(self) -> Any:
        return UmaDbApplicationRecorder(self.client())

    def test_performance(self) -> None:
        self.skipTest("measures, and asserts nothing")

    def test_concurrent_throughput(self) -> None:
        self.skipTest("measures, and asserts nothing")


class TestNonInterleaving(WithServer, NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> Any:
        return UmaDbApplicationRecorder(self.client())


class TestDcbRecorder(WithServer, DcbRecorderTestCase):
    def test_append_read(self) -> None:
        self._test_append_read(UmaDbDcbRecorder(self.client()))

    def test_append_subscribe(self) -> None:
        self._test_append_subscribe(UmaDbDcbRecorder(self.client()))


class TestApplication(WithServer, ApplicationTestCase):
    pass


class TestExampleApplication(WithServer, ExampleApplicationTestCase):
    expected_factory_topic = "eventsourcing_umadb.factory:Factory"


class Recording(unittest.TextTestResult):
    """Prints one line for each test: how it ended, and its name."""

    def outcome(self, word: str, test: unittest.TestCase) -> None:
        print("OUTCOME", word, test.id().replace("__main__.", ""), flush=True)

    def addSuccess(self, test: unittest.TestCase) -> None:
        super().addSuccess(test)
        self.outcome("passed", test)

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addFailure(test, err)
        self.outcome("failed", test)

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        super().addError(test, err)
        self.outcome("failed", test)


if __name__ == "__main__":
    del DcbRecorderTestCase, AggregateRecorderTestCase, ApplicationRecorderTestCase
    del NonInterleavingNotificationIDsBaseCase, ApplicationTestCase, ExampleApplicationTestCase, WithServer
    unittest.main(testRunner=unittest.TextTestRunner(resultclass=Recording, stream=sys.stderr), argv=sys.argv[:1])
