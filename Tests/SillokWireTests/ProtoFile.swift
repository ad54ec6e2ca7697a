import Foundation

/// What a `.proto` file of ours says. It reads what our files use of the language, and throws at everything else.
struct ProtoFile {
    /// A field of a message: its number, its name, and its label and type.
    struct Field: Hashable {
        var number: UInt32
        var name: String
        var declaration: String
    }

    struct Method: Hashable {
        var name: String
        var request: String
        var response: String
    }

    struct Unexpected: Error {
        let token: String
    }

    private(set) var messages: [String: [Field]] = [:]
    /// The names of the values of an enumeration by their numbers.
    private(set) var enumerations: [String: [UInt64: String]] = [:]
    /// The methods by the full name of their service.
    private(set) var services: [String: [Method]] = [:]
    private var package = ""
    private var tokens: ArraySlice<String>

    init(named name: String) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = folder.appending(path: "Sources/SillokWire/Protos/\(name).proto")
        try self.init(String(contentsOf: file, encoding: .utf8))
    }

    init(_ text: String) throws {
        let lines = text.split(separator: "\n").map { line in
            line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line
        }
        tokens =
            lines.map { String($0) }.joined(separator: "\n").matches(of: /[\w.]+|"[^"]*"|[^\s]/).map {
                String($0.output)
            }[...]
        while let token = tokens.popFirst() {
            switch token {
            case "syntax": tokens.removeFirst(3)
            case "package":
                package = try next()
                try expect(";")
            case "message": try message()
            case "service": try service()
            default: throw Unexpected(token: token)
            }
        }
    }

    private mutating func message() throws {
        let name = try next()
        var fields: [Field] = []
        try expect("{")
        try self.fields(of: &fields, label: "")
        messages[name] = fields
    }

    private mutating func fields(of fields: inout [Field], label: String) throws {
        while true {
            let token = try next()
            switch token {
            case "}": return
            case "enum": try enumeration()
            case "oneof":
                _ = try next()
                try expect("{")
                try self.fields(of: &fields, label: "optional ")
            case "optional", "repeated": fields.append(try field("\(token) ", type: next()))
            default: fields.append(try field(label, type: token))
            }
        }
    }

    private mutating func field(_ label: String, type: String) throws -> Field {
        let name = try next()
        let number = try number()
        while try next() != ";" {}
        return Field(number: UInt32(clamping: number), name: name, declaration: label + type)
    }

    private mutating func enumeration() throws {
        let name = try next()
        try expect("{")
        while tokens.first != "}" {
            let value = try next()
            enumerations[name, default: [:]][try number()] = value
            try expect(";")
        }
        try expect("}")
    }

    private mutating func service() throws {
        let name = "\(package).\(try next())"
        try expect("{")
        while try next() == "rpc" {
            let method = try next()
            let request = try parenthesized()
            try expect("returns")
            services[name, default: []].append(Method(name: method, request: request, response: try parenthesized()))
            try expect(";")
        }
    }

    /// A type in parentheses, with `stream` before it or not.
    private mutating func parenthesized() throws -> String {
        try expect("(")
        var type = try next()
        if type == "stream" { type = try next() }
        try expect(")")
        return type
    }

    private mutating func number() throws -> UInt64 {
        try expect("=")
        let token = try next()
        guard let number = UInt64(token) else { throw Unexpected(token: token) }
        return number
    }

    private mutating func next() throws -> String {
        guard let token = tokens.popFirst() else { throw Unexpected(token: "the end") }
        return token
    }

    private mutating func expect(_ expected: String) throws {
        let token = try next()
        guard token == expected else { throw Unexpected(token: token) }
    }
}
