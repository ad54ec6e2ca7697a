/// The arguments of the process, as the system gave them.
package enum Arguments {
    /// The arguments after the name of the program.
    ///
    /// Swift replaces bytes that are not UTF-8 by U+FFFD. The recorded text would then differ from the given one, so
    /// such a command line is refused.
    package static var given: Result<[String], CommandFailure> {
        let count = Int(CommandLine.argc)
        let texts = (1..<max(1, count)).map { index -> [UInt8] in
            guard let text = CommandLine.unsafeArgv[index] else { return [] }
            return UnsafeRawBufferPointer(start: text, count: length(of: text)).map { $0 }
        }
        return checked(texts)
    }

    /// The texts of arguments, or why they are refused.
    package static func checked(_ arguments: [[UInt8]]) -> Result<[String], CommandFailure> {
        var texts: [String] = []
        for (index, bytes) in arguments.enumerated() {
            guard let text = String(validating: bytes, as: UTF8.self) else {
                return .failure(
                    CommandFailure(
                        .invalidData, "argument \(index + 1) is not UTF-8; nothing was done",
                        hint: "Convert it, for example with iconv. To pass other bytes, use --data-file and "
                            + "--content-type application/octet-stream."))
            }
            texts.append(text)
        }
        return .success(texts)
    }

    private static func length(of text: UnsafePointer<CChar>) -> Int {
        var length = 0
        while text[length] != 0 { length += 1 }
        return length
    }
}
