public import SillokCore

extension EventSchema {
    /// Returns a recorded event in its current form: itself, or the events that the upcasters make of it.
    ///
    /// Type, payload and schema version are the current ones. Place, time, tags and the other metadata are those of the
    /// stored event. If there are several events, the first keeps the id, and each further one has an id that is always
    /// derived from it in the same way.
    /// - Throws: ``NewerEventVersion``; ``DamagedPayload`` if an upcaster cannot read the event.
    public func today(_ recorded: RecordedEvent) throws -> [RecordedEvent] {
        let version = try recorded.schemaVersion
        if isCurrent(recorded.type, version) { return [recorded] }
        return try upcast(recorded, version).enumerated().map { index, part in
            var data = recorded.data
            data.id = recorded.id.part(index)
            data.type = part.type
            data.payload = JSONValue.object(part.payload).bytes
            let version = newestVersion(of: part.type)
            data.metadata.schemaVersion = version > 1 ? version : nil
            return RecordedEvent(
                position: recorded.position, stream: recorded.stream, revision: recorded.revision,
                recordedAt: recorded.recordedAt, tracking: recorded.tracking, data: data)
        }
    }
}

extension EventID {
    /// Returns the id of a part of the event: its own id, then ids of version 8 that depend on it and the index only.
    fileprivate func part(_ index: Int) -> EventID {
        if index == 0 { return self }
        var state = high ^ (low &* 0x9E37_79B9_7F4A_7C15) ^ UInt64(truncatingIfNeeded: index)
        func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = state
            word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
            return word ^ word >> 31
        }
        let (first, second) = (next() ^ low, next() ^ high)
        return EventID(high: first & ~0xF000 | 0x8000, low: second & ~(3 << 62) | 1 << 63)
    }
}
