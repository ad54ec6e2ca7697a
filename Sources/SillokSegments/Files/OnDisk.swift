import SillokDisk
import SillokLogFormat

/// Runs a call to the disk and throws its error as one of the log.
@inline(__always)
func onDisk<Result>(_ call: () throws(DiskError) -> Result) throws(LogError) -> Result {
    do throws(DiskError) {
        return try call()
    } catch {
        throw .disk(error)
    }
}
