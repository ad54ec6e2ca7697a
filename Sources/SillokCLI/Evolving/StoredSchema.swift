import Sillok
import SillokCore
import SillokHistory
import SillokTerminal

/// What the events of a store look like, by type and version, and which of them do not fit a schema.
struct StoredSchema {
    private struct Kind {
        var count = 0
        var shape = PayloadShape()
        /// The first payload that does not fit, and why.
        var misfit: (position: Position, reason: String)?
    }

    private var kinds: [EventType: [Int: Kind]] = [:]

    /// Reads all events of a query.
    init(of store: any EventStore, _ query: EventQuery, against schema: SchemaSnapshot? = nil) async throws {
        let head = try await store.head()
        let bar = ProgressBar("Reading", total: head.value)
        defer { bar.finish(quietly: true) }
        for try await page in store.pages(query) {
            for event in page.events { take(event, schema) }
            bar.update(to: min(page.through, head).value)
        }
    }

    private mutating func take(_ event: RecordedEvent, _ schema: SchemaSnapshot?) {
        let text = event.metadata[Metadata.Key.schemaVersion]
        let version = text == nil ? 1 : event.metadata.schemaVersion ?? 0
        var kind = kinds[event.type]?.removeValue(forKey: version) ?? Kind()
        kind.count += 1
        if version == 0, kind.misfit == nil {
            kind.misfit = (
                event.position, "its version is \"\(text ?? "")\", which is not a whole number of at least 1"
            )
        }
        let value = JSONValue(parsing: String(decoding: event.payload, as: UTF8.self))
        if let payload = value?.object {
            kind.shape.learn(payload)
            if kind.misfit == nil, let expected = schema?.types[event.type.text], expected.version == version {
                kind.misfit = expected.misfit(payload).map { (event.position, $0) }
            }
        } else if kind.misfit == nil {
            kind.misfit = (event.position, value == nil ? "its payload is no JSON" : "its payload is no object")
        }
        kinds[event.type, default: [:]][version] = kind
    }

    /// The newest version of each type as a schema.
    var snapshot: SchemaSnapshot {
        SchemaSnapshot(
            types: KeyedValues(
                kinds.sorted(by: { $0.key < $1.key }).compactMap { type, versions in
                    versions.max { $0.key < $1.key }.map { newest in
                        (type.text, SchemaSnapshot.Kind(version: newest.key, fields: newest.value.shape.fields))
                    }
                }))
    }

    /// What each stored type and version is to code with a schema.
    func verdicts(for schema: SchemaSnapshot) -> [SchemaChange] {
        var changes: [SchemaChange] = []
        for (type, versions) in kinds.sorted(by: { $0.key < $1.key }) {
            for (version, kind) in versions.sorted(by: { $0.key < $1.key }) {
                let what = "version \(version), \(kind.count.grouped) events"
                if let misfit = kind.misfit {
                    let reason = "\(what): at position \(misfit.position), \(misfit.reason)"
                    changes.append(SchemaChange(.breaks, type.text, reason))
                } else if let missing = schema.missingStep(type.text, version) {
                    let isOld = schema.types[type.text].map { version < $0.newest } ?? false
                    changes.append(SchemaChange(isOld ? .needsUpcaster : .breaks, type.text, "\(what): \(missing)"))
                } else {
                    let isCurrent = schema.types[type.text]?.version == version
                    changes.append(SchemaChange(.compatible, type.text, what + (isCurrent ? "" : ": upcast")))
                }
            }
        }
        return changes
    }
}

extension SchemaSnapshot.Kind {
    /// What does not fit in a payload of the version that is written; `nil` if all does.
    fileprivate func misfit(_ payload: JSONObject) -> String? {
        var shape = PayloadShape()
        shape.learn(payload)
        let found = shape.fields
        for (path, field) in fields.sortedByKey() {
            guard let actual = found[path] else {
                // Whether an inner field must be there depends on what is around it.
                let isInner = path.utf8.contains { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "[") }
                if field.isOptional || isInner { continue }
                return "\(path) is missing"
            }
            if actual.value == .null && !field.isOptional { return "\(path) is null" }
            if !field.value.accepts(actual.value) { return "\(path) is \(actual.text), not \(field.text)" }
        }
        return nil
    }
}
