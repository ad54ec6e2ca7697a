package import SillokCore
import SillokJSON

// What is answered of the log.
extension API {
    package struct Head: Message {
        let store: String
        let head: Position
        let token: String

        package init(_ head: EventMark, of store: StoreID) {
            (self.store, self.head, token) = (store.description, head.position, head.description)
        }
    }

    package struct Receipt: Message {
        let firstPosition, position: Position
        let token: String
        let revisions: Members<Revision>
        let recordedAt: Timestamp

        package init(_ receipt: SillokCore.Receipt) {
            (firstPosition, position) = (receipt.firstPosition, receipt.position)
            token = receipt.mark.description
            revisions = Members(receipt.revisions.sorted { $0.key < $1.key }.map { ($0.key.text, $0.value) })
            recordedAt = receipt.recordedAt
        }
    }

    package struct Page: Message {
        let events: Events
        let through: Position
        let token: String
        let isEnd: Bool
        let head: Position

        package init(_ batch: EventBatch, of store: StoreID) {
            events = Events(batch.events, of: store)
            (through, token, isEnd, head) = (batch.through, batch.mark.description, batch.isEnd, batch.head)
        }
    }

    package struct Relations: Message {
        let event: Event
        let causes, effects: Events
        let through: Position
        let isEnd: Bool

        /// The relations of an event of a store, as far as a position.
        package init(
            of event: RecordedEvent, causes: [RecordedEvent], effects: [RecordedEvent], through: Position, isEnd: Bool,
            in store: StoreID
        ) {
            self.event = Event(event, of: store)
            (self.causes, self.effects) = (Events(causes, of: store), Events(effects, of: store))
            (self.through, self.isEnd) = (through, isEnd)
        }
    }

    package struct Stream: Message {
        let stream, category: String
        let revision: Revision
        let lastPosition: Position
        let firstRecordedAt, lastRecordedAt: Timestamp
        /// Whether its state can be shown; left out in lists.
        let hasState: Bool?

        package init(_ facts: StreamFacts, hasState: Bool? = nil) {
            (stream, category) = (facts.id.text, facts.id.category.text)
            (revision, lastPosition) = (facts.revision, facts.lastPosition)
            (firstRecordedAt, lastRecordedAt) = (facts.firstRecordedAt, facts.lastRecordedAt)
            self.hasState = hasState
        }
    }

    package struct Streams: Message {
        let streams: [Stream]
        /// The last name that was looked at.
        let through: String?
        let isEnd: Bool

        package init(_ streams: [StreamFacts], through: StreamID?, isEnd: Bool) {
            self.streams = streams.map { Stream($0) }
            (self.through, self.isEnd) = (through?.text, isEnd)
        }
    }

    package struct Categories: Message {
        let categories: [String]
        let isEnd: Bool

        package init(_ categories: [StreamCategory], isEnd: Bool) {
            (self.categories, self.isEnd) = (categories.map(\.text), isEnd)
        }
    }

    package struct State: Message {
        let stream: String
        let revision: Revision
        let state: JSONText

        /// The state of a stream as of a revision, in JSON.
        package init(of stream: StreamID, _ revision: Revision, _ state: [UInt8]) {
            (self.stream, self.revision, self.state) = (stream.text, revision, JSONText(state))
        }
    }
}
