import Sillok

/// Events of all shapes that a store takes, the awkward ones above all.
struct RandomEvents {
    var random: SeededNumbers
    private var time: Int64 = 1_700_000_000_000_000

    init(random: SeededNumbers) { self.random = random }

    private static let texts = [
        "account-1", "account-1 ", "é", "e\u{301}", "../../etc", "\"quoted\"", "back\\slash", "실록-7", "a:b,c=d",
        "👩‍👩‍👧", "\u{202E}rtl", "-", "a-b-c", " ", "{}", "null", "\u{FEFF}x", "\u{2028}", "<script>", "%00",
    ]
    private static let payloads: [[UInt8]] =
        [
            #"{"amount":100}"#, #"{"a": [1, 2.50, -0e1, "\u00e9\n"], "b":null}"#, "", " ", "null", "1", "-0", "\"\"",
            " {}", "{} ",
            "{\n}", "{\r}", "{", "1 2", "{},{}", #"},"x":{"#, #"{"a":1,"a":2}"#, "01", "é", "\"é\"", "\"\\ud800\"",
            "NaN",
        ].map { Array($0.utf8) } + [
            [0xFF], [0x22, 0xFF, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0], [0xEF, 0xBB, 0xBF, 0x31],
            Array(repeating: 0x5B, count: 127) + Array(repeating: 0x5D, count: 127),
            Array(repeating: 0x5B, count: 128) + Array(repeating: 0x5D, count: 128),
            Array(repeating: 0x5B, count: 2000),
        ]

    /// The next event. Times never run backwards and often repeat.
    mutating func next() -> AppendRequest.Entry {
        time += Bool.random(using: &random) ? 0 : Int64.random(in: 1...3_000_000_000, using: &random)
        var metadata = Metadata()
        for _ in 0..<Int.random(in: 0...3, using: &random) { metadata[metadataKey()] = metadataValue() }
        if Bool.random(using: &random) { metadata.actor = "ada" }
        let types: [ContentType] = [
            .json, .json, .json, .bytes, "text/plain", "application/x+json", "image/png;a=\"b\"",
        ]
        let event = EventData(
            id: EventID(high: random.next(), low: random.next()), type: EventType(text()),
            tags: (0..<Int.random(in: 0...4, using: &random)).map { _ in EventTag(text()) }, metadata: metadata,
            contentType: types.randomElement(using: &random) ?? .json, payload: payload())
        let stream = Int.random(in: 0..<4, using: &random) == 0 ? nil : StreamID(text())
        return AppendRequest.Entry(
            stream: stream, event: event, recordedAt: Timestamp(microsecondsSince1970: time))
    }

    private mutating func text() -> String { Self.texts.randomElement(using: &random) ?? "x" }

    private mutating func metadataKey() -> String {
        ["id", "type", "data", "metadata", "traceparent", text()].randomElement(using: &random) ?? "x"
    }

    private mutating func metadataValue() -> String {
        ["", "\0", "\n\r\t\u{8}\u{C}\u{1F}\u{7F}", text()].randomElement(using: &random) ?? "x"
    }

    private mutating func payload() -> [UInt8] {
        if Int.random(in: 0..<5, using: &random) > 0 { return Self.payloads.randomElement(using: &random) ?? [] }
        return (0..<Int.random(in: 0...200, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
}
