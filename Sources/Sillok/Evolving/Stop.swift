import SillokSystem

/// Writes the reason to the standard error and ends the program, for mistakes in code that are found at its start.
func stop(_ message: String) -> Never {
    let bytes = Array((message + "\n").utf8)
    _ = write(2, bytes, bytes.count)
    abort()
}
