package import SillokCloudEvents
package import SillokCore
package import SillokJSON

// The answers of a server, as JSON.
extension JSONWriter {
    /// Writes a key and a string.
    package mutating func field(_ name: String, _ value: String) {
        key(name)
        string(value)
    }

    /// Writes a key and a number.
    package mutating func field(_ name: String, _ value: some FixedWidthInteger) {
        key(name)
        integer(value)
    }

    /// Writes a key and a Boolean.
    package mutating func field(_ name: String, _ value: Bool) {
        key(name)
        bool(value)
    }

    /// Writes a key and a number with a fraction; `null` for one that is not finite.
    package mutating func field(_ name: String, _ value: Double) {
        key(name)
        if !floatingPoint(value) { null() }
    }

    /// Writes a receipt.
    package mutating func write(_ receipt: Receipt) {
        beginObject()
        field("firstPosition", receipt.firstPosition.value)
        field("position", receipt.position.value)
        field("token", receipt.mark.description)
        key("revisions")
        beginObject()
        for (stream, revision) in receipt.revisions.sorted(by: { $0.key < $1.key }) {
            field(stream.text, revision.value)
        }
        endObject()
        field("recordedAt", receipt.recordedAt.description)
        endObject()
    }

    /// Writes the facts about a stream.
    package mutating func write(_ facts: StreamFacts) {
        beginObject()
        writeFields(of: facts)
        endObject()
    }

    /// Writes what is known of a stream into an object that has been begun.
    package mutating func writeFields(of facts: StreamFacts) {
        field("stream", facts.id.text)
        field("category", facts.id.category.text)
        field("revision", facts.revision.value)
        field("lastPosition", facts.lastPosition.value)
        field("firstRecordedAt", facts.firstRecordedAt.description)
        field("lastRecordedAt", facts.lastRecordedAt.description)
    }
}

extension CloudEventWriter {
    /// Writes events as an array.
    package mutating func write(_ events: [RecordedEvent]) {
        json.beginArray()
        for event in events { writeObject(event) }
        json.endArray()
    }

    /// Writes a page: its events, how far it looked, and the head.
    package mutating func write(_ batch: EventBatch) {
        json.beginObject()
        json.key("events")
        write(batch.events)
        json.field("through", batch.through.value)
        json.field("token", batch.mark.description)
        json.field("isEnd", batch.isEnd)
        json.field("head", batch.head.value)
        json.endObject()
    }
}
