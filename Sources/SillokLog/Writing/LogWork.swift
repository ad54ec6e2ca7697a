import SillokCore
import SillokSQLiteModels
import SillokStorage

/// A request to the thread that writes.
enum LogWork: StoreWork {
    /// Records events.
    case append(LogRequest)
    /// Uses the read model in the folder.
    case model(ModelRequest)

    /// The append, if it is one.
    var append: LogRequest? { if case .append(let request) = self { request } else { nil } }

    /// The request's share of a group: its number of events or its KiB, whichever is more.
    var weight: Int {
        switch self {
        case .append(let request): request.weight
        case .model(let request): request.weight
        }
    }
}

extension LogWriter: StoreWriter {
    /// Executes a group and returns the results in order: first its appends together, then the other requests.
    ///
    /// All of them wait at the same time, so no caller expects another order.
    func execute(_ work: [LogWork]) -> [Result<WorkAnswer, any Error>] {
        let appends = work.compactMap(\.append)
        var answers = (appends.isEmpty ? [] : execute(appends)).makeIterator()
        guard appends.count < work.count else { return Array(answers) }
        let requests = work.compactMap { work -> ModelRequest? in
            if case .model(let request) = work { request } else { nil }
        }
        var others = execute(requests).makeIterator()
        return work.map { work in
            let answer =
                switch work {
                case .append: answers.next()
                case .model: others.next()
                }
            return answer ?? .failure(StoreError.wrongAnswer)
        }
    }

    /// Executes requests for the read model in one transaction of its file.
    private func execute(_ requests: [ModelRequest]) -> [Result<WorkAnswer, any Error>] {
        if failure == nil { failure = folder.replacement?.endingAppends }
        if let failure { return requests.map { _ in .failure(failure) } }
        do {
            try reader.renew()
            let rows = try rows ?? rowsFile.writer(reader, tuning)
            self.rows = rows
            return rows.execute(requests, reader).map { $0.map { .modelled(isDone: $0) } }
        } catch {
            return requests.map { _ in .failure(StoreError.reading(error)) }
        }
    }
}
