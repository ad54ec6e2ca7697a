import Foundation

/// A corpus as a text with an input a line, in Base64, and as a folder with an input a file, as libFuzzer reads it.
enum Corpus {
    static func unpack(_ file: String, into folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let text = try String(contentsOfFile: file, encoding: .utf8)
        for (index, line) in text.split(separator: "\n").enumerated() {
            guard let input = Data(base64Encoded: String(line)) else {
                throw CorpusFailure(description: "line \(index + 1) of \(file) is not Base64")
            }
            try input.write(to: URL(filePath: "\(folder)/kept-\(index)"))
        }
    }

    static func pack(_ folder: String, into file: String) throws {
        let inputs = try FileManager.default.contentsOfDirectory(atPath: folder).map {
            try Data(contentsOf: URL(filePath: "\(folder)/\($0)"))
        }
        let lines = Set(inputs).sorted { ($0.count, $0.base64EncodedString()) < ($1.count, $1.base64EncodedString()) }
        let text = lines.map { $0.base64EncodedString() + "\n" }.joined()
        try text.write(toFile: file, atomically: true, encoding: .utf8)
    }
}

struct CorpusFailure: Error, CustomStringConvertible {
    let description: String
}
