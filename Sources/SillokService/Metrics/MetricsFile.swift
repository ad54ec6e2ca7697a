import SillokSystem

/// A small file that keeps the history of measurements over a restart.
package struct MetricsFile: Sendable {
    let path: String

    package init(_ path: String) { self.path = path }

    /// Returns the history of the file: an empty one if there is no file, or if it is damaged.
    package func load() -> MetricsHistory {
        let history = MetricsHistory()
        if let bytes = read() { _ = history.restore(bytes) }
        return history
    }

    /// Replaces the file. A process that is killed meanwhile leaves the old one.
    ///
    /// - Returns: `false` if the file cannot be written.
    package func save(_ history: MetricsHistory) -> Bool {
        let new = "\(path).new"
        guard write(history.encoded, to: new), rename(new, path) == 0 else {
            unlink(new)
            return false
        }
        return true
    }

    private func read() -> [UInt8]? {
        guard let file = fopen(path, "rb") else { return nil }
        defer { fclose(file) }
        // A history has a size limit; a longer file is not one.
        let limit = MetricsHistory.bytes + 1024
        return [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            count = fread(buffer.baseAddress, 1, limit, file)
        }
    }

    private func write(_ bytes: [UInt8], to path: String) -> Bool {
        guard let file = fopen(path, "wb") else { return false }
        let written = bytes.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
        return fclose(file) == 0 && written == bytes.count
    }
}
