import SillokCore

extension Projector {
    /// Renews the leases of this projector while `body` runs, watches those of others, and releases its own at the end.
    func holdingLeases<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        guard let duration = options.lease else { return try await body() }
        let leases = HeldLeases(ledger: ledger, projection: name, owner: owner)
        do {
            let result = try await firstResult(of: body) {
                try await firstResult {
                    while true { try await self.renew(leases, after: duration / 3) }
                } or: {
                    while true { try await self.look(after: min(duration / 3, self.options.pollInterval)) }
                }
            }
            await releaseAll(leases)
            return result
        } catch {
            await releaseAll(leases)
            throw error
        }
    }

    private func renew(_ leases: HeldLeases, after pause: Duration) async throws {
        try await options.clock.sleep(for: pause)
        // If a heartbeat cannot be written, the runners' own writes fail too and report it.
        if board.holdsPartitions { try? await leases.renew() }
    }

    private func look(after pause: Duration) async throws {
        try await options.clock.sleep(for: pause)
        try await watch.look()
    }

    private func releaseAll(_ leases: HeldLeases) async {
        try? await leases.release()
        board.forgetPartitions()
    }
}
