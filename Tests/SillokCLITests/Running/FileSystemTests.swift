#if os(Linux)
import Foundation
import Testing

@testable import SillokCLI

@Test func `a store in memory is warned about, and one that is not a path is not`() {
    if FileManager.default.fileExists(atPath: "/dev/shm") {
        #expect(StoreKind.warning(at: "/dev/shm")?.contains("tmpfs") == true)
    }
    #expect(StoreKind.warning(at: "/proc") == nil)
    #expect(StoreKind.warning(at: "postgres://app@db/shop") == nil)
}
#endif
