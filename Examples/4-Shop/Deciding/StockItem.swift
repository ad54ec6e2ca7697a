import Sillok

/// The pieces of one item: on the shelf, and of those how many are promised to which order.
struct StockItem: Decider {
    enum Command: Sendable {
        case introduce(name: String)
        case receive(units: Int)
        case reserve(order: String, units: Int)
        case release(order: String)
        case dispatch(order: String)
        case takeBack(order: String)
        case count(units: Int)
    }

    enum Event: Codable, Equatable, Sendable {
        case itemIntroduced(name: String)
        case stockReceived(units: Int)
        case stockReserved(order: String, units: Int)
        case reservationReleased(order: String, units: Int)
        case stockDispatched(order: String, units: Int)
        case stockReturned(order: String, units: Int)
        case stockCounted(units: Int, difference: Int)
    }

    enum Refusal: Error, Equatable {
        case unknownItem, alreadyIntroduced, notACount, shelfIsFull, outOfStock(available: Int), notReserved
        case notDispatched
    }

    /// Where the pieces of an order are.
    private enum Pieces { case reserved(Int), dispatched(Int), returned }

    static let maximumUnits = 1_000_000

    private var isKnown = false
    private(set) var onShelf = 0
    private var reserved = 0
    private var orders: [String: Pieces] = [:]

    var available: Int { onShelf - reserved }

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .introduce(let name):
            if isKnown { throw .alreadyIntroduced }
            return [.itemIntroduced(name: name)]
        case _ where !isKnown: throw .unknownItem
        case .receive(let units):
            guard (1...Self.maximumUnits).contains(units) else { throw .notACount }
            guard units <= Self.maximumUnits - onShelf else { throw .shelfIsFull }
            return [.stockReceived(units: units)]
        case .reserve(let order, let units):
            guard (1...Self.maximumUnits).contains(units) else { throw .notACount }
            if orders[order] != nil { return [] }
            guard units <= available else { throw .outOfStock(available: available) }
            return [.stockReserved(order: order, units: units)]
        case .count(let units):
            guard (0...Self.maximumUnits).contains(units) else { throw .notACount }
            return [.stockCounted(units: units, difference: units - onShelf)]
        case .release(let order), .dispatch(let order), .takeBack(let order):
            return try move(order, command)
        }
    }

    /// What is decided about pieces that were reserved.
    private func move(_ order: String, _ command: Command) throws(Refusal) -> [Event] {
        switch (command, orders[order]) {
        case (.release, .reserved(let units)): return [.reservationReleased(order: order, units: units)]
        case (.dispatch, .reserved(let units)):
            guard units <= onShelf else { throw .outOfStock(available: onShelf) }
            return [.stockDispatched(order: order, units: units)]
        case (.dispatch, nil): throw .notReserved
        case (.takeBack, .dispatched(let units)): return [.stockReturned(order: order, units: units)]
        case (.takeBack, .reserved), (.takeBack, nil): throw .notDispatched
        default: return []
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .itemIntroduced: isKnown = true
        case .stockReceived(let units): onShelf += units
        case .stockReserved(let order, let units):
            reserved += units
            orders[order] = .reserved(units)
        case .reservationReleased(let order, let units):
            reserved -= units
            orders[order] = nil
        case .stockDispatched(let order, let units):
            (onShelf, reserved) = (onShelf - units, reserved - units)
            orders[order] = .dispatched(units)
        case .stockReturned(let order, let units):
            onShelf += units
            orders[order] = .returned
        case .stockCounted(let units, _): onShelf = units
        }
    }
}
