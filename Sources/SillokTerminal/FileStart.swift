/// What the first bytes of a file say of its form.
package enum FileStart {
    /// The mark that some editors put before UTF-8.
    package static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// Why a file that should be UTF-8 text is refused; `nil` if its first bytes do not speak against it.
    package static func refusal(of name: String, _ start: some Collection<UInt8>) -> CommandFailure? {
        let forms: [(bytes: [UInt8], what: String, hint: String)] = [
            ([0x1F, 0x8B], "compressed with gzip", "Unpack it on the way: gzip -dc FILE | sillok …"),
            ([0x28, 0xB5, 0x2F, 0xFD], "compressed with zstd", "Unpack it on the way: zstd -dc FILE | sillok …"),
            ([0x42, 0x5A, 0x68], "compressed with bzip2", "Unpack it on the way: bzip2 -dc FILE | sillok …"),
            ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "compressed with xz", "Unpack it on the way: xz -dc FILE | sillok …"),
            ([0xFF, 0xFE], "UTF-16", "Convert it on the way: iconv -f UTF-16 -t UTF-8 FILE | sillok …"),
            ([0xFE, 0xFF], "UTF-16", "Convert it on the way: iconv -f UTF-16 -t UTF-8 FILE | sillok …"),
        ]
        guard let form = forms.first(where: { start.starts(with: $0.bytes) }) else { return nil }
        return CommandFailure(
            .invalidData, "\(name) is \(form.what), not UTF-8 text; nothing was done", hint: form.hint)
    }
}
