import CSillok
import SillokCore
package import SillokDisk

extension LogIdentity {
    /// The contents of the file `store`.
    package func encoded() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: LogFormat.storeBytes)
        bytes.withUnsafeMutableBytes { buffer in
            guard let file = buffer.baseAddress else { return }
            file.set(0, LogFormat.storeMagic)
            file.set(8, LogFormat.version)
            file.set(16, store.high.byteSwapped)
            file.set(24, store.low.byteSwapped)
            file.set(32, hashKey.low)
            file.set(40, hashKey.high)
            file.set(48, createdAt.microsecondsSince1970)
            file.set(56, chainStart?.value ?? 0)
            file.set(68, UnsafeRawPointer(file).checksum(0..<68))
        }
        return bytes
    }

    /// Reads the file `store` of a log.
    package init(in folder: String, on disk: any Disk) throws(LogError) {
        let path = folder + "/store"
        let bytes: [UInt8]
        do throws(DiskError) {
            bytes = try disk.open(path, .read).bytes(at: 0, count: LogFormat.storeBytes + 1)
        } catch {
            throw error.isMissing ? .missing(folder) : .disk(error)
        }
        self = try bytes.withUnsafeBufferPointer { (buffer) throws(LogError) in
            try LogIdentity(UnsafeRawBufferPointer(buffer), path)
        }
    }

    private init(_ bytes: UnsafeRawBufferPointer, _ path: String) throws(LogError) {
        guard let file = bytes.baseAddress, bytes.count >= 12, file.number(0, UInt64.self) == LogFormat.storeMagic
        else {
            throw .unsupported("\(path) is not the file of a log: it does not begin with SILLOKLG.")
        }
        let version: UInt32 = file.number(8)
        guard version == LogFormat.version else {
            throw .unsupported(
                "\(path) has version \(version) of the format, and this program knows version \(LogFormat.version). "
                    + "Use a newer program.")
        }
        guard bytes.count == LogFormat.storeBytes, file.number(68, UInt32.self) == file.checksum(0..<68) else {
            throw .damaged(LogDamage(path: path, offset: 0, position: 0, reason: "the checksum does not match"))
        }
        let start: UInt64 = file.number(56)
        self.init(
            store: StoreID(
                high: file.number(16, UInt64.self).byteSwapped, low: file.number(24, UInt64.self).byteSwapped),
            hashKey: HashKey(low: file.number(32), high: file.number(40)),
            createdAt: Timestamp(microsecondsSince1970: file.number(48)),
            chainStart: start == 0 ? nil : Position(start))
    }
}
