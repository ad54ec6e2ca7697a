// Format 1 of a log: a folder with the files below. Numbers are little-endian unless noted. Every checksum is CRC-32C.
// Where "⊕ salt" is noted, it is combined (XOR) with the checksum of store id and hash key (both big-endian). Callers
// do not know the key, so no payload can contain a header that recovery would accept.
//
// bank.sillok/
//   store                         who the log is: written to `store.new`, synced, renamed
//   durable                       how far the log is durable; rewritten after each sync and never synced itself
//   log/00000000000000000001.seg  segments, numbered from 1 without gaps: the events
//   log/00000000000000000001.pos  the places of a full segment's events; rebuilt from the segment when missing or bad
//
// store (72)        magic "SILLOKLG" · version 4 · 0 (4) · store id 16 · hash key 16 · created 8 (µs since 1970)
//                   · first position of the chain 8 (0: no chain) · 0 (4) · checksum 4 of everything before
// durable (32)      magic "SILLOKDU" · segment 4 · checksum 4 ⊕ salt of the other bytes · offset 8 · position 8
//
// segment           header (64) · groups · zeros up to the size of the file
//   header (64)     magic "SILLOKSG" · version 4 · ordinal 4 · store id 16 · size 8
//                   · durable when it was created: segment 4, 0 (4), offset 8 · 0 (4) · checksum 4 ⊕ salt
//   group           header (64) · records
//   header (64)     magic 4 · checksum 4 ⊕ salt of the rest · segment 4 · flags 4 (1 mark, 2 seal) · own offset 8
//                   · first position 8 · events 4 · records 4 · bytes of the records 4
//                   · durable segment 4 · durable offset 8 · size of the prepared next segment 8 (0: there is none)
//   record          prefix (32 or 64) · body · zeros to a multiple of 8
//   prefix          checksum 4 ⊕ salt of the rest of the prefix and then the position · bytes of the body 4
//                   · kind 1 (1 event, 2 tracking) · flags 1 (1 link, 2 erased) · 0 (2) · checksum of the body 4
//                   · revision 8 · recorded 8 (µs since 1970) · [link of the chain 32]
//
// event body        id 16 (big-endian) · flags 1 (1 stream, 2 tracking, 4 content type that is not JSON) · type: text
//                   · [content type: text] · [stream: text] · [source: text · its position 8] · number of tags: LEB128
//                   · each tag: text · metadata: text in the form of `Metadata.bytes` · payload up to the end
// tracking body     source: text · its position 8 · flags 1 (1 id) · [id of the foreign event 16 (big-endian)]
//                   text: number of bytes as LEB128 · UTF-8 as appended
//
// places (.pos)     magic "SILLOKPL" · version 4 · ordinal 4 · store id 16 · first position 8 · events 4
//                   · end of the records 4 (offset / 8) · checksum 4 of the places · 0 (8) · checksum 4 ⊕ salt of the
//                   header · then for each event 4: offset of its record / 8
//
// Rules
// - A group begins at a multiple of 8 and is in one segment. Positions have no gaps. The first group of a segment
//   begins at 64. Behind a group, 128 bytes stay free for a mark and the seal.
// - "Durable" in a header is the end of the last group whose sync had returned before the header was written. A bad
//   place before any such statement is damage. A bad place behind all of them was never acknowledged.
// - Before the first group of a segment is written, the file has its size and reads as zeros, both durably, its name is
//   synced, and the former segment is synced and ends with a seal.
// - A tracking record comes before the events of its append. Its position is that of the next event.
// - Erased records (flag 2) have the size of the original; tags, metadata and payload are zeros. The digests that the
//   chain then needs will be a record of kind 3. This version writes neither and refuses to decode them.

/// The numbers of format 1.
@usableFromInline
package enum LogFormat {
    package static let version: UInt32 = 1

    static let storeMagic: UInt64 = magic("SILLOKLG")
    static let durableMagic: UInt64 = magic("SILLOKDU")
    static let segmentMagic: UInt64 = magic("SILLOKSG")
    package static let placesMagic: UInt64 = magic("SILLOKPL")
    /// No byte of it is 0, so that zeros are never taken for a header.
    @inlinable package static var groupMagic: UInt32 { 0x9E4B_1C67 }

    @inlinable package static var storeBytes: Int { 72 }
    @inlinable package static var durableBytes: Int { 32 }
    /// Of a segment, of a group and of a file of places.
    @inlinable package static var headerBytes: Int { 64 }
    @inlinable package static var prefixBytes: Int { 32 }
    @inlinable package static var linkBytes: Int { 32 }
    @inlinable package static var alignment: Int { 8 }

    /// What stays free behind the groups of a segment, for a mark and the seal.
    @inlinable package static var reservedBytes: Int { 2 * headerBytes }

    /// Rounds up to a multiple of the alignment.
    @inlinable package static func aligned(_ count: Int) -> Int { (count + alignment - 1) & ~(alignment - 1) }

    /// The bytes of a record with a body of this length. The length may be anything, so nothing here can overflow.
    @inlinable @inline(__always)
    package static func recordBytes(prefix: Int, body: UInt32) -> Int {
        Int(clamping: (UInt64(prefix) + UInt64(body) + 7) & ~7)
    }

    private static func magic(_ text: StaticString) -> UInt64 {
        UnsafeRawPointer(text.utf8Start).loadUnaligned(as: UInt64.self)
    }
}
