/// The writing of one JSON text through Codable: one buffer for everything, and a frame for each value that is open.
///
/// Values that are encoded in one go stream into the buffer. Containers that a type opens by hand inside its own
/// (nested ones, `superEncoder`) may be filled in any order: each gets a buffer of its own, which takes its place when
/// the value around it ends.
final class JSONEncoding {
    /// A value that is being written.
    struct Frame {
        enum Kind { case nothing, object, array, scalar }

        var kind = Kind.nothing
        var count = 0
        var segments: [Segment] = []
    }

    /// A container that is written elsewhere, and where in the buffer it belongs.
    struct Segment {
        let offset: Int
        let encoding: JSONEncoding
    }

    /// Whether a value was written that a reader decodes as another one, such as a date finer than a microsecond.
    private(set) var hasChangedValue = false
    /// Whether a type wrote itself, so that it is not known whether a reader decodes an equal value.
    private(set) var hasOwnCoding = false

    var writer = JSONWriter()
    var path: [any CodingKey]
    private(set) var frames: [Frame]
    /// The index of the innermost frame.
    private var top = 0
    private let outerDepth: Int
    private var fault: EncodingError?

    init(path: [any CodingKey] = [], outerDepth: Int = 0) {
        self.path = path
        self.outerDepth = outerDepth
        frames = [Frame()]
        frames.reserveCapacity(8)
        writer.bytes.reserveCapacity(256)
    }

    /// Closes the outermost value and answers the text.
    func finish() throws -> [UInt8] {
        try close()
        if let fault { throw fault }
        return writer.bytes
    }

    /// Opens a container in a frame, or continues the open one.
    func open(_ kind: Frame.Kind, at level: Int) {
        guard level < frames.count else { return misuse("a container was opened after its value had ended") }
        switch (frames[level].kind, kind) {
        case (.nothing, .object): writer.beginObject()
        case (.nothing, .array): writer.beginArray()
        case (.nothing, _): break
        case (.object, .object), (.array, .array): return
        default: return misuse("a value opened containers of two kinds, or wrote two single values")
        }
        frames[level].kind = kind
    }

    /// Writes one value into the container at `level`; if it fails, nothing of it stays.
    @inline(__always)
    func write(_ key: (any CodingKey)?, at level: Int, _ body: () throws -> Void) throws {
        guard level == top else { throw failure("a container was written while another one was open") }
        let start = writer.bytes.count
        if let key {
            path.append(key)
            if frames[level].kind == .object { writer.key(key.stringValue) }
        }
        frames[level].count += 1
        do {
            try body()
        } catch {
            if key != nil { path.removeLast() }
            writer.bytes.removeSubrange(start...)
            frames.removeSubrange((level + 1)...)
            top = level
            frames[level].count -= 1
            if frames[level].kind == .scalar { frames[level].kind = .nothing }
            throw error
        }
        if key != nil { path.removeLast() }
    }

    /// Writes a member that cannot fail.
    @inline(__always)
    func member(_ key: String, at level: Int, _ body: (inout JSONWriter) -> Void) throws {
        guard level == top else { throw failure("a container was written while another one was open") }
        edit(&writer) { writer in
            writer.key(key)
            body(&writer)
        }
    }

    /// Writes a value of any kind, where its place has been prepared.
    func encode<Value: Encodable>(_ value: Value) throws {
        if isScalar(Value.self), let scalar = value as? any JSONScalar { return try encode(scalar: scalar) }
        guard outerDepth + frames.count < JSONIndexer.depthLimit else {
            throw failure("the value is nested deeper than \(JSONIndexer.depthLimit) levels")
        }
        hasOwnCoding = true
        frames.append(Frame())
        top += 1
        try value.encode(to: JSONValueEncoder(encoding: self, level: top))
        try close()
        frames.removeLast()
        top -= 1
    }

    /// Writes a scalar, where its place has been prepared.
    @inline(__always)
    func encode<Scalar: JSONScalar>(scalar: Scalar) throws {
        guard scalar.write(into: &writer) else { throw failure("JSON cannot hold this \(Scalar.self)") }
        if !scalar.isKept { hasChangedValue = true }
    }

    /// A container of its own for the place that has been prepared.
    func segment(at level: Int) -> JSONEncoding {
        let inner = JSONEncoding(path: path, outerDepth: outerDepth + frames.count)
        if outerDepth + frames.count >= JSONIndexer.depthLimit {
            misuse("the value is nested deeper than \(JSONIndexer.depthLimit) levels")
        }
        writer.beginObject()
        frames[level].segments.append(Segment(offset: writer.bytes.count - 1, encoding: inner))
        writer.endObject()
        return inner
    }

    /// Remembers that a type used its encoder in a way that has no meaning; ``finish()`` throws it.
    func misuse(_ message: String) {
        if fault == nil { fault = failure(message) }
    }

    func failure(_ message: String) -> EncodingError {
        .invalidValue((), EncodingError.Context(codingPath: path, debugDescription: message))
    }

    /// Ends the innermost value. One that wrote nothing is an empty object, as in Foundation.
    private func close() throws {
        guard let frame = frames.last else { return }
        switch frame.kind {
        case .object: writer.endObject()
        case .array: writer.endArray()
        case .scalar: break
        case .nothing:
            writer.beginObject()
            writer.endObject()
        }
        if frame.segments.isEmpty { return }
        hasOwnCoding = true
        for segment in frame.segments.reversed() {
            writer.bytes.replaceSubrange(segment.offset..<segment.offset + 2, with: try segment.encoding.finish())
            hasChangedValue = hasChangedValue || segment.encoding.hasChangedValue
        }
    }
}

@inline(__always)
private func edit(_ writer: inout JSONWriter, _ body: (inout JSONWriter) -> Void) { body(&writer) }
