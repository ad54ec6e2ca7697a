#!/usr/bin/env python3
"""The projection runner of Python's `eventsourcing` over a bank: the same events and the same rows as the suite `project`.

    eventsourcing_projection.py FOLDER --events N --accounts N [--log sqlite|memory] [--sync full|normal]

The view is a table in SQLite, written with its tracking record in one transaction an event, as the library's manual
shows. Its log in SQLite has no subscriptions; the log here is given the library's own pulling loop. Its log in memory has
them. `--sync normal` does not wait for the disk at each commit. Prints a line: events, seconds, processor seconds, resident MB.
"""
import argparse
import os
import resource
import sys
import threading
import time
import uuid
from datetime import datetime, timezone

from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import ListenNotifySubscription
from eventsourcing.projection import Projection, ProjectionRunner
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteConnectionPool, SQLiteTrackingRecorder
from eventsourcing.utils import get_topic


class Account(Aggregate):
    @event("Opened")
    def __init__(self, owner: str):
        self.owner, self.cents = owner, 0

    @event("Deposited")
    def deposit(self, cents: int):
        self.cents += cents

    @event("Withdrawn")
    def withdraw(self, cents: int):
        self.cents -= cents


class Bank(Application):
    name = "bank"


class PulledRecorder(SQLiteApplicationRecorder):
    def subscribe(self, gt=None, topics=()):
        return ListenNotifySubscription(recorder=self, gt=gt, topics=topics)


class BalanceView(SQLiteTrackingRecorder):
    def construct_create_table_statements(self):
        return super().construct_create_table_statements() + [
            "CREATE TABLE IF NOT EXISTS account_balance (account TEXT PRIMARY KEY, owner TEXT, cents INTEGER)"
        ]

    def open(self, account, owner, tracking):
        with self.datastore.transaction(commit=True) as c:
            self._insert_tracking(c, tracking)
            c.execute("INSERT INTO account_balance VALUES (?, ?, 0)", (account.hex, owner))

    def add(self, account, cents, tracking):
        with self.datastore.transaction(commit=True) as c:
            self._insert_tracking(c, tracking)
            c.execute("UPDATE account_balance SET cents = cents + ? WHERE account = ?", (cents, account.hex))

    def totals(self):
        with self.datastore.transaction(commit=False) as c:
            c.execute("SELECT count(*), sum(cents) FROM account_balance")
            return tuple(c.fetchone())


class AccountBalance(Projection[BalanceView]):
    topics = tuple(get_topic(kind) for kind in (Account.Opened, Account.Deposited, Account.Withdrawn))
    last, is_done = 0, threading.Event()

    @singledispatchmethod
    def process_event(self, domain_event, tracking):
        pass

    @process_event.register
    def opened(self, domain_event: Account.Opened, tracking):
        self.view.open(domain_event.originator_id, domain_event.owner, tracking)

    @process_event.register
    def deposited(self, domain_event: Account.Deposited, tracking):
        self.view.add(domain_event.originator_id, domain_event.cents, tracking)
        if tracking.notification_id >= self.last:
            self.is_done.set()

    @process_event.register
    def withdrawn(self, domain_event: Account.Withdrawn, tracking):
        self.view.add(domain_event.originator_id, -domain_event.cents, tracking)
        if tracking.notification_id >= self.last:
            self.is_done.set()


def fill(application, count, accounts):
    """Every account is opened first; then two deposits of 100 for each withdrawal of 50. Returns the sum of all."""
    ids = [uuid.UUID(int=0x1234 << 64 | number) for number in range(accounts)]
    now, total, page = datetime.now(timezone.utc), 0, []
    for number in range(count):
        account, version = ids[number % accounts], number // accounts + 1
        common = {"originator_id": account, "originator_version": version, "timestamp": now}
        if version == 1:
            page.append(Account.Opened(originator_topic=get_topic(Account), owner=f"Ada {number}", **common))
        elif number % 3 == 0:
            page.append(Account.Withdrawn(cents=50, **common))
            total -= 50
        else:
            page.append(Account.Deposited(cents=100, **common))
            total += 100
        if len(page) == 1000 or number == count - 1:
            application.recorder.insert_events([application.mapper.to_stored_event(one) for one in page])
            page = []
    return total


def do_not_wait_for_the_disk():
    create = SQLiteConnectionPool._create_connection

    def without_sync(self):
        connection = create(self)
        connection.cursor().execute("PRAGMA synchronous = NORMAL")
        return connection

    SQLiteConnectionPool._create_connection = without_sync


def peak_megabytes():
    if os.path.exists("/proc/self/status"):
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder")
    options.add_argument("--events", type=int, default=50_000)
    options.add_argument("--accounts", type=int, default=10_000)
    options.add_argument("--log", choices=["sqlite", "memory"], default="sqlite")
    options.add_argument("--sync", choices=["full", "normal"], default="full")
    options = options.parse_args()
    if options.sync == "normal":
        do_not_wait_for_the_disk()
    paths = {name: os.path.join(options.folder, f"eventsourcing-{name}.sqlite") for name in ("log", "view")}
    for path in paths.values():
        for end in ("", "-wal", "-shm"):
            if os.path.exists(path + end):
                os.unlink(path + end)
    environment = {"ACCOUNTBALANCE_PERSISTENCE_MODULE": "eventsourcing.sqlite", "ACCOUNTBALANCE_SQLITE_DBNAME": paths["view"]}
    if options.log == "sqlite":
        environment |= {
            "BANK_PERSISTENCE_MODULE": "eventsourcing.sqlite",
            "BANK_SQLITE_DBNAME": paths["log"],
            "BANK_APPLICATION_RECORDER_TOPIC": get_topic(PulledRecorder),
        }
        application = Bank(environment)
        total = fill(application, options.events, options.accounts)
        application.close()
        application_class = Bank
    else:
        application = Bank(environment)
        total = fill(application, options.events, options.accounts)

        class application_class(Bank):  # noqa: N801. The runner makes its application itself; it gets the filled log.
            name = "bank"

            def construct_recorder(self):
                return application.recorder

    AccountBalance.last = options.events
    start, processor = time.monotonic(), time.process_time()
    with ProjectionRunner(
        application_class=application_class, projection_class=AccountBalance, view_class=BalanceView, env=environment
    ) as runner:
        while not AccountBalance.is_done.wait(0.2):
            if runner.is_interrupted.is_set():
                break
        seconds, processor = time.monotonic() - start, time.process_time() - processor
        found = runner.view.totals()
    if found != (options.accounts, total):
        sys.exit(f"the rows are {found}, not {(options.accounts, total)}")
    print(options.events, seconds, processor, peak_megabytes())


if __name__ == "__main__":
    main()
