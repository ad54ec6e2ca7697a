#if os(Linux)
import Foundation

/// An ext4 file system over a loop device, whose power can be cut.
///
/// Run it as root in namespaces of its own (`unshare --mount --pid --fork --kill-child --mount-proc`). The kernel then
/// removes the mount with the last process, and the loop device with the mount, however the run ends.
struct CutDisk {
    /// The folder at which the file system is mounted.
    let path: String
    private let image: String

    /// Makes an empty file system. `folder` must exist.
    init(in folder: String) throws {
        path = folder + "/disk"
        image = folder + "/disk.img"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard FileManager.default.createFile(atPath: image, contents: nil) else {
            throw TortureFailure("cannot create \(image)")
        }
        let file = try FileHandle(forWritingTo: URL(filePath: image))
        try file.truncate(atOffset: 512 << 20)
        try file.close()
        try run("mkfs.ext4", "-q", "-F", image)
    }

    /// Attaches the loop device and mounts the file system; the kernel replays its journal.
    func mount() throws { try run("mount", "-o", "loop", image, path) }

    /// Unmounts the file system, which detaches the loop device.
    func unmount() async throws {
        var attempts = 0
        while true {
            do { return try run("umount", path) } catch  where attempts < 100 { attempts += 1 }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Cuts the power: all data that is not on the disk is lost, including the open transaction of the journal.
    ///
    /// `FS_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`. From now on every call that writes fails.
    func cut() throws {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY)
        guard descriptor >= 0 else { throw TortureFailure("cannot open \(path)") }
        defer { close(descriptor) }
        var flags: UInt32 = 2
        guard ioctl(descriptor, 0x8004_587D, &flags) == 0 else {
            throw TortureFailure("the file system cannot be shut down: error \(errno)")
        }
    }

    private func run(_ words: String...) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = words
        process.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw TortureFailure("\(words.joined(separator: " ")) ended with status \(process.terminationStatus)")
        }
    }
}
#endif
