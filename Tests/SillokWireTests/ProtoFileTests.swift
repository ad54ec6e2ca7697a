import SillokCore
import Testing

@testable import SillokWire

/// The fields of our messages are those of the `.proto` files.
@Suite struct ProtoFileTests {
    /// A protocol: its file, and the messages in Swift.
    struct Tested: CustomTestStringConvertible, Sendable {
        let file: String
        let messages: @Sendable () -> [(name: String, fields: [ProtoFile.Field])]

        var testDescription: String { file }
    }

    static let protocols = [
        Tested(file: "health") { [of(HealthCheckRequest.self), of(HealthCheckResponse.self)] },
        Tested(file: "sillok") {
            [
                of(MetadataEntry.self), of(Tracking.self), of(EventData.self), of(RecordedEvent.self),
                of(EventQuery.self), of(EventQuery.Item.self), of(Remote.DescribeRequest.self),
                of(Remote.Answer<Remote.DescribeResponse>.self), of(Limits.self), of(AppendRequest.self),
                of(AppendRequest.Entry.self), of(StreamRevision.self), of(AppendCondition.Unchanged.self),
                of(Remote.Answer<Remote.AppendResponse>.self), of(Receipt.self), of(ReadRequest.self),
                of(Remote.Bound.self), of(Remote.Answer<Remote.ReadResponse>.self), of(Remote.HeadRequest.self),
                of(Remote.Answer<Remote.HeadResponse>.self), of(Remote.ReachRequest.self),
                of(Remote.Answer<Remote.ReachResponse>.self), of(Remote.EventRequest.self),
                of(Remote.Answer<Remote.EventResponse>.self), of(Remote.StreamRequest.self),
                of(Remote.StreamsRequest.self),
                of(Remote.Answer<Remote.StreamsResponse>.self), of(StreamFacts.self), of(Remote.TrackingRequest.self),
                of(Remote.Answer<Remote.TrackingResponse>.self), of(Remote.Failure.self), of(Remote.Invalid.self),
                of(Remote.Conflict.self), of(Remote.StreamMismatch.self), of(EventIDConflict.self),
                of(TrackingConflict.self), of(Remote.StoreFailure.self),
            ]
        },
        Tested(file: "umadb") {
            [
                of(UmaDB.Event.self), of(MetadataEntry.self), of(UmaDB.SequencedEvent.self), of(UmaDB.QueryItem.self),
                of(UmaDB.Query.self), of(UmaDB.AppendCondition.self), of(UmaDB.ReadRequest.self),
                of(UmaDB.ReadResponse.self), of(UmaDB.SubscribeRequest.self),
                ("SubscribeResponse", of(UmaDB.ReadResponse.self).fields.filter { $0.name != "head" }),
                of(UmaDB.TrackingInfo.self), of(UmaDB.AppendRequest.self), of(UmaDB.HeadRequest.self),
                ("HeadResponse", of(UmaDB.PositionResponse.self).fields),
                ("AppendResponse", of(UmaDB.PositionResponse.self).fields),
                ("TrackingResponse", of(UmaDB.PositionResponse.self).fields), of(UmaDB.TrackingRequest.self),
                of(UmaDB.ErrorResponse.self),
            ]
        },
    ]

    @Test(arguments: protocols) func `every message has the fields of the file`(_ tested: Tested) throws {
        let differences = Self.differences(of: tested.messages(), from: try ProtoFile(named: tested.file))
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }

    @Test(arguments: [
        ("string source = 1;", "string source = 4;"), ("string source = 1;", "string origin = 1;"),
        ("string source = 1;", "bytes source = 1;"), ("string source = 1;", "optional string source = 1;"),
        ("string source = 1;", "repeated string source = 1;"), ("string source = 1;", ""),
        ("string source = 1;", "string source = 1; string other = 9;"), ("message HeadRequest {}", ""),
        ("message HeadRequest {}", "message HeadRequest {} message Other {}"),
    ])
    func `a file that differs is noticed`(_ part: String, _ other: String) throws {
        let messages: [(String, [ProtoFile.Field])] = [
            Self.of(Tracking.self), Self.of(Remote.HeadRequest.self),
        ]
        let text = """
            message Tracking { string source = 1; uint64 position = 2; optional bytes event = 3; }
            message HeadRequest {}
            """
        #expect(Self.differences(of: messages, from: try ProtoFile(text)).isEmpty)
        let changed = try ProtoFile(text.replacing(part, with: other))
        #expect(Self.differences(of: messages, from: changed).count >= 1)
    }

    @Test func `every method of sillok.v1 has the request and the answer of the file`() throws {
        func method<Request: Remote.Request>(_ request: Request.Type) -> ProtoFile.Method {
            ProtoFile.Method(name: Request.method, request: Request.name, response: Request.Answer.name)
        }
        let methods = [
            method(Remote.DescribeRequest.self), method(AppendRequest.self), method(ReadRequest.self),
            method(Remote.HeadRequest.self), method(Remote.ReachRequest.self), method(Remote.EventRequest.self),
            method(Remote.StreamRequest.self), method(Remote.StreamsRequest.self), method(Remote.TrackingRequest.self),
        ]
        let file = try ProtoFile(named: "sillok")
        #expect(file.services == [Remote.service: methods])
    }

    @Test func `enumerations have the numbers of the files`() throws {
        func check<Value: ProtobufEnum>(_ type: Value.Type, in file: String) throws {
            let values = try #require(try ProtoFile(named: file).enumerations[Value.declaration])
            // SERVICE_UNKNOWN and serviceUnknown.
            let names = values.mapValues { $0.replacing("_", with: "").lowercased() }
            let cases = Dictionary(uniqueKeysWithValues: Value.allCases.map { ($0.rawValue, "\($0)".lowercased()) })
            #expect(cases == names)
        }
        try check(HealthCheckResponse.ServingStatus.self, in: "health")
        try check(UmaDB.ErrorType.self, in: "umadb")
    }

    /// The name and the fields of a message as Swift has them.
    static func of<Message: ProtobufMessage>(
        _ type: Message.Type
    ) -> (name: String, fields: [ProtoFile.Field]) {
        var (message, list) = (Message.unread, FieldList())
        message.fields(&list)
        return (Message.name, list.fields)
    }

    /// A coder that keeps what it is passed.
    private struct FieldList: ProtobufCoder {
        var fields: [ProtoFile.Field] = []

        mutating func field<Value: ProtobufValue>(_ number: UInt32, _ name: StaticString, _ value: inout Value) {
            fields.append(ProtoFile.Field(number: number, name: "\(name)", declaration: Value.declaration))
        }

        mutating func bytes(_ number: UInt32, _ name: StaticString, _ value: inout [UInt8]) {
            fields.append(ProtoFile.Field(number: number, name: "\(name)", declaration: "bytes"))
        }
    }

    private static func differences(
        of messages: [(name: String, fields: [ProtoFile.Field])], from file: ProtoFile
    ) -> [String] {
        var differences: [String] = []
        let names = messages.map(\.name)
        for name in names.sorted() where names.filter({ $0 == name }).count > 1 { differences.append("\(name) twice") }
        for name in Set(file.messages.keys).symmetricDifference(names) {
            differences.append("\(name) is only in \(names.contains(name) ? "Swift" : "the file")")
        }
        for (name, fields) in messages {
            var rest = file.messages[name] ?? []
            for field in fields {
                let index = rest.firstIndex { theirs in
                    theirs.number == field.number && theirs.name == field.name
                        && isSame(field.declaration, theirs.declaration, file)
                }
                if let index { rest.remove(at: index) } else { differences.append("\(name) of Swift: \(field)") }
            }
            for field in rest { differences.append("\(name) of the file: \(field)") }
        }
        return differences
    }

    /// Whether a field may be declared so. Swift may have an optional value where the file has none, and a message
    /// needs no label to be optional.
    private static func isSame(_ swift: String, _ declared: String, _ file: ProtoFile) -> Bool {
        if swift == declared || swift == "optional \(declared)" { return true }
        return file.messages[swift] != nil && declared == "optional \(swift)"
    }
}
