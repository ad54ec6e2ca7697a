import SillokCore

/// One step of a random sequence, with all of its values, so that a list of them can be shortened and run again.
enum Operation: Sendable {
    case append(AppendRequest)
    case read(ReadRequest)
    case pages(ReadRequest)
    case event(EventID)
    case facts(StreamID)
    case streams(StreamCategory?, after: StreamID?, limit: Int)
    case tracking(TrackingSource)
    case head
    case turnClock(Int64)
    case reopen
}

extension Operation: CustomStringConvertible {
    var description: String {
        switch self {
        case .append(let request): "append \(request.short)"
        case .read(let request): "read \(request.short)"
        case .pages(let request): "all pages of \(request.short)"
        case .event(let id): "event \(id.low)"
        case .facts(let stream): "stream \(stream.text.debugDescription)"
        case .streams(let category, let name, let limit): "streams in \(category as Any) after \(name as Any), \(limit)"
        case .tracking(let source): "tracking of \(source)"
        case .head: "head"
        case .turnClock(let count): "clock \(count) µs"
        case .reopen: "reopen"
        }
    }
}

extension AppendRequest {
    fileprivate var short: String {
        let events = entries.map { entry in
            "\(entry.event.id.low) \(entry.event.type) \(entry.event.tags) → \(entry.stream?.text ?? "no stream")"
                + (entry.event.metadata.isEmpty ? "" : " \(entry.event.metadata.entries)")
                + (entry.recordedAt.map { " at \($0)" } ?? "")
        }
        let revisions = condition.revisions.map { "\($0.key) at \($0.value)" }
        let unchanged = condition.unchanged.map { "\($0.query.short) unchanged since \($0.since)" }
        let conditions = (revisions + unchanged).joined(separator: " and ")
        return "[\(events.joined(separator: "; "))]" + (conditions.isEmpty ? "" : " if \(conditions)")
            + (tracking.map { " tracking \($0.source) \($0.position)" } ?? "")
    }
}

extension EventQuery {
    fileprivate var short: String {
        let parts = items.map { item in
            [
                item.stream.map { "stream \($0)" }, item.category.map { "category \($0)" },
                item.types.isEmpty ? nil : "types \(item.types)", item.tags.isEmpty ? nil : "tags \(item.tags)",
            ].compactMap(\.self).joined(separator: " ")
        }
        return "(\(parts.map { $0.isEmpty ? "all" : $0 }.joined(separator: " or ")))"
    }
}

extension ReadRequest {
    fileprivate var short: String {
        "\(query.short)" + (after.map { " after \($0)" } ?? "") + (before.map { " before \($0)" } ?? "")
            + " \(direction) \(limit)"
    }
}
