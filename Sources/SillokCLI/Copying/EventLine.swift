import Sillok
import SillokCloudEvents
import SillokTerminal

/// Shows recorded events to people: a line each, in columns that are aligned as far as the names allow.
struct EventLine {
    private let terminal: Terminal
    private let isLong: Bool
    private var widths = (position: 1, stream: 8, type: 8)
    private static let nameLimit = 40

    /// Shows events on a terminal, or plainly in a pipe.
    ///
    /// - Parameters:
    ///   - terminal: where they are shown.
    ///   - isLong: shows the id, the tags and the metadata as well, beneath each event.
    init(for terminal: Terminal, isLong: Bool) {
        self.terminal = terminal
        self.isLong = isLong
    }

    /// The lines of a page.
    mutating func lines(of events: [RecordedEvent]) -> [String] {
        for event in events {
            widths.position = max(widths.position, String(event.position.value).utf8.count)
            widths.stream = max(widths.stream, min(place(of: event).columns, Self.nameLimit))
            widths.type = max(widths.type, min(event.type.text.visible.columns, Self.nameLimit))
        }
        return events.flatMap { event in [line(of: event)] + (isLong ? details(of: event) : []) }
    }

    private func line(of event: RecordedEvent) -> String {
        let position = String(event.position.value).padded(to: widths.position, onTheLeft: true)
        let time = event.recordedAt.readable
        let place = place(of: event).padded(to: widths.stream)
        let type = event.type.text.visible.padded(to: widths.type)
        let used = position.columns + time.columns + place.columns + type.columns + 8
        let payload = event.shownPayload(columns: terminal.isTerminal ? max(10, terminal.width - used) : .max)
        return [
            terminal.styled(position, .bold), terminal.styled(time, .dim), terminal.styled(place, .cyan),
            terminal.styled(type, .green), payload,
        ].joined(separator: "  ")
    }

    private func place(of event: RecordedEvent) -> String {
        event.stream.map { "\($0.text.visible)@\(event.revision)" } ?? "–"
    }

    private func details(of event: RecordedEvent) -> [String] {
        var details = [("id", event.id.description)]
        if !event.tags.isEmpty { details.append(("tags", event.tags.map(\.text).joined(separator: "  "))) }
        details += event.metadata.entries.map { ($0.key, $0.value) }
        if event.contentType != .json { details.append(("content type", event.contentType.text)) }
        let indent = String(repeating: " ", count: widths.position + 2)
        return details.map { name, value in
            terminal.styled("\(indent)\(name.visible): \(value.visible)", .dim)
        }
    }
}

extension RecordedEvent {
    /// The payload as text that is safe to print, or its content type and number of bytes.
    fileprivate func shownPayload(columns: Int) -> String {
        if payload.isEmpty { return "" }
        // No more is decoded than can be shown.
        let shown = columns == .max ? payload[...] : payload.prefix(columns * 4)
        guard contentType.isText, let text = String(validating: shown.droppingPartialCharacter, as: UTF8.self) else {
            return "<\(payload.count.grouped) bytes \(contentType.text.visible)>"
        }
        return columns == .max ? text.visible : text.visible.cut(to: columns)
    }
}

extension ArraySlice<UInt8> {
    /// Without the bytes of a character at the end that was cut through.
    fileprivate var droppingPartialCharacter: ArraySlice<UInt8> {
        guard let lead = suffix(4).lastIndex(where: { $0 & 0xC0 != 0x80 }), self[lead] >= 0xC0 else { return self }
        let length = self[lead] >= 0xF0 ? 4 : self[lead] >= 0xE0 ? 3 : 2
        return lead + length > endIndex ? self[..<lead] : self
    }
}

extension ContentType {
    fileprivate var isText: Bool { isJSON || text.hasPrefix("text/") }
}
