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
        let seed = high ^ (low &* UInt64.mixingStep) ^ UInt64(truncatingIfNeeded: index)
        let first = (seed &+ UInt64.mixingStep).mixed ^ low
        let second = (seed &+ UInt64.mixingStep &+ UInt64.mixingStep).mixed ^ high
        return EventID(high: first & ~0xF000 | 0x8000, low: second & ~(3 << 62) | 1 << 63)
    }
}
