import SillokCore
import SillokTestSupport
import Testing

@testable import SillokSegments

/// Checksums whose value is an accident.
@Suite struct ChecksumTests {
    /// The checksum of a group's header, and that of its first record.
    @Test("4: a group or a record whose checksum is 0 is read as any other", arguments: [4, 64])
    func zero(at field: Int) throws {
        // Only checksums depend on the key of a store, and each is combined with the same salt.
        let usual = LogPlay()
        try usual.append([100, 60, 30], to: usual.begin())
        let place = try #require(usual.groups(1).dropFirst().first).offset + field
        let sum = try number(usual, place) ^ usual.identity.salt
        let play = LogPlay(hashKey: key(usual, salt: sum))
        #expect(play.identity.salt == sum)
        try play.append([100, 60, 30], to: play.begin())
        #expect(try number(play, place) == 0)
        for _ in 0..<2 {
            #expect(try play.payloads(of: play.open()) == [100, 60, 30])
            play.removeDurableFile()
        }
        // It is proven by the group behind it, so its loss is damage.
        try play.change(1) { $0[place + 8] ^= 1 }
        let error = #expect(throws: LogError.self) { try play.open() }
        #expect(error?.damage?.position == 2)
    }

    private func number(_ play: LogPlay, _ place: Int) throws -> UInt32 {
        try play.bytes(1)[place..<place + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Returns a key that gives a store this salt. A bit of the key always changes the same bits of the salt, so a set
    /// of such changes is found by elimination.
    private func key(_ play: LogPlay, salt: UInt32) -> LogIdentity.HashKey {
        func salted(_ low: UInt64) -> UInt32 {
            var identity = play.identity
            identity.hashKey = LogIdentity.HashKey(low: low, high: 0)
            return identity.salt
        }
        var rows: [Int: (change: UInt32, key: UInt64)] = [:]
        func reduced(_ change: UInt32, _ key: UInt64) -> (change: UInt32, key: UInt64) {
            var (change, key) = (change, key)
            while change != 0, let row = rows[change.leadingZeroBitCount] {
                change ^= row.change
                key ^= row.key
            }
            return (change, key)
        }
        for bit in 0..<64 {
            let row = reduced(salted(1 << UInt64(bit)) ^ salted(0), 1 << UInt64(bit))
            if row.change != 0 { rows[row.change.leadingZeroBitCount] = row }
        }
        return LogIdentity.HashKey(low: reduced(salt ^ salted(0), 0).key, high: 0)
    }
}
