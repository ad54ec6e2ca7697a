import SillokDisk
import SillokLogFormat

/// Steps from group to group in a segment.
struct GroupWalk: ~Copyable {
    private var window: ByteWindow
    private let ordinal: UInt32
    /// The bytes of the file.
    let size: Int
    private let salt: UInt32
    private let faults: PlantedFaults

    init(_ file: any DiskFile, _ ordinal: UInt32, _ files: LogFiles) throws(LogError) {
        window = ByteWindow(file)
        self.ordinal = ordinal
        size = try onDisk { () throws(DiskError) in try file.size() }
        salt = files.salt
        faults = files.faults
    }

    /// Returns the header of the group at an offset; `nil` if there is no sound one, or not in its own place.
    mutating func header(at offset: Int) throws(LogError) -> GroupHeader? {
        let bytes = try window.bytes(at: offset, LogFormat.headerBytes)
        guard bytes.count == LogFormat.headerBytes, let start = bytes.baseAddress,
            let header = GroupHeader(start, salt: salt)
        else { return nil }
        return header.isAt(ordinal, offset) || faults.contains(.placeNotChecked) ? header : nil
    }

    /// Whether there are only zeros where a header would be, or the file ends.
    mutating func isBlank(at offset: Int) throws(LogError) -> Bool {
        try window.bytes(at: offset, LogFormat.headerBytes).isZero
    }

    /// Returns the header of the segment; `nil` if it is not sound.
    mutating func segmentHeader(_ files: LogFiles) throws(LogError) -> SegmentHeader? {
        let bytes = try window.bytes(at: 0, LogFormat.headerBytes)
        guard bytes.count == LogFormat.headerBytes, let start = bytes.baseAddress else { return nil }
        return SegmentHeader(start, ordinal: ordinal, files.identity, salt: salt)
    }

    /// Calls `visit` with each record of a group and its offset, until it returns `false`.
    ///
    /// - Returns: what is wrong with the group; `nil` if every visited record is sound.
    mutating func records(
        of header: GroupHeader, at offset: Int, _ visit: (RecordView, Int) -> Bool
    ) throws(LogError) -> String? {
        var place = offset + LogFormat.headerBytes
        let end = offset + header.totalBytes
        if end > size { return "the group is longer than its segment" }
        var position = header.firstPosition
        var (events, records): (UInt32, UInt32) = (0, 0)
        while place < end {
            switch try record(at: place, before: end, position) {
            case .failure(let flaw): return flaw.reason
            case .success(let record):
                if !visit(record, place) { return nil }
                place += record.size
                records &+= 1
                if record.kind == .event {
                    events &+= 1
                    position &+= 1
                }
            }
        }
        return events == header.events && records == header.records ? nil : "the group has other records than it says"
    }

    /// Reads one record, first a small part of it.
    mutating func record(
        at place: Int, before end: Int, _ position: UInt64
    ) throws(LogError) -> Result<RecordView, RecordView.Flaw> {
        var wanted = min(1024, end - place)
        while true {
            let bytes = try window.bytes(at: place, wanted)
            do throws(RecordView.Flaw) {
                return .success(try RecordView(bytes, position: position, salt: salt, faults))
            } catch {
                guard case .incomplete(let size) = error, size > wanted, size <= end - place, bytes.count == wanted
                else { return .failure(error) }
                wanted = size
            }
        }
    }
}

extension RecordView.Flaw {
    /// What is wrong, for the description of damage.
    var reason: String {
        switch self {
        case .prefix: "the checksum of a record's prefix does not match"
        case .body: "the checksum of a record's body does not match"
        case .incomplete: "a record is longer than the space that it has"
        case .unknown: "a newer version has written or erased this record; use a newer program"
        }
    }
}
