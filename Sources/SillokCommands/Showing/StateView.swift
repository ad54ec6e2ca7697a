import Sillok
import SillokHistory
import SillokTerminal

/// A state that events lead to, in a form for people.
protocol StateView: Sendable {
    mutating func take(_ event: RecordedEvent) throws
    var tree: StateTree { get }
}

/// The state of a decider.
struct DeciderView<D: Decider>: StateView {
    private var state = D()
    private let coding = EventCoding<D.Event>()

    var tree: StateTree { StateTree(reflecting: state) }

    mutating func take(_ event: RecordedEvent) throws {
        for event in try coding.decode(event) { state.evolve(event) }
    }
}

/// The last payload of each event type and the number of its events: all that can be shown of a stream without its
/// code.
struct PayloadView: StateView {
    private var order: [EventType] = []
    private var last: [EventType: (count: Int64, leaves: [StateTree.Leaf])] = [:]

    var tree: StateTree {
        var tree = StateTree()
        for type in order {
            guard let (count, leaves) = last[type] else { continue }
            tree.add(.integer(count), at: StateTree.quoted(type.text))
            for leaf in leaves { tree.add(leaf.value, at: leaf.path) }
        }
        return tree
    }

    mutating func take(_ event: RecordedEvent) {
        if last[event.type] == nil { order.append(event.type) }
        var leaves = StateTree()
        if let reader = try? JSONReader(event.payload) {
            Self.add(reader.root, at: StateTree.quoted(event.type.text), to: &leaves)
        }
        last[event.type] = ((last[event.type]?.count ?? 0) + 1, leaves.leaves)
    }

    private static func add(_ value: JSONReader.Value, at path: String, to tree: inout StateTree) {
        if let members = value.members {
            for (key, member) in members { add(member, at: "\(path).\(StateTree.quoted(key))", to: &tree) }
        } else if let elements = value.elements {
            for (index, element) in elements.enumerated() { add(element, at: "\(path)[\(index)]", to: &tree) }
        } else if let text = value.string {
            tree.add(.text(text), at: path)
        } else if let number = value.integer(as: Int64.self) {
            tree.add(.integer(number), at: path)
        } else if value.isNull {
            tree.add(.nothing, at: path)
        } else {
            tree.add(.text(String(decoding: value.raw, as: UTF8.self)), at: path)
        }
    }
}

/// The stream does not exist, or did not exist yet.
package struct NoSuchStream: Error, CustomStringConvertible {
    let stream: StreamID
    let moment: Moment?

    /// The stream that was not found.
    package var description: String {
        "there is no stream \(stream.text.visible)\(moment.map { " as of \($0)" } ?? "")"
    }
}

extension EventStore {
    /// Calls `body` with each event of a stream up to a moment.
    ///
    /// - Throws: ``NoSuchStream`` if there is none.
    func walk(
        _ stream: StreamID, to moment: Moment?, _ body: (RecordedEvent) throws -> Void
    ) async throws {
        var isEmpty = true
        for try await page in pages(ReadRequest(.stream(stream), before: moment?.end, limit: limits.pageEvents)) {
            for event in page.events { try body(event) }
            isEmpty = isEmpty && page.events.isEmpty
        }
        if isEmpty { throw NoSuchStream(stream: stream, moment: moment) }
    }
}
