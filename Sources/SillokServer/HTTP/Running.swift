import Logging
import Sillok
public import ServiceLifecycle
import SillokCore
import SillokReadSide
import SillokSQL

extension WebInterface: Service {
    /// Measures once a second and follows the keys, until the task is cancelled or a graceful shutdown begins. Then
    /// open subscriptions end, so that they do not delay the shutdown of the server.
    ///
    /// A ``StoreServer`` does the same for its interface. An application that mounts one in its own router adds the
    /// interface to its service group, after the server: a group shuts services down in the reverse order.
    public func run() async throws {
        await withGracefulShutdownHandler {
            await cancelWhenGracefulShutdown { _ = try? await self.watch() }
        } onGracefulShutdown: {
            self.end()
        }
    }

    /// Measures and follows the keys until the task is cancelled.
    func watch() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.measure() }
            group.addTask { try await self.followKeys() }
            defer { group.cancelAll() }
            do {
                try await group.next()
            } catch is CancellationError {
                // A normal end.
            }
        }
    }

    /// Ends subscriptions and long operations; requests in progress finish.
    public func end() {
        admission.close()
        jobs.cancel()
    }

    private func measure() async throws {
        while true {
            // Without an answer the gauges of projections keep their values.
            let statuses = served.readSide == nil ? [] : try? await served.readSide?.status()
            let lag = (statuses ?? []).filter { $0.build.state == .live }.map(\.lagTime.seconds).max() ?? 0
            if let head = try? await store.head() { sample(head, statuses) }
            history.take(metrics.current, lagSeconds: lag, at: clock.now())
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// Follows the keys that another process creates or revokes. If their log cannot be read for a while, this retries,
    /// and the known keys stay valid meanwhile.
    private func followKeys() async throws {
        guard let keyring = gatekeeper.keyring else { return try await Task.sleep(for: .seconds(1 << 30)) }
        while true {
            do {
                try await keyring.follow()
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                logger.error("the log of the keys cannot be followed", metadata: ["error": "\(error)"])
            }
            try await Task.sleep(for: .seconds(1))
        }
    }
}
