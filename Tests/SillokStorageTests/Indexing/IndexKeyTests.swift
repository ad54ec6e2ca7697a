import CSillok
import SillokCore
import SillokStorage
import Testing

@Suite struct IndexKeyTests {
    private let keys: IDKeys

    init() {
        var random = SystemRandomNumberGenerator()
        keys = IDKeys(secret: .init(from: &random))
    }

    @Test func `keys of time-ordered ids rise with their milliseconds and stay below all others`() {
        var last: Int64 = -1
        for millisecond in [0, 1, 1_700_000_000_000, 1_700_000_000_001, (1 << 42) - 1] as [UInt64] {
            let key = keys.key(EventID(high: millisecond << 16 | 0x7123, low: 0x8000_0000_0000_0001))
            #expect(key > last)
            #expect(key < IndexKey.firstUnordered)
            last = key
        }
        #expect(keys.key(EventID(high: 1 << 58 | 0x7123, low: 1 << 63)) >= IndexKey.firstUnordered)
        #expect(keys.key(EventID(high: 0, low: 0)) >= IndexKey.firstUnordered)
        #expect(keys.key(EventID(high: .max, low: .max)) >= IndexKey.firstUnordered)
    }

    @Test func `ids that follow one another have different keys`() {
        let ids = (0..<1000).map { EventID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0000 + UInt64($0)) }
        #expect(Set(ids.map(keys.key)).count > 990)
        let others = (0..<1000).map { EventID(high: 0, low: UInt64($0)) }
        #expect(Set(others.map(keys.key)).count == 1000)
    }

    @Test func `the checksum is CRC-32C, by instruction and by table`() {
        let digits = Array("123456789".utf8)
        #expect(sillok_crc32c(0, digits, digits.count) == 0xE306_9283)
        var random = SystemRandomNumberGenerator()
        for length in 0..<300 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            let start = UInt32.random(in: 0 ... .max, using: &random)
            #expect(sillok_crc32c(start, bytes, length) == sillok_crc32c_portable(start, bytes, length))
        }
    }
}
