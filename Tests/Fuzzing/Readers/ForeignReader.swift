import NIOCore
import Sillok
import SillokCore
import SillokServer
import SillokWire

/// The pure functions that read bytes from outside, in groups, as one function of any bytes.
///
/// The fuzzer calls them with bytes that it makes, the tests with the inputs in `Tests/Fuzzing/Corpus`. A reader may
/// refuse its input, in an error. It must not trap, and it must read back what it accepted and wrote.
package enum ForeignReader: String, CaseIterable, Sendable {
    /// The messages of `sillok.v1` and of UmaDB's protocol: the first byte says which.
    case protobuf
    /// Queries: as the query string of a request, as JSON, and as an operator's tool stores them.
    case queries
    /// The JSON coder: index, values, and `Decodable` types.
    case json
    /// The bodies of HTTP requests.
    case bodies
    /// Events in the form of CloudEvents, and the headers of calls.
    case events

    /// Reads an input.
    /// - Throws: `BrokenPromise` if a reader answers what it must not. Refusals of the readers are no errors here.
    package func read(_ bytes: [UInt8]) throws(BrokenPromise) {
        switch self {
        case .protobuf: try ProtobufReaders.read(bytes)
        case .queries: try QueryReaders.read(bytes)
        case .json: try JSONReaders.read(bytes)
        case .bodies: try BodyReaders.read(bytes)
        case .events: try EventReaders.read(bytes)
        }
    }
}

/// A reader accepted an input and then contradicted itself.
package struct BrokenPromise: Error, CustomStringConvertible {
    /// What was read, and how it differs.
    package let description: String

    init(_ description: String) { self.description = description }
}

/// Returns the result of a reader, or `nil` if it refused its input. Makes the text of the refusal, which callers get.
func accepted<Value>(_ read: () throws -> Value) -> Value? {
    do {
        return try read()
    } catch {
        _ = "\(error)"
        return nil
    }
}

/// Checks that what was read twice is the same both times.
func expectSame<Value: Equatable>(_ one: Value?, _ other: Value?, _ what: String) throws(BrokenPromise) {
    guard one == other else {
        throw BrokenPromise("\(what): \(String(describing: one)) came back as \(String(describing: other))")
    }
}
