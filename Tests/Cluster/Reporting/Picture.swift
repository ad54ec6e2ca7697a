import Foundation

/// A picture of a run: its faults, appends per second, and the latency of appends, over time.
struct Picture {
    let history: History

    private static let width = 1600.0
    private static let left = 70.0

    /// The first and the last moment.
    private var span: (start: Int64, end: Int64) {
        let times = history.appends.map(\.answered)
        return (times.min() ?? 0, max(times.max() ?? 1, (times.min() ?? 0) + 1_000_000))
    }

    private func x(_ time: Int64) -> Double {
        let (start, end) = span
        return Self.left + (Self.width - Self.left - 20) * Double(time - start) / Double(end - start)
    }

    func svg() -> String {
        let appended = history.appends.filter { $0.verb == "appended" && $0.place.hasPrefix("app") }
        let (start, end) = span
        let step: Int64 = max(1_000_000, (end - start) / 1200)
        let bins = Dictionary(grouping: appended) { ($0.answered - start) / step }
        let count = Int((end - start) / step) + 1
        let rates = (0..<count).map { Double(bins[Int64($0)]?.count ?? 0) * 1e6 / Double(step) }
        // Milliseconds on a scale of powers of ten.
        let latencies = (0..<count).map { bin in
            log10(max(1, Double(bins[Int64(bin)]?.map { $0.answered - $0.sent }.max() ?? 0) / 1000))
        }
        let highest = max(1, rates.max() ?? 1)
        let parts =
            [
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 -40 \(Int(Self.width)) 460\" "
                    + "font-family=\"sans-serif\" font-size=\"11\">",
                "<rect y=\"-40\" width=\"100%\" height=\"100%\" fill=\"white\"/>",
            ] + history.rounds.map(band) + [
                axis(top: 60, height: 150, label: "appends/s", marks: [(0, "0"), (1, "\(Int(highest))")]),
                line(rates.map { $0 / highest }, start, step, top: 60, height: 150, colour: "#1565c0"),
                axis(
                    top: 240, height: 150, label: "longest append, ms",
                    marks: [(0, "1"), (0.2, "10"), (0.4, "100"), (0.6, "1,000"), (0.8, "10,000"), (1, "100,000")]),
                line(latencies.map { $0 / 5 }, start, step, top: 240, height: 150, colour: "#c62828"),
                minutes(start, end), "</svg>",
            ]
        return parts.joined(separator: "\n") + "\n"
    }

    /// The fault in dark, its healing in light.
    private func band(_ round: Round) -> String {
        func area(_ from: Int64, _ to: Int64, _ colour: String) -> String {
            "<rect x=\"\(fixed(x(from)))\" y=\"50\" width=\"\(fixed(max(1, x(to) - x(from))))\" height=\"345\" "
                + "fill=\"\(colour)\"/>"
        }
        let healing = round.healing > 0 ? round.healing : round.begun
        let start = fixed(x(round.begun))
        return area(round.begun, healing, "#ffcc80") + area(healing, max(healing, round.healed), "#fff3e0")
            + "<text x=\"\(start)\" y=\"46\" transform=\"rotate(-35 \(start) 46)\">\(round.fault)</text>"
    }

    private func axis(top: Double, height: Double, label: String, marks: [(Double, String)]) -> String {
        "<text x=\"\(Int(Self.left))\" y=\"\(fixed(top - 2))\" fill=\"#444\">\(label)</text>"
            + marks.map { place, text in
                let y = fixed(top + height * (1 - place))
                return "<line x1=\"\(Int(Self.left))\" x2=\"\(Int(Self.width - 20))\" y1=\"\(y)\" y2=\"\(y)\" "
                    + "stroke=\"#ddd\"/><text x=\"\(Int(Self.left - 5))\" y=\"\(y)\" text-anchor=\"end\">\(text)</text>"
            }.joined()
    }

    private func line(
        _ values: [Double], _ start: Int64, _ step: Int64, top: Double, height: Double, colour: String
    ) -> String {
        let points = values.enumerated().map { index, value in
            "\(fixed(x(start + Int64(index) * step))),\(fixed(top + height * (1 - min(1, value))))"
        }
        return "<polyline fill=\"none\" stroke=\"\(colour)\" points=\"\(points.joined(separator: " "))\"/>"
    }

    private func minutes(_ start: Int64, _ end: Int64) -> String {
        let step: Int64 = end - start > 900_000_000 ? 300_000_000 : 60_000_000
        return stride(from: start, through: end, by: Int64.Stride(step)).map {
            "<text x=\"\(fixed(x($0)))\" y=\"410\">\(($0 - start) / 60_000_000) min</text>"
        }.joined()
    }

    private func fixed(_ value: Double) -> String { String(format: "%.1f", value) }
}
