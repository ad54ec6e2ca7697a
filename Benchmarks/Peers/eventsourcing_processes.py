#!/usr/bin/env python3
"""A process manager with Python's `eventsourcing`: the same process and the same 13 events an instance as the suite `processes`.

    eventsourcing_processes.py FOLDER --instances N [--runner single|new-single|multi|new-multi]

An order is placed; a checkout follows it, requests a reservation, a payment and a shipment, each of its own application,
and completes. Each application has a log in SQLite that waits for the disk at each commit (WAL, `synchronous = FULL`).
Prints a line: instances, seconds, processor seconds, events.
"""
import argparse
import os
import sys
import time
import uuid

from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.system import (
    MultiThreadedRunner,
    NewMultiThreadedRunner,
    NewSingleThreadedRunner,
    ProcessApplication,
    SingleThreadedRunner,
    System,
)

REQUESTS = ["reserve", "pay", "ship"]


class Order(Aggregate):
    @event("Placed")
    def __init__(self, item: str, units: int, cents: int):
        self.item, self.units, self.cents = item, units, cents


class Checkout(Aggregate):
    @event("Started")
    def __init__(self, order_id: uuid.UUID):
        self.order_id, self.accepted, self.is_complete = order_id, [], False

    @staticmethod
    def create_id(order_id: uuid.UUID):
        return uuid.uuid5(uuid.NAMESPACE_URL, f"/checkouts/{order_id}")

    @event("Received")
    def receive(self, event_id: str):
        pass

    @event("RequestPlanned")
    def plan(self, order_id: uuid.UUID, request: str):
        pass

    @event("RequestAccepted")
    def accept(self, request: str):
        self.accepted.append(request)

    @event("Completed")
    def complete(self):
        self.is_complete = True


class Answer(Aggregate):
    @event("Given")
    def __init__(self, order_id: uuid.UUID, request: str):
        self.order_id, self.request = order_id, request


class Orders(Application):
    def place(self, number):
        order = Order(item="tea", units=1, cents=100 + number)
        self.save(order)


class Checkouts(ProcessApplication):
    @singledispatchmethod
    def policy(self, domain_event, processing_event):
        pass

    @policy.register
    def placed(self, domain_event: Order.Placed, processing_event):
        checkout = Checkout(order_id=domain_event.originator_id)
        checkout.receive(event_id=str(domain_event.originator_id))
        checkout.plan(order_id=checkout.order_id, request=REQUESTS[0])
        processing_event.collect_events(checkout)

    @policy.register
    def given(self, domain_event: Answer.Given, processing_event):
        checkout = self.repository.get(Checkout.create_id(domain_event.order_id))
        checkout.accept(request=domain_event.request)
        following = REQUESTS.index(domain_event.request) + 1
        if following < len(REQUESTS):
            checkout.plan(order_id=checkout.order_id, request=REQUESTS[following])
        else:
            checkout.complete()
        processing_event.collect_events(checkout)


class Answering(ProcessApplication):
    request = ""

    @singledispatchmethod
    def policy(self, domain_event, processing_event):
        pass

    @policy.register
    def planned(self, domain_event: Checkout.RequestPlanned, processing_event):
        if domain_event.request == self.request:
            processing_event.collect_events(Answer(order_id=domain_event.order_id, request=self.request))


class Warehouse(Answering):
    request = "reserve"


class Bank(Answering):
    request = "pay"


class Shipping(Answering):
    request = "ship"


APPLICATIONS = [Orders, Checkouts, Warehouse, Bank, Shipping]
RUNNERS = {
    "single": SingleThreadedRunner,
    "new-single": NewSingleThreadedRunner,
    "multi": MultiThreadedRunner,
    "new-multi": NewMultiThreadedRunner,
}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder")
    options.add_argument("--instances", type=int, default=1000)
    options.add_argument("--runner", choices=list(RUNNERS), default="single")
    options = options.parse_args()
    environment = {"PERSISTENCE_MODULE": "eventsourcing.sqlite"}
    for application in APPLICATIONS:
        path = os.path.join(options.folder, f"eventsourcing-{application.__name__.lower()}.sqlite")
        for end in ("", "-wal", "-shm"):
            if os.path.exists(path + end):
                os.unlink(path + end)
        environment[f"{application.__name__.upper()}_SQLITE_DBNAME"] = path
    system = System(pipes=[[Orders, Checkouts, Warehouse, Checkouts, Bank, Checkouts, Shipping, Checkouts]])
    runner = RUNNERS[options.runner](system, env=environment)
    runner.start()
    orders, checkouts = runner.get(Orders), runner.get(Checkouts)
    start, processor = time.monotonic(), time.process_time()
    for number in range(options.instances):
        orders.place(number)
    last = options.instances * 9
    while (checkouts.recorder.max_notification_id() or 0) < last:
        time.sleep(0.01)
    seconds, processor = time.monotonic() - start, time.process_time() - processor
    events = sum(runner.get(application).recorder.max_notification_id() for application in APPLICATIONS)
    runner.stop()
    if events != 13 * options.instances:
        sys.exit(f"there are {events} events, not {13 * options.instances}")
    print(options.instances, seconds, processor, events)


if __name__ == "__main__":
    main()
