#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Cuts a stream of bytes at its NULs, in bounded memory.
struct TokenReader: ~Copyable {
    private let read: (UnsafeMutableRawBufferPointer) throws -> Int
    private let buffer: UnsafeMutableRawBufferPointer
    private var unread: Range<Int> = 0..<0
    private var isAtEnd = false

    /// Reads through `read`, which fills a buffer and says how far, 0 at the end. A token of more bytes than
    /// `capacity` is an error.
    init(capacity: Int = 1 << 20, read: @escaping (UnsafeMutableRawBufferPointer) throws -> Int) {
        self.read = read
        buffer = .allocate(byteCount: capacity, alignment: 1)
    }

    deinit { buffer.deallocate() }

    /// Gives the next token to `body`, without its NUL; `nil` at the end.
    mutating func next<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result? {
        var searched = 0
        while true {
            if let length = lengthOfToken(from: searched) {
                let token = UnsafeRawBufferPointer(rebasing: buffer[unread.lowerBound..<unread.lowerBound + length])
                unread = unread.lowerBound + length + 1..<unread.upperBound
                return try body(token)
            }
            searched = unread.count
            if try !refill() {
                guard unread.isEmpty else { throw TokenError.endsInside }
                return nil
            }
        }
    }

    private func lengthOfToken(from offset: Int) -> Int? {
        guard let base = buffer.baseAddress, offset < unread.count else { return nil }
        let start = base + unread.lowerBound
        guard let end = memchr(start + offset, 0, unread.count - offset) else { return nil }
        return UnsafeRawPointer(end) - UnsafeRawPointer(start)
    }

    /// Moves what is unread to the front and reads on; false at the end.
    private mutating func refill() throws -> Bool {
        if isAtEnd { return false }
        guard unread.count < buffer.count else { throw TokenError.tooLong }
        if unread.lowerBound > 0, let base = buffer.baseAddress {
            memmove(base, base + unread.lowerBound, unread.count)
            unread = 0..<unread.count
        }
        let count = try read(UnsafeMutableRawBufferPointer(rebasing: buffer[unread.upperBound...]))
        unread = unread.lowerBound..<unread.upperBound + count
        isAtEnd = count == 0
        return count > 0
    }
}

/// The bytes are not tokens that end in NUL.
enum TokenError: Error { case tooLong, endsInside }
