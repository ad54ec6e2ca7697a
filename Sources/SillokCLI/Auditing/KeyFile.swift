import Foundation
import Sillok
import SillokSigning
import SillokTerminal

/// The files of keys: the secret one as PKCS #8 in PEM, as `openssl` reads it too, the public one as hexadecimal
/// digits.
enum KeyFile {
    /// The bytes before the 32 secret bytes of an Ed25519 key (RFC 8410).
    private static let header: [UInt8] = [
        0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    ]
    private static let first = "-----BEGIN PRIVATE KEY-----"
    private static let last = "-----END PRIVATE KEY-----"

    /// Writes a key into two new files: the secret one, and the public one ending in `.pub`. Both or none are left.
    static func write(_ key: SigningKey, to path: String) throws {
        try write(secret: key, to: path)
        do {
            try write("\(key.verifyingKey)\n", to: path + ".pub", mode: 0o644)
        } catch {
            unlink(path)
            throw error
        }
    }

    /// Writes a secret key into a new file that only its owner can read.
    private static func write(secret key: SigningKey, to path: String) throws {
        try write("\(first)\n\(Base64.text(of: header + key.secret))\n\(last)\n", to: path, mode: 0o600)
    }

    /// Reads a secret key; refuses a file that others can read.
    static func signingKey(_ path: String) async throws -> SigningKey {
        var facts = stat()
        if stat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_mode & 0o077 != 0 {
            throw CommandFailure(
                .invalidData, "\(path.visible) can be read by others", hint: "chmod 600 \(path.visible)")
        }
        let lines = try await text(path).split(separator: "\n").map(String.init)
        guard lines.count == 3, lines[0] == first, lines[2] == last, let bytes = Base64.bytes(of: lines[1]),
            bytes.starts(with: header), let key = SigningKey(secret: Array(bytes.dropFirst(header.count)))
        else {
            throw CommandFailure(
                .invalidData, "\(path.visible) is not a secret Ed25519 key",
                hint: "sillok head make-key FILE makes one.")
        }
        return key
    }

    /// Reads a public key: itself, or the file it is in.
    static func verifyingKey(_ keyOrPath: String) async throws -> VerifyingKey {
        if let key = VerifyingKey(keyOrPath) { return key }
        let text = try await text(keyOrPath).trimmingCharacters(in: .whitespacesAndNewlines)
        guard let key = VerifyingKey(text) else {
            throw CommandFailure(.invalidData, "\(keyOrPath.visible) is not a public key: 64 hexadecimal digits")
        }
        return key
    }

    private static func text(_ path: String) async throws -> String {
        String(decoding: try await InputFile(path: path).bytes(limit: 4096), as: UTF8.self)
    }

    private static func write(_ text: String, to path: String, mode: mode_t) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            if errno == EEXIST { throw CommandFailure(.usage, "\(path.visible) already exists: give another name") }
            throw CommandFailure(.ioFailure, "\(path.visible): \(OutputFailure(code: errno))")
        }
        defer { close(descriptor) }
        do {
            let output = Output(descriptor: descriptor)
            try output.write(Array(text.utf8))
            try output.flush()
        } catch {
            unlink(path)
            throw error
        }
    }
}
