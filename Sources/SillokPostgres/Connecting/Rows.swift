#if Postgres
import CLibPQ
import SillokCore

/// The rows of a result.
final class Rows {
    private let handle: OpaquePointer

    /// Takes ownership of a result of libpq.
    init(_ handle: OpaquePointer) { self.handle = handle }

    deinit { PQclear(handle) }

    var count: Int { Int(PQntuples(handle)) }
    var columnCount: Int { Int(PQnfields(handle)) }

    /// The command tag of the statement, such as `UPDATE 1`.
    var tag: String { PQcmdStatus(handle).map { String(cString: $0) } ?? "" }

    func name(_ column: Int) -> String { PQfname(handle, Int32(column)).map { String(cString: $0) } ?? "" }

    func type(_ column: Int) -> Oid { PQftype(handle, Int32(column)) }

    @inline(__always) func isNull(_ row: Int, _ column: Int) -> Bool {
        PQgetisnull(handle, Int32(truncatingIfNeeded: row), Int32(truncatingIfNeeded: column)) != 0
    }

    /// Returns the bytes of a value, valid while the rows exist; empty for NULL.
    @inline(__always) func bytes(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer {
        let (row, column) = (Int32(truncatingIfNeeded: row), Int32(truncatingIfNeeded: column))
        return UnsafeRawBufferPointer(
            start: PQgetvalue(handle, row, column), count: Int(PQgetlength(handle, row, column)))
    }

    @inline(__always) func text(_ row: Int, _ column: Int) -> String {
        String(decoding: bytes(row, column), as: UTF8.self)
    }

    /// Returns a number in binary form, or `nil` if the value is NULL or no number.
    @inline(__always) func number(_ row: Int, _ column: Int) -> Int64? { Self.number(bytes(row, column)) }

    /// Returns a number in binary form.
    ///
    /// - Throws: `StoreError` `corrupt` if the value is NULL or no number.
    @inline(__always) func int(_ row: Int, _ column: Int) throws(StoreError) -> Int64 {
        guard let number = number(row, column) else { throw unreadable(row, column) }
        return number
    }

    @inline(__always) private static func number(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        switch bytes.count {
        case 8: Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
        case 4: Int64(Int32(bigEndian: bytes.loadUnaligned(as: Int32.self)))
        default: nil
        }
    }

    private func unreadable(_ row: Int, _ column: Int) -> StoreError {
        let value = isNull(row, column) ? "is NULL" : "has \(bytes(row, column).count) bytes"
        return StoreError(
            .corrupt,
            "The server's answer cannot be read: the number in column \(name(column)) \(value). Check the tables with "
                + "`sillok verify`.")
    }

    /// Returns an id in binary form.
    func id<ID: UniqueID>(_ row: Int, _ column: Int) -> ID? {
        let bytes = bytes(row, column)
        guard bytes.count == 16 else { return nil }
        return ID(
            high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
            low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }

    /// Returns the bytes of each element of a binary array, `nil` for NULL. Empty unless it has one dimension.
    func array<Element>(
        _ row: Int, _ column: Int, _ element: (UnsafeRawBufferPointer?) -> Element
    ) -> [Element] {
        let bytes = bytes(row, column)
        func number(_ offset: Int) -> Int {
            guard offset + 4 <= bytes.count else { return -1 }
            return Int(Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
        }
        guard bytes.count >= 20, number(0) == 1 else { return [] }
        var elements: [Element] = []
        var offset = 20
        for _ in 0..<max(0, number(12)) {
            let size = number(offset)
            offset += 4
            guard size >= 0, offset + size <= bytes.count else {
                elements.append(element(nil))
                continue
            }
            elements.append(element(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + size])))
            offset += size
        }
        return elements
    }

    /// Returns an array of numbers, with `nil` for NULL.
    func numbers(_ row: Int, _ column: Int) -> [Int64?] {
        array(row, column) { $0.flatMap(Self.number) }
    }

    /// Returns an array of texts, with `nil` for NULL.
    func texts(_ row: Int, _ column: Int) -> [String?] {
        array(row, column) { $0.map { String(decoding: $0, as: UTF8.self) } }
    }
}
#endif
