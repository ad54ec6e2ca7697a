import SillokCore
import SillokDisk
import SillokLogFormat

/// The work on segments that no append should wait for. May be used on any thread.
package final class SegmentUpkeep: Sendable {
    private enum Preparation {
        case none
        /// A thread creates the next segment or takes it into use.
        case running
        case ready(EmptySegment)
    }

    private let files: LogFiles
    private let table: SegmentTable
    private let next: Lock<Preparation>

    init(_ files: LogFiles, _ table: SegmentTable, ready: EmptySegment?) {
        self.files = files
        self.table = table
        next = Lock(ready.map { .ready($0) } ?? .none)
    }

    /// The size of the next segment if it exists, else 0.
    var readyBytes: Int {
        next.withLock { next in
            if case .ready(let segment) = next { return segment.bytes }
            return 0
        }
    }

    /// Whether the next segment neither exists nor is being created.
    var isNeeded: Bool {
        next.withLock { next in
            if case .none = next { return true }
            return false
        }
    }

    /// Creates the next segment, so that no append waits for it.
    ///
    /// - Throws: `LogError.full` or `.disk`. The log continues, and the call can be repeated.
    package func prepareNextSegment() throws(LogError) {
        let isMine = next.withLock { next in
            guard case .none = next else { return false }
            next = .running
            return true
        }
        if !isMine { return }
        // No segment is taken into use while the state is `running`, so this is the one behind the last.
        let ordinal = (table.ordinals.last ?? 0) + 1
        let bytes = files.segmentBytes(ordinal)
        do throws(LogError) {
            let segment = try files.createSegment(ordinal, bytes: bytes, durable: table.durable.place)
            next.withLock { $0 = .ready(segment) }
            next.wakeAll()
        } catch {
            next.withLock { $0 = .none }
            next.wakeAll()
            throw error
        }
    }

    /// Returns the next segment for the writer, with room for these bytes; creates it if it does not exist. No other
    /// segment is created before ``finishRotation()``.
    func take(_ ordinal: UInt32, atLeast bytes: Int) throws(LogError) -> EmptySegment {
        let ready: EmptySegment? = next.wait { next -> EmptySegment?? in
            if case .running = next { return nil }
            defer { next = .running }
            if case .ready(let segment) = next { return .some(segment) }
            return .some(nil)
        }
        let size = files.segmentBytes(ordinal, atLeast: bytes)
        if let ready, ready.bytes >= size { return ready }
        do throws(LogError) {
            return try files.createSegment(ordinal, bytes: size, durable: table.durable.place)
        } catch {
            finishRotation()
            throw error
        }
    }

    /// Allows the preparation of the segment behind the one that is now in use.
    func finishRotation() {
        next.withLock { $0 = .none }
        next.wakeAll()
    }

    /// Whether there are full segments whose places are in memory.
    package var placesAreDue: Bool { !table.unsettled.isEmpty }

    /// Writes the places of full segments to their files. Until then they stay in memory.
    ///
    /// - Throws: `LogError.full` or `.disk`. The log continues, and the call can be repeated.
    package func settlePlaces() throws(LogError) {
        for (entry, places) in table.unsettled {
            do throws(DiskError) {
                try table.fileLock.withLock { (_) throws(DiskError) in try PlaceFile.write(places, entry, files) }
            } catch {
                throw error.isFull ? .full(error) : .disk(error)
            }
            table.settle(entry.ordinal)
        }
    }
}
