import SillokSystem

/// The memory of this process.
package enum ProcessMemory {
    /// The resident memory in bytes, if the system reports it.
    package static var residentBytes: UInt64? {
        #if os(Linux)
        guard let file = fopen("/proc/self/statm", "r") else { return nil }
        defer { fclose(file) }
        var text = [CChar](repeating: 0, count: 128)
        guard fgets(&text, 128, file) != nil else { return nil }
        let line = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let fields = line.split(separator: " ")
        return fields.count > 1 ? UInt64(fields[1]).map { $0 * UInt64(getpagesize()) } : nil
        #else
        return nil
        #endif
    }
}
