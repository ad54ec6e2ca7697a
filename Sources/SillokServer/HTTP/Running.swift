import Logging
import Sillok
public import ServiceLifecycle
import SillokCore
import SillokProcessOperations
import SillokReadSide
import SillokSQL
import SillokService
import SillokThreads

extension WebInterface: Service {
    /// Measures once a second and follows the keys, until the task is cancelled or a graceful shutdown begins. Then
    /// open subscriptions end, so that they do not delay the shutdown of the server.
    ///
    /// A ``StoreServer`` does the same for its interface. An application that mounts an interface in its own router
    /// adds the interface to its service group, after the server: a group shuts services down in the reverse order.
    public func run() async throws {
        await withGracefulShutdownHandler {
            await cancelWhenGracefulShutdown { _ = try? await self.watch() }
        } onGracefulShutdown: {
            self.end()
        }
    }

    /// Measures and follows the keys until the task is cancelled.
    func watch() async throws {
        do {
            try await firstResult(of: { try await self.measure() }, or: { try await self.followKeys() })
        } catch is CancellationError {
            // A normal end.
        }
    }

    /// Ends subscriptions and long operations; requests in progress finish.
    public func end() {
        admission.close()
        jobs.cancel()
    }

    private func measure() async throws {
        var count = 0
        while !Task.isCancelled {
            await measureOnce()
            count += 1
            if count % 60 == 0 { await saveHistory() }
            try? await Task.sleep(for: .seconds(1))
        }
        await saveHistory()
        throw CancellationError()
    }

    func saveHistory() async {
        guard let path = served.tools.metricsFile else { return }
        let history = history
        if (try? await onOwnThread { MetricsFile(path).save(history) }) == true { return }
        logger.warning(
            "The measurements for the charts were not saved. After a restart the charts begin empty.",
            metadata: ["file": "\(path)"])
    }

    /// Sets the gauges, and adds a second to the charts.
    func measureOnce() async {
        // Without an answer the gauges of projections keep their values.
        let statuses = served.readSide == nil ? [] : try? await served.readSide?.status()
        let lag = (statuses ?? []).filter { $0.build.state == .live }.map(\.lagTime.seconds).max() ?? 0
        let processes = served.processes == nil ? [] : try? await served.processes?.measurements()
        if let head = try? await store.head() { sample(head, statuses, processes) }
        let state = metrics.current
        history.record(
            MetricsHistory.Totals(
                appends: state.append.requests, events: state.append.events, reads: state.eventsRead,
                failures: state.append.failures, times: state.append.seconds),
            lagSeconds: lag, at: clock.now())
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
