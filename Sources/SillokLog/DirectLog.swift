package import SillokCore
package import SillokDisk
import SillokIndex
import SillokSQLiteConnections
import SillokSegments
import SillokStorage
import SillokThreads

/// A store whose groups are executed on the thread of the caller, for simulations: the same calls have the same effects
/// on the disk each time. The lock and the index are in a folder of the system with the same path.
package final class DirectLog {
    private let parts: LogParts
    private let writer: LogWriter
    private let reader: LogReader

    /// Opens a store, and makes it if there is none.
    ///
    /// - Throws: `StoreError` as a store does, also if the log is damaged.
    package init(_ folder: String, on disk: any Disk, _ tuning: LogTuning, _ origins: LogOrigins, _ clock: WallClock)
        throws
    {
        var tuning = tuning
        tuning.rebuildsBeforeServing = true
        let opening = LogOpening(folder: folder, limits: Limits(), tuning: tuning, disk: disk, progress: { _ in })
        parts = try opening.forWriting(creating: true, origins, clock)
        guard let writer = parts.writer?.writer else { throw StoreError(.readOnly, "the store cannot be written.") }
        self.writer = writer
        reader = try parts.makeReader()
    }

    /// Executes appends as one group.
    package func execute(_ requests: [AppendRequest]) -> [Result<Receipt, any Error>] {
        let chained = parts.identity.chainStart != nil
        let group = requests.map { LogWork.append(LogRequest($0, $0.runs, parts.keys, isChained: chained)) }
        let answers: [Result<Receipt, any Error>] = writer.execute(group).map { answer in
            switch answer {
            case .success(.appended(let receipt, _)): .success(receipt)
            case .success(.undecided): .failure(StoreError.outpaced)
            case .success(.modelled): .failure(StoreError.wrongAnswer)
            case .failure(let error): .failure(error)
            }
        }
        writer.mover.settle()
        return answers
    }

    /// Writes a mark, as an idle store does.
    package func writeIdleMark() { writer.writeIdleMark() }

    /// Makes the next segment.
    package func prepareNextSegment() { try? writer.log.upkeep.prepareNextSegment() }

    /// Reads a page of events.
    package func read(_ request: ReadRequest) throws -> EventBatch {
        try mapped { try reader.page(request, Cancellation()) }
    }

    /// Finds an event by its id.
    package func event(_ id: EventID) throws -> RecordedEvent? {
        try mapped { try reader.reading { try reader.event(id) } }
    }

    /// Returns the facts about a stream.
    package func facts(of stream: StreamID) throws -> StreamFacts? {
        try mapped { try reader.reading { try reader.facts(of: stream) } }
    }

    private func mapped<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch { throw StoreError.reading(error) }
    }

    /// Ends the threads of the store. After the end of the disk's system nothing more is written.
    package func end() { writer.finish() }
}
