extension JSONValue {
    /// Returns where this value differs from an earlier one, in sentences. Members that are new do not count.
    package func differences(from was: JSONValue, at path: String = "") -> [String] {
        if self == was { return [] }
        switch (was, self) {
        case (.object(let was), .object(let now)):
            return was.members.flatMap { member -> [String] in
                let inner = path.isEmpty ? member.name : "\(path).\(member.name)"
                guard let value = now[member.name] else { return ["\(inner) is gone, and was \(member.value)"] }
                return value.differences(from: member.value, at: inner)
            }
        case (.array(let was), .array(let now)) where was.count == now.count:
            return zip(was, now).enumerated().flatMap { $1.1.differences(from: $1.0, at: "\(path).\($0)") }
        default: return ["\(path.isEmpty ? "the state" : path) is \(self) and was \(was)"]
        }
    }
}
