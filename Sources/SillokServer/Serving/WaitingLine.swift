import SillokCore
import SillokGRPC

/// Who holds the places of a server, and who waits for one: a free place goes to the owner that holds fewest, and of
/// several to the one that has waited longest.
struct WaitingLine<Waiter> {
    /// What becomes of one that comes.
    enum Entry {
        case taken
        /// It waits under a number.
        case waits(UInt64)
        /// Too many wait already.
        case refused
    }

    private(set) var places: SharedPlaces
    private var waiting: SharedPlaces
    private var lines: [ExactText: [(number: UInt64, waiter: Waiter)]] = [:]
    private var last: UInt64 = 0

    init(places: Int, waiting: Int) {
        self.places = SharedPlaces(places)
        self.waiting = SharedPlaces(waiting)
    }

    /// Takes a place, without waiting.
    mutating func take(_ owner: String) -> Bool { places.take(owner) }

    /// Takes a place, or waits for one.
    mutating func enter(_ owner: String, _ waiter: Waiter) -> Entry {
        if places.take(owner) { return .taken }
        guard waiting.take(owner) else { return .refused }
        last += 1
        lines[ExactText(owner), default: []].append((last, waiter))
        return .waits(last)
    }

    /// Removes a waiter; `nil` for a number that does not wait.
    mutating func leave(_ owner: String, _ number: UInt64) -> Waiter? {
        let key = ExactText(owner)
        guard let index = lines[key]?.firstIndex(where: { $0.number == number }) else { return nil }
        let waiter = lines[key]?.remove(at: index).waiter
        if lines[key]?.isEmpty == true { lines[key] = nil }
        waiting.release(owner)
        return waiter
    }

    /// Gives a place back, and returns who has it now.
    mutating func release(_ owner: String) -> Waiter? {
        places.release(owner)
        let next = lines.lazy.filter { [places] in places.isOpen(to: $0.key.text) }.min { [places] in
            (places.held(by: $0.key.text), $0.value[0].number) < (places.held(by: $1.key.text), $1.value[0].number)
        }
        guard let (owner, line) = next, places.take(owner.text) else { return nil }
        return leave(owner.text, line[0].number)
    }
}
