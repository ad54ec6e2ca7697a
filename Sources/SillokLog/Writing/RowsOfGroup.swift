import SillokCore
import SillokSQL
import SillokSQLiteModels
import SillokStorage

extension LogWriter {
    /// Lets the attached rules project the events of an append, then records it. A rule may refuse the append: then
    /// nothing of it is in the group.
    func project(
        _ append: AppendRequest, _ times: [Int64], _ record: () throws -> Receipt
    ) throws -> Receipt {
        guard let rows, rows.hasRules else { return try record() }
        return try rows.project(try events(of: append, times), record)
    }

    /// Returns the events of an append as it will record them.
    private func events(of append: AppendRequest, _ times: [Int64]) throws -> [RecordedEvent] {
        var last: [StreamID: Revision] = [:]
        for case let stream? in append.entries.map(\.stream) {
            last[stream] = try (last[stream] ?? revision(of: stream)).next
        }
        let receipt = Receipt(
            firstPosition: draft.position.next, mark: EventMark(position: draft.position, id: nil), revisions: last,
            recordedAt: clock.now())
        return append.recorded(receipt, times: times)
    }

    /// Returns the answers of a durable group after its rows are committed. If they cannot be, the group is projected
    /// again, and if that fails its appends get an unknown outcome: they are stored, and not in the rows.
    func confirmingRows(_ answers: [Result<WorkAnswer, any Error>]) -> [Result<WorkAnswer, any Error>] {
        guard let rows, rows.isBehind else { return answers }
        do {
            reader.pending = nil
            try reader.renew()
            try rows.catchUp(reader)
            return answers
        } catch {
            let cause = StoreError.storing(error)
            let reported = StoreError(
                cause.code,
                "the events are stored, but the rows of inline projections are not: \(cause.message) The store takes "
                    + "no more appends until the rows are written.", outcome: .unknown, cause: cause)
            return answers.map { answer in
                if case .success(.appended(let receipt, _)) = answer, !rows.contains(receipt.position) {
                    .failure(reported)
                } else {
                    answer
                }
            }
        }
    }
}
