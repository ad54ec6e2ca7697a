import SillokDisk
import SillokLogFormat

/// A segment without groups.
struct EmptySegment: Sendable {
    let file: any DiskFile
    let bytes: Int
    /// The offset up to which there are real zeros. The space behind it is only reserved.
    var zeroed = 0
}

/// The files of one log: their names, and how a segment is created.
struct LogFiles: Sendable {
    let folder: String
    let disk: any Disk
    let identity: LogIdentity
    let settings: LogSettings
    let salt: UInt32

    init(_ folder: String, _ disk: any Disk, _ identity: LogIdentity, _ settings: LogSettings) {
        self.folder = folder
        self.disk = disk
        self.identity = identity
        self.settings = settings
        salt = identity.salt(settings.faults)
    }

    var faults: PlantedFaults { settings.faults }
    var segmentFolder: String { folder + "/log" }
    var durablePath: String { folder + "/durable" }

    func segmentPath(_ ordinal: UInt32) -> String { "\(segmentFolder)/\(LogFiles.name(ordinal)).seg" }
    func placesPath(_ ordinal: UInt32) -> String { "\(segmentFolder)/\(LogFiles.name(ordinal)).pos" }

    /// 20 digits.
    private static func name(_ ordinal: UInt32) -> String {
        let digits = String(ordinal)
        return String(repeating: "0", count: max(0, 20 - digits.utf8.count)) + digits
    }

    /// The ordinals of the segment files, in order. Other files are ignored.
    func ordinals() throws(LogError) -> [UInt32] {
        try onDisk { () throws(DiskError) in try disk.names(in: segmentFolder) }.compactMap { name in
            let digits = name.utf8.prefix(20)
            guard name.utf8.count == 24, name.hasSuffix(".seg"), digits.allSatisfy({ (0x30...0x39).contains($0) }),
                let ordinal = UInt32(Substring(digits)), ordinal > 0
            else { return nil }
            return ordinal
        }.sorted()
    }

    /// The size of a segment that must have room for these bytes of groups, marks and seal.
    func segmentBytes(_ ordinal: UInt32, atLeast bytes: Int = 0) -> Int {
        let doublings = min(ordinal - 1, 30)
        let planned = settings.firstSegmentBytes << Int(doublings)
        let least = (LogFormat.headerBytes + bytes + 4095) & ~4095
        return max(min(max(planned, settings.firstSegmentBytes), settings.maximumSegmentBytes), least)
    }

    /// Creates a segment that may be used at once: its size, its header and its name are durable.
    ///
    /// A file with this name is the rest of an attempt that failed, and is replaced.
    func createSegment(_ ordinal: UInt32, bytes: Int, durable: LogPlace) throws(LogError) -> EmptySegment {
        let path = segmentPath(ordinal)
        do throws(DiskError) {
            let file: any DiskFile
            do throws(DiskError) {
                file = try disk.open(path, .create)
            } catch {
                guard error.isExisting else { throw error }
                try disk.remove(path)
                file = try disk.open(path, .create)
            }
            let isReserved = try file.reserve(bytes)
            if !isReserved { try fill(file, bytes: bytes) }
            // The header says that the space is there.
            if !faults.contains(.newSegmentNotSynced) { try file.sync(.all) }
            let header = SegmentHeader(ordinal: ordinal, bytes: bytes, durable: durable)
            try file.writeAll(header.encoded(identity, salt: salt), at: 0)
            if !faults.contains(.newSegmentNotSynced) { try file.sync(.all) }
            if !faults.contains(.folderNotSynced) { try disk.syncFolder(segmentFolder) }
            return EmptySegment(file: file, bytes: bytes, zeroed: isReserved ? 0 : bytes)
        } catch {
            // What is left takes space and is of no use. If it cannot be removed, the next attempt replaces it.
            try? disk.remove(path)
            throw error.isFull ? .full(error) : .disk(error)
        }
    }

    /// Writes zeros to all of a file whose file system cannot reserve space.
    private func fill(_ file: any DiskFile, bytes: Int) throws(DiskError) {
        var offset = 0
        while offset < bytes {
            let count = min(LogFiles.zeros.count, bytes - offset)
            try LogFiles.zeros.withUnsafeBufferPointer { (zeros) throws(DiskError) in
                try file.writeAll(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: zeros[..<count])), at: offset)
            }
            offset += count
            if offset.isMultiple(of: settings.fillBytes), offset < bytes { try file.sync(.data) }
        }
    }

    static let zeros = [UInt8](repeating: 0, count: 1 << 20)

    /// Reads the file `durable`; `nil` if it does not exist or cannot be read: it is only a help.
    func durableMark() -> DurableMark? {
        guard let bytes = try? disk.open(durablePath, .read).bytes(at: 0, count: LogFormat.durableBytes) else {
            return nil
        }
        return DurableMark(bytes, salt: salt)
    }

    /// The folder that contains the log.
    var parent: String {
        var path = folder[...]
        while path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    func damage(_ ordinal: UInt32, _ offset: Int, position: UInt64, _ reason: String) -> LogError {
        .damaged(LogDamage(path: segmentPath(ordinal), offset: offset, position: position, reason: reason))
    }
}
