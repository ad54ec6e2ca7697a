import SillokCore

/// What a change of a schema means for what is stored.
package struct SchemaChange: Hashable, Sendable {
    /// How bad it is, from good to bad.
    package enum Verdict: String, Comparable, Sendable {
        /// What is stored reads as before.
        case compatible
        /// Raise the version of the type, and say with an upcaster what the older one means.
        case needsUpcaster = "needs an upcaster"
        /// What is stored can no longer be read, or not by all who will read it.
        case breaks

        package static func < (left: Verdict, right: Verdict) -> Bool {
            let order: [Verdict] = [.compatible, .needsUpcaster, .breaks]
            return (order.firstIndex(of: left) ?? 0) < (order.firstIndex(of: right) ?? 0)
        }
    }

    package let verdict: Verdict
    /// The type that changed.
    package let type: String
    /// What changed, in a few words.
    package let message: String

    package init(_ verdict: Verdict, _ type: String, _ message: String) {
        self.verdict = verdict
        self.type = type
        self.message = message
    }
}

extension SchemaSnapshot {
    /// What changes between this snapshot and a later one, for events that are stored under this one.
    package func changes(to later: SchemaSnapshot) -> [SchemaChange] {
        var changes: [SchemaChange] = []
        for (type, old) in types.sortedByKey() {
            guard let new = later.types[type] else {
                changes.append(
                    SchemaChange(
                        .breaks, type,
                        "was removed: its events can no longer be read. Drop or split it with an upcaster"))
                continue
            }
            changes += Self.changes(of: type, old, new, later)
        }
        for (type, _) in later.types.sortedByKey() where types[type] == nil {
            changes.append(SchemaChange(.compatible, type, "is new"))
        }
        return changes
    }

    private static func changes(
        of type: String, _ old: Kind, _ new: Kind, _ later: SchemaSnapshot
    ) -> [SchemaChange] {
        var changes: [SchemaChange] = []
        if new.newest < old.newest {
            changes.append(
                SchemaChange(
                    .breaks, type, "goes back from version \(old.newest) to \(new.newest): stored events are newer"))
            return changes
        }
        for version in 1...max(old.newest, 1) {
            if let missing = later.missingStep(type, version) {
                let verdict: SchemaChange.Verdict = old.upcasts[version] == nil ? .needsUpcaster : .breaks
                changes.append(SchemaChange(verdict, type, "version \(version) cannot be read: \(missing)"))
            }
        }
        if changes.isEmpty && new.version == nil && old.version != nil {
            changes.append(SchemaChange(.compatible, type, "was removed; an upcaster reads version \(old.newest)"))
        } else if changes.isEmpty && new.newest > old.newest {
            changes.append(
                SchemaChange(.compatible, type, "goes from version \(old.newest) to \(new.newest) by upcasters"))
        } else if new.newest == old.newest && new.version != nil && old.version != nil {
            changes += fieldChanges(of: type, old.fields, new.fields)
        }
        return changes
    }

    /// What is missing to read a stored version of a type; `nil` if it can be read.
    package func missingStep(_ type: String, _ version: Int) -> String? {
        var open = [(type, version)]
        var done: Set<ExactText> = []
        while let (type, version) = open.popLast() {
            guard done.insert(ExactText("\(version) \(type)")).inserted else { continue }
            guard let kind = types[type] else { return "there is no type \"\(type)\"" }
            if let results = kind.upcasts[version] {
                open += results.map { ($0.key, $0.value) }
            } else if version > kind.newest {
                return "the newest version of \"\(type)\" is \(kind.newest)"
            } else if kind.version != version {
                return "there is no upcaster of \"\(type)\" from version \(version)"
            }
        }
        return nil
    }

    private static func fieldChanges(
        of type: String, _ old: KeyedValues<Field>, _ new: KeyedValues<Field>
    ) -> [SchemaChange] {
        var changes: [SchemaChange] = []
        func change(_ verdict: SchemaChange.Verdict, _ message: String) {
            changes.append(SchemaChange(verdict, type, message))
        }
        for (path, field) in old.sortedByKey() {
            guard let now = new[path] else {
                change(.needsUpcaster, "\(path) was removed: its stored values would be lost silently")
                continue
            }
            if !now.value.accepts(field.value) {
                change(.needsUpcaster, "\(path) was \(field.text) and is \(now.text)")
            } else if field.isOptional && !now.isOptional {
                change(.needsUpcaster, "\(path) was optional and is now required")
            } else if field != now {
                change(.compatible, "\(path) was \(field.text) and is \(now.text)")
            }
        }
        for (path, field) in new.sortedByKey() where old[path] == nil {
            if field.isOptional
                || new.contains(where: { $0.value.isOptional && path.isInside($0.key) })
            {
                change(.compatible, "\(path) is new and optional")
            } else {
                change(.needsUpcaster, "\(path) is new and required, but stored events do not have it")
            }
        }
        return changes
    }
}

extension String {
    /// Whether the path begins with the bytes of another one and is longer.
    fileprivate func isInside(_ other: String) -> Bool {
        utf8.count > other.utf8.count && utf8.starts(with: other.utf8)
    }
}
