extension GroupBuffer {
    /// Adds a copy of a record of another log with the same identity.
    package mutating func add(_ record: RecordView) {
        append(record.prefix, record.body, isEvent: record.kind == .event)
    }
}
