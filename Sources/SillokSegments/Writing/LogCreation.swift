package import SillokDisk
import SillokLogFormat

extension SegmentLog {
    /// Creates an empty log: the folder (if it does not exist), its segments and the file `store`, all durable.
    ///
    /// If a creation was interrupted, it is completed. The caller holds the lock of the store.
    package static func create(
        _ folder: String, on disk: any Disk, _ identity: LogIdentity, _ settings: LogSettings = LogSettings()
    ) throws(LogError) {
        if try exists(folder, on: disk) { throw .exists(folder) }
        let files = LogFiles(folder, disk, identity, settings)
        try onDisk { () throws(DiskError) in
            try makeFolder(folder, on: disk)
            try makeFolder(files.segmentFolder, on: disk)
            try disk.syncFolder(files.parent)
            try disk.syncFolder(folder)
        }
        try removeRests(files)
        _ = try files.createSegment(1, bytes: files.segmentBytes(1), durable: .start)
        // The file `store` comes last: a folder with it is a whole log.
        let temporary = folder + "/store.new"
        do throws(DiskError) {
            if try disk.names(in: folder).contains("store.new") { try disk.remove(temporary) }
            let file = try disk.open(temporary, .create)
            try file.writeAll(identity.encoded(), at: 0)
            try file.sync(.all)
            try disk.rename(temporary, to: folder + "/store")
            try disk.syncFolder(folder)
        } catch {
            throw error.isFull ? .full(error) : .disk(error)
        }
    }

    /// Returns whether the folder contains a log (a file `store`).
    package static func exists(_ folder: String, on disk: any Disk) throws(LogError) -> Bool {
        do throws(DiskError) {
            return try disk.names(in: folder).contains("store")
        } catch {
            if error.isMissing { return false }
            throw .disk(error)
        }
    }

    private static func makeFolder(_ path: String, on disk: any Disk) throws(DiskError) {
        do throws(DiskError) {
            try disk.makeFolder(path)
        } catch {
            if !error.isExisting { throw error }
        }
    }

    /// Removes the first segment of an interrupted creation, which has no groups. Segments with other contents belong
    /// to a log whose file `store` was lost: they are left alone.
    private static func removeRests(_ files: LogFiles) throws(LogError) {
        for ordinal in try files.ordinals().reversed() {
            let path = files.segmentPath(ordinal)
            let file = try onDisk { () throws(DiskError) in try files.disk.open(path, .read) }
            let size = try onDisk { () throws(DiskError) in try file.size() }
            var window = ByteWindow(file)
            var offset = LogFormat.headerBytes
            while offset < size {
                let bytes = try window.bytes(at: offset, min(1 << 20, size - offset))
                if bytes.isEmpty { break }
                guard bytes.isZero else {
                    throw files.damage(
                        ordinal, offset, position: 1, "the folder has segments with events, but no file `store`")
                }
                offset += bytes.count
            }
            try onDisk { () throws(DiskError) in try files.disk.remove(path) }
        }
    }
}
