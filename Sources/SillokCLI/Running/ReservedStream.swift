import SillokCore
import SillokTerminal

/// An event that would go to a stream that only the runners of Sillok write to.
struct ReservedStream: Error, CustomStringConvertible {
    let stream: StreamID

    /// Returns the error for an event, or `nil` if its stream is not reserved.
    init?(_ stream: StreamID?) {
        guard let stream, stream.category.isReserved else { return nil }
        self.stream = stream
    }

    var description: String {
        "the stream \(stream.text.visible) is reserved for the runners of Sillok, as all categories that begin with "
            + "process:, webhook: or schedule: are"
    }
}
