package import Logging
import SillokCore
import SillokJSON
import SillokSystem

/// Writes a log as lines of JSON on the standard error, without what looks like a key or a token.
package struct LineLog: LogHandler {
    private let label: String
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]

    package init(label: String, logLevel: Logger.Level) {
        self.label = label
        self.logLevel = logLevel
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let metadata = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        var line: JSONObject = [
            "at": .string(WallClock.system.now().description), "level": .string(event.level.rawValue),
            "message": .string(Self.redacted(event.message.description)),
        ]
        for (key, value) in metadata {
            // The line's own members come first.
            line[line[key] == nil ? key : "metadata.\(key)"] = .string(Self.redacted("\(value)"))
        }
        let bytes = JSONValue.object(line).bytes + [0x0A]
        // A log that cannot be written must not stop the server.
        bytes.withUnsafeBytes { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// The text without what looks like a secret: keys of Sillok, bearers, tokens in three parts.
    package static func redacted(_ text: String) -> String {
        guard text.contains("sillok_") || text.contains("earer ") || text.contains("eyJ") else { return text }
        return text.replacing(#/sillok_[0-9a-z]+_[0-9A-Za-z]+/#, with: "<redacted>")
            .replacing(#/[Bb]earer\s+[^\s"]+/#, with: "Bearer <redacted>")
            .replacing(#/eyJ[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]*/#, with: "<redacted>")
    }
}
