import NIOCore
import Sillok
import SillokClient
import SillokServer
import SillokGRPC
import SillokWire
import Testing

/// The outcomes that a client reports for an append.
@Suite struct OutcomeTests {
    /// Sleeps take no time; they are written down.
    private final class CountedClock: Clock, Sendable {
        typealias Instant = ContinuousClock.Instant
        private let state = Lock((now: ContinuousClock.now, sleeps: [Duration]()))

        var now: Instant { state.withLock { $0.now } }
        var minimumResolution: Duration { .zero }
        var sleeps: [Duration] { state.withLock { $0.sleeps } }

        func sleep(until deadline: Instant, tolerance: Duration?) async throws {
            state.withLock { state in
                state.sleeps.append(state.now.duration(to: deadline))
                state.now = max(state.now, deadline)
            }
        }
    }

    /// The error of one append at a server that answers so, and the pauses between the attempts.
    private func failure(
        _ server: CannedServer, timeout: Duration = .seconds(30)
    ) async throws -> (error: StoreError?, sleeps: [Duration]) {
        let clock = CountedClock()
        var options = RemoteEventStore.Options()
        options.timeout = timeout
        let remote = try await RemoteEventStore(server.address, options, clock: clock)
        let error = await #expect(throws: AppendError.self) {
            try await remote.append([EventData(type: "a", text: "{}")])
        }?.failure
        await remote.close()
        await server.stop()
        return (error, clock.sleeps)
    }

    @Test(
        "X1: access denied after an attempt of unknown outcome leaves the outcome unknown",
        arguments: [GRPCStatus.Code.unauthenticated, .permissionDenied, .unimplemented])
    func deniedAfterDoubt(_ code: GRPCStatus.Code) async throws {
        let (error, sleeps) = try await failure(CannedServer(.lost, .status(GRPCStatus(code, "no"))))
        #expect(error?.code == (code == .unimplemented ? .unsupportedFormat : .accessDenied))
        #expect(error?.outcome == .unknown)
        #expect(error?.description.contains("repeat the same append") == true)
        #expect(!sleeps.isEmpty)
    }

    @Test("X1: access denied at the first attempt is definite")
    func denied() async throws {
        let (error, _) = try await failure(CannedServer(.status(GRPCStatus(.permissionDenied, "no"))))
        #expect(error?.code == .accessDenied && error?.outcome == .definite)
    }

    @Test("X1: every failure of the store after an attempt of unknown outcome leaves the outcome unknown")
    func failedAfterDoubt() async throws {
        let bytes = Remote.answer(failure: .failed(StoreError(.full, "no room"))).unframed()
        let (error, _) = try await failure(CannedServer(.lost, .message(bytes)))
        #expect(error?.code == .full && error?.outcome == .unknown)
        let (first, _) = try await failure(CannedServer(.message(bytes)))
        #expect(first?.code == .full && first?.outcome == .definite && first?.message == "no room")
    }

    @Test(
        "X3: an answer that cannot be read is a StoreError with an unknown outcome",
        arguments: [
            [0xFF], [], [0x7A, 0x00], [0x7A, 0x02, 0x0A, 0x00],
            [0x7A, 0x0A, 0x0A, 0x08, 0x0A, 0x06] + Array("future".utf8),
        ])
    func unreadable(_ bytes: [UInt8]) async throws {
        let (error, sleeps) = try await failure(CannedServer(.message(bytes)))
        #expect(error?.code == .unsupportedFormat && error?.outcome == .unknown)
        #expect(error?.message.contains("cannot be read") == true)
        #expect(sleeps.isEmpty)
    }

    private var overload: GRPCStatus {
        let error = StoreError(.overloaded, "too many appends wait.", retryAfter: .milliseconds(700))
        return GRPCStatus(
            .resourceExhausted, "wait", details: Remote.answer(failure: .failed(error)).unframed(),
            retryAfter: error.retryAfter)
    }

    @Test("W6: a retry waits as long as the server asks, and the client's error has the same time")
    func pushback() async throws {
        let server = try await CannedServer(
            .status(overload), .status(overload), .status(GRPCStatus(.permissionDenied, "no")))
        let (denied, sleeps) = try await failure(server)
        #expect(denied?.outcome == .definite)
        #expect(sleeps.count == 2 && sleeps.allSatisfy { (.milliseconds(700)...(.milliseconds(1050))).contains($0) })

        let (error, none) = try await failure(CannedServer(.status(overload)), timeout: .milliseconds(600))
        #expect(error?.code == .overloaded && error?.outcome == .definite)
        #expect(error?.retryAfter == .milliseconds(700))
        #expect(none.isEmpty, "a pause that ends after the limit is of no use")
    }

    @Test("W6: an overload after an attempt of unknown outcome is not definite")
    func overloadAfterDoubt() async throws {
        let (error, _) = try await failure(
            CannedServer(.lost, .status(overload)), timeout: .milliseconds(600))
        #expect(error?.code == .overloaded && error?.outcome == .unknown)
    }
}
