package import SillokCore
import SillokReadSide
package import SillokSQL

/// The changes of one page of events, and the state of the partition after them.
package struct Batch: Sendable {
    /// The source of a change.
    enum Origin: Hashable, Sendable {
        /// One of Sillok's own rows.
        case bookkeeping
        /// An event, by its index in the page.
        case event(Int)
        /// A document, which several events of the page may have changed.
        case document(StreamID)
    }

    /// The event before which the projection stops, and the reason.
    struct Stop: Sendable {
        let event: RecordedEvent
        let cause: any Error
    }

    let before: PartitionState
    var after: PartitionState
    let page: EventBatch
    private(set) var changes: [ReadModelWrite.Change] = []
    private(set) var origins: [Origin] = []
    /// The events that changed each document, by index.
    var touched: [StreamID: [Int]] = [:]
    /// The number of events of this partition that were projected or parked.
    var taken = 0
    var stop: Stop?
    /// Whether some events of the page are left for another batch.
    var isPartial = false

    package init(_ page: EventBatch, after state: PartitionState) {
        self.page = page
        before = state
        after = state
        changes.reserveCapacity(page.events.count + 2)
        origins.reserveCapacity(page.events.count + 2)
    }

    mutating func add(_ statement: SQL, of projection: ProjectionID?, from origin: Origin = .bookkeeping) {
        changes.append(ReadModelWrite.Change(statement, of: projection))
        origins.append(origin)
    }

    func origin(of change: Int) -> Origin { origins.indices.contains(change) ? origins[change] : .bookkeeping }

    /// Adds the checkpoint, which is written in the same transaction as the changes.
    package mutating func addCheckpoint(_ id: ProjectionID) {
        let (old, new) = (before.row.checkpoint, after.checkpoint)
        if let mark = ReadModelFormat.mark(id, before.row.number, at: new, after: old) { add(mark, of: nil) }
        if new != old { add(before.row.moving(id, to: new), of: nil) }
        after.row.checkpoint = new
    }

    /// Changes the partition's row although its checkpoint stays. So a second runner that has read the same dead
    /// letters does not project them too.
    mutating func raiseEpoch(_ id: ProjectionID) {
        add("UPDATE sillok_checkpoints SET epoch = epoch + 1 \(Ledger.whose(id, before.row.number))", of: nil)
        after.row.epoch = before.row.epoch &+ 1
    }

    /// Returns the write for the changes. It has the condition that the partition's row did not change meanwhile: its
    /// checkpoint, its token, which rises with each holder of the lease, and its epoch, which rises with each request
    /// of an operator and with each retry of dead letters.
    package func write(_ id: ProjectionID) -> ReadModelWrite {
        ReadModelWrite(changes, if: [before.row.isUnchanged(id)])
    }
}
