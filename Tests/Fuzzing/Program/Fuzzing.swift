import CFuzzMeter
import Foundation
import SillokForeignReaders

/// `SILLOK_FUZZ_READER=NAME sillok-fuzzing [OPTION OF LIBFUZZER…] [FOLDER…]`: calls a reader with inputs that libFuzzer makes.
///
/// `sillok-fuzzing unpack FILE FOLDER` writes each line of a corpus as a file, `sillok-fuzzing pack FOLDER FILE` the reverse.
/// NAME is one of ``ForeignReader``, or a planted bug: `planted-trap`, `planted-loop`, `planted-allocation`.
@main
enum Fuzzing {
    static func main() throws {
        let words = CommandLine.arguments
        if words.count == 4, words[1] == "unpack" { return try Corpus.unpack(words[2], into: words[3]) }
        if words.count == 4, words[1] == "pack" { return try Corpus.pack(words[2], into: words[3]) }
        guard let name = ProcessInfo.processInfo.environment["SILLOK_FUZZ_READER"], let reader = reader(named: name)
        else {
            print("SILLOK_FUZZ_READER is one of:", ForeignReader.allCases.map(\.rawValue).joined(separator: ", "))
            exit(64)
        }
        chosen = reader
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(LLVMFuzzerRunDriver(&count, &arguments) { data, size in measured(data, size) })
    }

    private static func reader(named name: String) -> (([UInt8]) throws -> Void)? {
        if let plant = Plant(rawValue: name) { return plant.read }
        return ForeignReader(rawValue: name).map { reader in { try reader.read($0) } }
    }
}

/// The reader of this process; set once, before the fuzzer starts its only thread.
private nonisolated(unsafe) var chosen: ([UInt8]) throws -> Void = { _ in }

/// The most that one input may take.
private enum Bound {
    static let nanoseconds: UInt64 = 10_000_000
    static let bytes: Int64 = 16 << 20
}

/// Calls the reader with an input and measures it. Ends the process, which makes libFuzzer keep the input, if the reader
/// breaks a promise or takes more than it may.
///
/// libFuzzer's own limits are whole seconds and the memory of the process. Here each input has its own limits: processor
/// time of this thread, so that other programs do not count, and bytes allocated at the highest point. What is too much
/// is measured again, up to five times, and the least counts: the first call may fill caches.
private func measured(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    var (nanoseconds, bytes) = (UInt64.max, Int64.max)
    for _ in 0..<5 where nanoseconds > Bound.nanoseconds || bytes > Bound.bytes {
        fuzz_meter_start()
        let broken = called(data, size)
        nanoseconds = min(nanoseconds, fuzz_meter_stop())
        bytes = min(bytes, fuzz_meter_peak_bytes())
        if let broken { fail("BROKEN PROMISE: \(broken)") }
    }
    if nanoseconds > Bound.nanoseconds { fail("TOO SLOW: \(nanoseconds / 1000) µs for \(size) bytes") }
    if bytes > Bound.bytes { fail("TOO MUCH MEMORY: \(bytes) bytes for \(size) bytes") }
    return 0
}

/// Calls the reader with an input that is freed when this returns.
@inline(never)
private func called(_ data: UnsafePointer<UInt8>?, _ size: Int) -> String? {
    do {
        try chosen(Array(UnsafeBufferPointer(start: data, count: size)))
        return nil
    } catch {
        return "\(error)"
    }
}

private func fail(_ what: String) -> Never {
    FileHandle.standardError.write(Data("\(what)\n".utf8))
    abort()
}

/// Repeats a part of the input until it is long, one time in 64: libFuzzer's own changes hardly ever make the long,
/// regular inputs that show a quadratic loop.
@_cdecl("LLVMFuzzerCustomMutator")
public func stretch(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ capacity: Int, _ seed: UInt32) -> Int {
    guard seed % 64 == 0, size > 0, size < capacity else { return LLVMFuzzerMutate(data, size, capacity) }
    let start = Int(seed / 64) % size
    let length = 1 + Int(seed / 4096) % min(size - start, 64)
    let end = start + length
    let tail = size - end
    let room = capacity - size
    let count = room / length
    // The part, repeated in its place: what stands behind it is moved to the end.
    memmove(data + end + count * length, data + end, tail)
    for index in 0..<count { memcpy(data + end + index * length, data + start, length) }
    return size + count * length
}
