// The load on a cluster, and the check of its history: what `scripts/cluster test` starts.
//   sillok-cluster prepare primary=CONNECTION                               creates the store and the read model
//   sillok-cluster application name=… folder=… primary=… replicas=… pooler=…   runs until FOLDER/finished exists
//   sillok-cluster nailed folder=… primary=… db1=… db2=… db3=…            a writer and a reader for each host
//   sillok-cluster settled folder=…                                         whether models and effects are complete
//   sillok-cluster check folder=… [seed=… rounds=FILE picture=FILE]         prints findings and figures
//   sillok-cluster summary                                                  the table of the rounds in its input
import Foundation

let arguments = CommandLine.arguments.dropFirst()
let words = Words(arguments.dropFirst())
switch arguments.first {
#if Postgres
case "prepare": try await Application.prepare(words)
case "application": try await Application(words).run()
case "nailed": try await Nailed.run(words)
#endif
case "settled":
    let check = ReaderCheck(history: try History(folder: try words.text("folder"), isShort: true))
    exit(check.isSettled ? 0 : 1)
case "check":
    let report = Report(try History(folder: try words.text("folder")))
    print(report.text())
    if words.has("rounds") {
        let lines = report.lines(seed: try words.text("seed")).map { $0 + "\n" }.joined()
        try lines.write(toFile: try words.text("rounds"), atomically: true, encoding: .utf8)
    }
    if words.has("picture") {
        let picture = Picture(history: report.history).svg()
        try picture.write(toFile: try words.text("picture"), atomically: true, encoding: .utf8)
    }
    exit(report.findings.isEmpty ? 0 : 1)
case "summary":
    let input = FileHandle.standardInput.readDataToEndOfFile()
    print(Summary(text: String(decoding: input, as: UTF8.self)).text)
default:
    FileHandle.standardError.write(Data("see the top of main.swift\n".utf8))
    exit(64)
}
