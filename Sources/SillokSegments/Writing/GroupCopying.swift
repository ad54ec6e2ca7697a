extension GroupBuffer {
    /// Adds a record of another log with the same identity, as it is.
    package mutating func add(_ record: RecordView) {
        append(record.prefix, record.body, isEvent: record.kind == .event)
    }
}
