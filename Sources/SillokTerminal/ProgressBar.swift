import SillokCore

/// Shows the progress of long work: a bar on a terminal, a plain line every few seconds elsewhere.
///
/// It is cheap to report every step, because the bar is drawn at most ten times a second.
package final class ProgressBar: Sendable {
    private struct State {
        var done: UInt64 = 0
        var fraction: Double?
        var drawn: Duration = .zero
        var drawnDone: UInt64 = 0
        var rate: Double = 0
        var fractionRate: Double = 0
        var drawnFraction: Double = 0
        var isVisible = false
    }

    private let title: String
    private let unit: String
    private let total: UInt64?
    private let console: Console
    private let now: @Sendable () -> Duration
    private let state = Lock(State())

    /// A bar at its beginning.
    ///
    /// - Parameters:
    ///   - title: the name of the work, such as `Importing`.
    ///   - unit: the counted things, in the plural.
    ///   - total: how many there will be, if that is known.
    ///   - console: where to draw.
    ///   - elapsed: the time since the work began; a test gives its own.
    package init(
        _ title: String, unit: String = "events", total: UInt64? = nil, console: Console = .current,
        elapsed: (@Sendable () -> Duration)? = nil
    ) {
        self.title = title
        self.unit = unit
        self.total = total
        self.console = console
        let start = ContinuousClock.now
        now = elapsed ?? { ContinuousClock.now - start }
    }

    /// How much has been done.
    package var done: UInt64 { state.withLock { $0.done } }

    /// How long the work has taken.
    package var elapsed: Duration { now() }

    /// Counts further steps as done.
    package func advance(by count: UInt64 = 1) { update(to: done + count) }

    /// Says how much is done, and which part of the whole that is where the total is not counted in the same unit.
    package func update(to done: UInt64, fraction: Double? = nil) {
        let time = now()
        let pause: Duration = console.errorTerminal.isTerminal ? .milliseconds(100) : .seconds(5)
        let line: String? = state.withLock { state in
            state.done = done
            state.fraction = fraction ?? total.map { $0 == 0 ? 1 : Double(done) / Double($0) }
            guard time - state.drawn >= pause else { return nil }
            measure(&state, time)
            state.isVisible = true
            return describe(state)
        }
        if let line { draw(line) }
    }

    /// Takes the bar away until the next update, so that lines of the result can be printed.
    package func clear() {
        let isVisible = state.withLock { state in
            defer { state.isVisible = false }
            return state.isVisible
        }
        if isVisible && console.errorTerminal.isTerminal { draw("") }
    }

    /// Removes the bar and prints a summary line, unless `quietly`.
    package func finish(quietly: Bool = false) {
        let state = state.withLock { state in
            defer { state.isVisible = false }
            return state
        }
        if state.isVisible && console.errorTerminal.isTerminal { draw("") }
        guard !quietly else { return }
        let elapsed = now()
        let rate = Double(state.done) / max(elapsed.seconds, 1e-6)
        console.note("\(title): \(state.done.grouped) \(unit) in \(elapsed.spoken), \(rate.asRate)/s")
    }

    /// Follows the rate of the last seconds, so that the time left is of now and not of long ago.
    private func measure(_ state: inout State, _ time: Duration) {
        let pause = max((time - state.drawn).seconds, 1e-6)
        let weight = state.drawn == .zero ? 1 : pause / (pause + 3)
        let rate = Double(state.done) - Double(state.drawnDone)
        state.rate += weight * (rate / pause - state.rate)
        if let fraction = state.fraction {
            state.fractionRate += weight * ((fraction - state.drawnFraction) / pause - state.fractionRate)
            state.drawnFraction = fraction
        }
        state.drawn = time
        state.drawnDone = state.done
    }

    private func describe(_ state: State) -> String {
        var parts = [
            "\(state.done.grouped)\(total.map { " of \($0.grouped)" } ?? "") \(unit)", "\(state.rate.asRate)/s",
        ]
        guard let fraction = state.fraction.map({ min(max($0, 0), 1) }) else { return parts.joined(separator: "  ") }
        if state.fractionRate > 0, fraction < 1 {
            let seconds = min((1 - fraction) / state.fractionRate, 1e7).rounded(.up)
            parts.append("\(seconds < 60 ? "\(Int(seconds)) s" : Duration.seconds(seconds).spoken) left")
        }
        let percent = "\(Int(fraction * 100)) %".padded(to: 5, onTheLeft: true)
        let text = parts.joined(separator: "  ")
        let room = console.errorTerminal.width - title.columns - text.columns - 12
        guard console.errorTerminal.isTerminal, room >= 10 else { return "\(percent)  \(text)" }
        let width = min(room, 30)
        let filled = Int(fraction * Double(width))
        let bar =
            console.errorTerminal.styled(String(repeating: "━", count: filled), .green)
            + console.errorTerminal.styled(String(repeating: "━", count: width - filled), .dim)
        return "\(bar) \(percent)  \(text)"
    }

    private func draw(_ line: String) {
        guard console.errorTerminal.isTerminal else {
            console.note("\(title): \(line.drop { $0 == " " })")
            return
        }
        let text = line.isEmpty ? "\r\u{1B}[2K" : "\r\u{1B}[2K\(title)  \(line)"
        try? console.errors.write(Array(text.utf8))
        try? console.errors.flush()
    }
}
