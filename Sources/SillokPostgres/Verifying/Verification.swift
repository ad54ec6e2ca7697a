#if Postgres
import SillokCore
import SillokPostgresSchema
import SillokThreads

/// The queries whose results are the findings.
struct Verification {
    let connection: Connection
    let schema: String

    func run(
        _ progress: (WorkProgress) -> Void, _ cancellation: Cancellation
    ) throws -> VerificationReport {
        let checks = VerificationCheck.all(in: schema)
        return try connection.transaction([.beginReading]) {
            let counts = try connection.run(
                Query("SELECT count(*), count(DISTINCT stream) FROM \(schema).events"))
            var findings: [VerificationReport.Finding] = []
            for (index, check) in checks.enumerated() {
                try cancellation.check()
                progress(WorkProgress(step: check.step, done: UInt64(index), total: UInt64(checks.count)))
                let rows = try connection.run(Query(check.places + " LIMIT 20"))
                for row in 0..<rows.count {
                    let position = rows.isNull(row, 0) ? nil : Position(UInt64(clamping: try rows.int(row, 0)))
                    findings.append(.init(position: position, check.message))
                }
            }
            _ = try connection.run(.commit)
            return VerificationReport(
                events: UInt64(clamping: try counts.int(0, 0)), streams: UInt64(clamping: try counts.int(0, 1)),
                findings: findings)
        }
    }
}
#endif
