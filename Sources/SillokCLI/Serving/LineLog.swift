import Foundation
import Logging
import Sillok
import SillokServer
import SillokWire

/// Writes a log as lines of JSON on the standard error, and never a secret: what looks like a key or a token is cut out.
struct LineLog: LogHandler {
    let label: String
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var json = JSONWriter()
        json.beginObject()
        json.field("at", WallClock.system.now().description)
        json.field("level", event.level.rawValue)
        json.field("message", Self.redacted(event.message.description))
        for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }).sorted(by: {
            $0.key < $1.key
        }) {
            json.field(key, Self.redacted("\(value)"))
        }
        json.endObject()
        json.endLine()
        // A log that cannot be written must not stop the server.
        json.bytes.withUnsafeBytes { _ = Foundation.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// The text without what looks like a secret: keys of Sillok, bearers, tokens in three parts.
    static func redacted(_ text: String) -> String {
        guard text.contains("sillok_") || text.contains("earer ") || text.contains("eyJ") else { return text }
        return text.replacing(#/sillok_[0-9a-z]+_[0-9A-Za-z]+/#, with: "<redacted>")
            .replacing(#/[Bb]earer\s+[^\s"]+/#, with: "Bearer <redacted>")
            .replacing(#/eyJ[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]*/#, with: "<redacted>")
    }
}
