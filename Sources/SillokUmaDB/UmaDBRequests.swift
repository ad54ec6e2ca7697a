package import SillokCore
package import SillokWire

/// The messages of UmaDB's protocol that a server reads. See `Protos/umadb.proto`.
package enum UmaDB {
    /// An event on its way in, as it was sent: nothing is checked yet.
    package struct Event: ProtobufReadable, Sendable {
        package var type = ""
        package var tags: [EventTag] = []
        package var data: [UInt8] = []
        package var uuid = ""
        package var metadata: [MetadataEntry] = []

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: type = try reader.text(field)
            case 2: tags.append(EventTag(try reader.text(field)))
            case 3: data = try reader.bytes(field)
            case 4: uuid = try reader.text(field)
            case 5: metadata.append(try reader.message(field))
            default: try reader.skip(field)
            }
        }
    }

    /// An alternative of a query.
    package struct QueryItem: ProtobufReadable {
        package var item = EventQuery.Item()

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: item.types.append(EventType(try reader.text(field)))
            case 2: item.tags.append(EventTag(try reader.text(field)))
            default: try reader.skip(field)
            }
        }
    }

    /// A query; without items it matches every event.
    package struct Query: ProtobufReadable, Sendable {
        package var items: [EventQuery.Item] = []

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1:
                try reader.expectRoom(field, after: items.count)
                items.append(try reader.message(field, as: QueryItem.self).item)
            default: try reader.skip(field)
            }
        }

        /// The same query in our words.
        package var query: EventQuery { items.isEmpty ? .all : EventQuery(items) }
    }

    /// What nothing new may match.
    package struct Condition: ProtobufReadable, Sendable {
        package var query: Query?
        package var after: UInt64?

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: try reader.message(field, into: &query)
            case 2: after = try reader.number(field)
            default: try reader.skip(field)
            }
        }

        /// The same condition in our words.
        package var unchanged: AppendCondition.Unchanged {
            AppendCondition.Unchanged(query?.query ?? .all, since: Position(after ?? 0))
        }
    }

    package struct AppendRequest: ProtobufReadable, Sendable {
        package var events: [Event] = []
        package var condition: Condition?
        package var tracking: TrackingInfo?

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: try reader.message(field, addedTo: &events)
            case 2: try reader.message(field, into: &condition)
            case 3: try reader.message(field, into: &tracking)
            default: try reader.skip(field)
            }
        }
    }

    package struct ReadRequest: ProtobufReadable, Sendable {
        package var query: Query?
        package var start: UInt64?
        package var isBackwards = false
        package var limit: UInt32?
        package var isSubscription = false
        package var batchSize: UInt32?

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: try reader.message(field, into: &query)
            case 2: start = try reader.number(field)
            case 3: isBackwards = try reader.truth(field)
            case 4: limit = UInt32(truncatingIfNeeded: try reader.number(field))
            case 5: isSubscription = try reader.truth(field)
            case 6: batchSize = UInt32(truncatingIfNeeded: try reader.number(field))
            default: try reader.skip(field)
            }
        }
    }

    package struct SubscribeRequest: ProtobufReadable, Sendable {
        package var query: Query?
        package var after: UInt64?
        package var batchSize: UInt32?

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: try reader.message(field, into: &query)
            case 2: after = try reader.number(field)
            case 3: batchSize = UInt32(truncatingIfNeeded: try reader.number(field))
            default: try reader.skip(field)
            }
        }
    }

    /// A request without fields.
    package struct HeadRequest: ProtobufReadable, Sendable {
        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) { try reader.skip(field) }
    }
}

extension UmaDB {
    /// How many events a batch holds: 1,024 unless asked for, from 1 to 4,096.
    package static func batchSize(_ asked: UInt32?) -> Int { min(max(Int(asked ?? 1024), 1), 4096) }
}
