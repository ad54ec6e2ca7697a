import CSillok
import SillokCore
import SillokSQLiteConnections

/// The kind of a stored name.
enum NameKind: UInt8 {
    case stream = 0
    case category = 1
    case type = 2
    case tag = 3
    case content = 4
    case source = 5
}

/// The names and their numbers as seen by one connection. A name is looked up once and kept if there is space.
final class Names {
    struct Key: Hashable {
        let kind: NameKind
        let text: String

        static func == (left: Key, right: Key) -> Bool {
            left.kind == right.kind && left.text.hasSameBytes(as: right.text)
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(kind)
            text.hashBytes(into: &hasher)
        }
    }

    private let byText: Statement
    private let byNumber: Statement
    private let insertion: Statement?
    private var numbers: [Key: Int64] = [:]
    private var categories: [Int64: Int64] = [:]
    /// Names by the low bits of their numbers. Reading one event looks here several times.
    private var texts: [(number: Int64, text: String)]
    private var nextNumber: Int64
    private let capacity: Int
    /// The number of names that were looked up in the file because they were not in memory.
    private(set) var lookups = 0
    private static let slots = 1 << 15

    /// - Parameter capacity: the maximum number of names to keep in memory.
    init(_ connection: Connection, isWriter: Bool, capacity: Int) throws {
        byText = try connection.prepare("SELECT id, category, crc FROM names WHERE kind = ?1 AND text = ?2")
        byNumber = try connection.prepare("SELECT kind, text, category, crc FROM names WHERE id = ?1")
        insertion = isWriter ? try connection.prepare("INSERT INTO names VALUES (?1, ?2, ?3, ?4, ?5)") : nil
        nextNumber = isWriter ? try connection.number("SELECT max(id) FROM names") + 1 : 0
        self.capacity = capacity
        texts = Array(repeating: (0, ""), count: Self.slots)
    }

    /// Returns the number of a name, or `nil` if the store does not have the name.
    func number(_ kind: NameKind, _ text: String) throws -> Int64? {
        let key = Key(kind: kind, text: text)
        if let number = numbers[key] { return number }
        lookups &+= 1
        byText.bind(Int64(kind.rawValue), at: 1)
        byText.bind(bytesOf: text, at: 2)
        guard try byText.step() else { return nil }
        let (number, category) = (byText.int(0), byText.int(1))
        let isIntact = byText.int(2) == Self.checksum(of: number, kind: kind.rawValue, text: text, category: category)
        byText.reset()
        guard isIntact else { throw Self.damaged(number) }
        remember(number, key, category)
        return number
    }

    /// Returns the number of a name, and adds the name if the store does not have it.
    func intern(_ kind: NameKind, _ text: String, category: Int64 = 0) throws -> Int64 {
        if let number = try number(kind, text) { return number }
        guard let insertion else { throw StoreError(.readOnly, "the store is open for reading only.") }
        let number = nextNumber
        insertion.bind(number, at: 1)
        insertion.bind(Int64(kind.rawValue), at: 2)
        insertion.bind(bytesOf: text, at: 3)
        insertion.bind(category, at: 4)
        insertion.bind(Self.checksum(of: number, kind: kind.rawValue, text: text, category: category), at: 5)
        try insertion.run()
        nextNumber += 1
        remember(number, Key(kind: kind, text: text), category)
        return number
    }

    /// Returns the numbers of a stream and of its category, and adds both names if the store does not have them.
    func internStream(_ stream: StreamID) throws -> (stream: Int64, category: Int64) {
        if let number = numbers[Key(kind: .stream, text: stream.text)], let category = categories[number] {
            return (number, category)
        }
        let category = try intern(.category, stream.category.text)
        let number = try intern(.stream, stream.text, category: category)
        categories[number] = category
        return (number, category)
    }

    /// Returns the name for a number in an event.
    func text(_ number: Int64) throws -> String {
        let slot = Int(truncatingIfNeeded: number) & (Self.slots - 1)
        if texts[slot].number == number { return texts[slot].text }
        let text = try readText(number)
        texts[slot] = (number, text)
        return text
    }

    private func readText(_ number: Int64) throws -> String {
        byNumber.bind(number, at: 1)
        guard try byNumber.step() else { throw StoreError(.corrupt, "the name \(number) is missing from the store.") }
        let (rawKind, text, category) = (byNumber.int(0), byNumber.text(1), byNumber.int(2))
        let stored = byNumber.int(3)
        byNumber.reset()
        guard let kind = UInt8(exactly: rawKind).flatMap(NameKind.init(rawValue:)),
            stored == Self.checksum(of: number, kind: kind.rawValue, text: text, category: category)
        else { throw Self.damaged(number) }
        return text
    }

    /// Clears the names in memory. After a rollback, some of them may never have been stored.
    func forget(nextNumber: Int64) {
        numbers.removeAll(keepingCapacity: true)
        texts = Array(repeating: (0, ""), count: Self.slots)
        categories.removeAll(keepingCapacity: true)
        self.nextNumber = nextNumber
    }

    private func remember(_ number: Int64, _ key: Key, _ category: Int64) {
        if numbers.count >= capacity {
            numbers.removeAll(keepingCapacity: true)
            categories.removeAll(keepingCapacity: true)
        }
        numbers[key] = number
        if key.kind == .stream { categories[number] = category }
    }

    static func checksum(of number: Int64, kind: UInt8, text: String, category: Int64) -> Int64 {
        var text = text
        var head = (number.littleEndian, Int64(kind).littleEndian, category.littleEndian)
        let crc = withUnsafeBytes(of: &head) { sillok_crc32c(0, $0.baseAddress, $0.count) }
        return Int64(text.withUTF8 { sillok_crc32c(crc, $0.baseAddress, $0.count) })
    }

    private static func damaged(_ number: Int64) -> StoreError {
        StoreError(.corrupt, "the name \(number) of the store is damaged: its checksum does not match.")
    }
}
