import SillokCore

extension EventData {
    /// An event whose id is a number, so that a check can name it again.
    static func sample(
        _ number: Int, type: EventType = "noted", tags: [EventTag] = [], metadata: Metadata = Metadata(),
        text: String = "{}"
    ) -> EventData {
        EventData(id: .sample(number), type: type, tags: tags, metadata: metadata, text: text)
    }
}

extension EventID {
    static func sample(_ number: Int) -> EventID {
        EventID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0000 | UInt64(truncatingIfNeeded: number))
    }
}

extension AppendRequest {
    /// An append of numbered events to one stream.
    static func sample(
        _ numbers: some Sequence<Int>, to stream: StreamID? = "a-1", if condition: AppendCondition = .always,
        tracking: Tracking? = nil
    ) -> AppendRequest {
        AppendRequest(
            numbers.map { Entry(stream: stream, event: .sample($0)) }, if: condition, tracking: tracking)
    }
}

extension [RecordedEvent] {
    var positions: [UInt64] { map(\.position.value) }
}
