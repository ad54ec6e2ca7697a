import Sillok
import SillokAPI
import SillokGRPC
import SillokServer
import SillokWire

/// Reads queries. The first byte says in which form.
enum QueryReaders {
    static func read(_ bytes: [UInt8]) throws(BrokenPromise) {
        guard let first = bytes.first else { return }
        let rest = Array(bytes.dropFirst())
        switch first % 3 {
        case 0: queryString(rest)
        case 1: try body(rest)
        default: try stored(rest)
        }
    }

    private static func queryString(_ bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return }
        _ = queryArguments(text)
        _ = text.percentDecoded
    }

    private static func body(_ bytes: [UInt8]) throws(BrokenPromise) {
        guard let request = accepted({ try API.Read.read(bytes).request(limit: 100) }) else { return }
        guard let text = accepted({ try StoredQuery.text(of: request.query) }) else {
            throw BrokenPromise("a query that was read cannot be stored")
        }
        let again = accepted { try StoredQuery.query(of: text) }
        try expectSame(request.query, again, "a query of a body")
    }

    private static func stored(_ bytes: [UInt8]) throws(BrokenPromise) {
        guard let text = String(validating: bytes, as: UTF8.self),
            let query = accepted({ try StoredQuery.query(of: text) })
        else { return }
        let again = accepted { try StoredQuery.query(of: try StoredQuery.text(of: query)) }
        try expectSame(query, again, "a stored query")
    }
}
