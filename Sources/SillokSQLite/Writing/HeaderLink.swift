import SillokChain
import SillokCore

extension EventHeader {
    /// Returns the link of an event with these numbers.
    func link(after previous: ChainDigest, _ fact: ChainDigest) -> ChainDigest {
        Chain.link(
            after: previous, Position(UInt64(bitPattern: position)), Revision(UInt64(bitPattern: revision)),
            Timestamp(microsecondsSince1970: recorded), fact)
    }
}
