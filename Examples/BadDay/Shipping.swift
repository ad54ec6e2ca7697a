import SillokProcesses

/// What happens to an order.
enum ParcelEvent: Codable, Equatable, Sendable {
    case packed(address: String)
}

/// A parcel that is packed is handed to a courier.
struct Shipping: ProcessManager {
    typealias Event = ParcelEvent
    /// It commands no aggregate and sets no deadline.
    typealias Request = Never
    typealias Deadline = Never

    enum Effect: Codable, Equatable, Sendable {
        case bookCourier(parcel: String)
    }

    static let name = "shipping"
    static let source = EventQuery.category("parcel")

    static func correlate(_ event: Recorded<ParcelEvent>) -> Correlation { .starts(event.stream?.key ?? "") }

    private var parcel = ""

    mutating func evolve(_ input: Input) {
        if case .event(let event) = input { parcel = event.stream?.key ?? "" }
    }

    func react(to input: Input) -> [Step] {
        switch input {
        case .event: [.perform(.bookCourier(parcel: parcel))]
        case .effect: [.complete]
        default: []
        }
    }
}

/// The courier of the shop, who cannot always be reached.
struct Courier: Sendable {
    struct Unreachable: Error, CustomStringConvertible {
        let description = "the courier's server does not answer"
    }

    private let isReachable = Guarded(true)

    func setReachable(_ reachable: Bool) { isReachable.withLock { $0 = reachable } }

    /// There is no request, so there is no command.
    @Sendable private static func command(for request: Shipping.Request) -> ProcessCommand {}

    /// Runs the shipping of parcels. After a failed call the next one is made ten minutes later.
    func shipping(in store: any EventStore, index: any ReadModel) -> ProcessRunner<Shipping> {
        var policy = EffectCall.Policy()
        (policy.pause, policy.longestPause) = (.seconds(600), .seconds(600))
        return ProcessRunner(
            Shipping.self, after: .start, in: store, index: index, requests: Self.command
        ) { [policy] effect in
            EffectCall(policy: policy) { _ in
                guard isReachable.withLock({ $0 }) else { throw Unreachable() }
                guard case .bookCourier(let parcel) = effect else { return "" }
                return "the courier fetches \(parcel)"
            }
        }
    }
}
