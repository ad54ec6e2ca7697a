package import NIOCore
package import SillokCore

extension Remote {
    /// Returns the framed answer to a read. If the store can show the bytes of its events, the answer is made from
    /// them, on a thread of the store.
    package static func page(_ request: ReadRequest, of store: any EventStore) async throws -> ByteBuffer {
        try await store.readPage(request) { read in
            var writer = ProtobufWriter(framed: true, capacity: 64 << 10)
            let page = try read { event in
                switch event {
                case .decoded(let event): event.write(ReadResponse.events, &writer)
                case .bytes(let event): RecordedEvent.write(ReadResponse.events, event, &writer)
                }
                return true
            }
            writer.write(ReadResponse(page))
            return writer.finished()
        }
    }
}
