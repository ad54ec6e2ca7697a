import SillokCore

/// The pages that are queued or being read, and the callers who wait for them.
struct SharedPages {
    typealias Answer = CheckedContinuation<EventBatch, any Error>

    /// A page, whose reading ends when no caller waits for it.
    private struct Page {
        let request: ReadRequest
        let cancellation = Cancellation()
        var answers: [UInt64: Answer] = [:]
    }

    /// What remains to be done when a caller no longer waits.
    struct Departure {
        let answer: Answer
        /// Ends the reading, if no other caller waits.
        var cancellation: Cancellation?
        /// The request of the page, if no other caller waits.
        var forgotten: ReadRequest?
    }

    private var pages: [UInt64: Page] = [:]
    /// The pages that no thread has begun to read: callers may still join those who wait.
    private var queued: [ReadRequest: UInt64] = [:]

    /// The number of callers who wait.
    var callers: Int { pages.values.reduce(0) { $0 + $1.answers.count } }

    /// Adds a page that is queued.
    mutating func queue(_ request: ReadRequest, _ number: UInt64) {
        pages[number] = Page(request: request)
        queued[request] = number
    }

    /// Adds a page that is read before a caller has asked for it.
    mutating func readAhead(_ request: ReadRequest, _ number: UInt64) -> Cancellation {
        let page = Page(request: request)
        pages[number] = page
        return page.cancellation
    }

    /// The queued page of a request, or `nil`.
    func queued(_ request: ReadRequest) -> UInt64? { queued[request] }

    /// Notes a caller who waits for a page.
    mutating func wait(_ caller: UInt64, for page: UInt64, _ answer: Answer) { pages[page]?.answers[caller] = answer }

    /// Begins to read a page. From now on callers who ask may know of a later head, and get a page of their own.
    mutating func begin(_ number: UInt64) -> Cancellation? {
        guard let page = pages[number] else { return nil }
        if queued[page.request] == number { queued[page.request] = nil }
        return page.cancellation
    }

    /// Takes a caller out who no longer waits; `nil` if the caller has been answered. A page that no caller waits
    /// for is forgotten.
    mutating func leave(_ caller: UInt64, _ number: UInt64) -> Departure? {
        guard let page = pages[number], let answer = pages[number]?.answers.removeValue(forKey: caller) else {
            return nil
        }
        guard pages[number]?.answers.isEmpty == true else { return Departure(answer: answer) }
        pages[number] = nil
        if queued[page.request] == number { queued[page.request] = nil }
        return Departure(answer: answer, cancellation: page.cancellation, forgotten: page.request)
    }

    /// Ends a page: the callers who wait for it.
    mutating func end(_ number: UInt64) -> [Answer] {
        pages.removeValue(forKey: number).map { Array($0.answers.values) } ?? []
    }
}
