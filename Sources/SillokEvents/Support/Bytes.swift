#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension String {
    /// Returns whether both strings have the same UTF-8 bytes. Unicode equivalence is ignored.
    @usableFromInline package func hasSameBytes(as other: String) -> Bool {
        let fast = utf8.withContiguousStorageIfAvailable { mine in
            other.utf8.withContiguousStorageIfAvailable { other in
                guard mine.count == other.count else { return false }
                guard let mine = mine.baseAddress, let theirs = other.baseAddress else { return true }
                return memcmp(mine, theirs, other.count) == 0
            }
        }
        return (fast ?? nil) ?? utf8.elementsEqual(other.utf8)
    }

    /// Returns whether the UTF-8 bytes of the string equal these.
    package func hasSameBytes(as bytes: UnsafeRawBufferPointer) -> Bool {
        let fast = utf8.withContiguousStorageIfAvailable { mine in
            guard mine.count == bytes.count else { return false }
            guard let mine = mine.baseAddress, let theirs = bytes.baseAddress else { return true }
            return memcmp(mine, theirs, bytes.count) == 0
        }
        return fast ?? utf8.elementsEqual(bytes)
    }

    /// Feeds the UTF-8 bytes and an end mark to a hasher.
    @usableFromInline package func hashBytes(into hasher: inout Hasher) {
        let fast: Void? = utf8.withContiguousStorageIfAvailable { hasher.combine(bytes: .init($0)) }
        if fast == nil { utf8.forEach { hasher.combine($0) } }
        hasher.combine(0xFF as UInt8)
    }
}
