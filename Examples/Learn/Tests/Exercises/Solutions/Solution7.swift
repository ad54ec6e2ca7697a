import SillokProcessTesting
import SillokProcesses
import Testing

/// Exercise 7: a book is lent for two weeks. Three days before the end the reader gets a message. At the end the book
/// is declared lost, unless it has come back.
enum Solution7 {
    enum LoanEvent: Codable, Equatable, Sendable {
        case borrowed(reader: String)
        case returned
    }

    struct Loan: ProcessManager {
        typealias Event = LoanEvent

        enum Request: Codable, Equatable, Sendable { case declareLost(book: String) }
        enum Effect: Codable, Equatable, Sendable { case remind(reader: String) }
        enum Deadline: Codable, Hashable, Sendable { case reminder, end }

        static let name = "loan"
        static let source = EventQuery.category("book")

        static func correlate(_ event: Recorded<LoanEvent>) -> Correlation {
            let key = event.stream?.key ?? ""
            return event.payload == .returned ? .joins(key) : .starts(key)
        }

        private var book = ""
        private var reader = ""

        mutating func evolve(_ input: Input) {
            guard case .event(let event) = input else { return }
            book = event.stream?.key ?? ""
            if case .borrowed(let reader) = event.payload { self.reader = reader }
        }

        func react(to input: Input) -> [Step] {
            switch input {
            case .event(let event):
                if event.payload == .returned { return [.complete] }
                let day = 24 * 3600
                return [
                    .schedule(.reminder, after: .seconds(11 * day)), .schedule(.end, after: .seconds(14 * day)),
                ]
            case .deadline(.reminder, _): return [.perform(.remind(reader: reader))]
            case .deadline(.end, _): return [.request(.declareLost(book: book)), .complete]
            default: return []
            }
        }
    }
}

@Suite struct Solution7Tests {
    private let borrowed = Solution7.Loan.Input.happened(.borrowed(reader: "kim"), in: "book-9")

    @Test func `a loan has two deadlines`() {
        ProcessScenario<Solution7.Loan>.when(borrowed).then(
            .schedule(.reminder, after: .seconds(11 * 24 * 3600)), .schedule(.end, after: .seconds(14 * 24 * 3600)))
    }

    @Test func `the reader is reminded, and the book is declared lost at the end`() {
        ProcessScenario<Solution7.Loan>.given(borrowed).when(.deadline(.reminder, due: "2026-12-04T00:00:00Z"))
            .then(.perform(.remind(reader: "kim")))
        ProcessScenario<Solution7.Loan>.given(borrowed).when(.deadline(.end, due: "2026-12-07T00:00:00Z"))
            .then(.request(.declareLost(book: "9")), .complete)
    }

    @Test func `a book that comes back ends the loan, and with it the deadlines`() {
        ProcessScenario<Solution7.Loan>.given(borrowed).when(.happened(.returned, in: "book-9")).then(.complete)
    }
}
