import ArgumentParser
import Sillok
import SillokSQLite
import SillokTerminal

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Write a copy of a store and check it, also while another process writes to the store.",
        discussion: """
            Works on the file of a store, not on PostgreSQL and not through a server. The copy contains all events that
            were acknowledged before the backup started, with the same ids and positions. To restore it, end all
            programs that have the store open, delete the store's -wal and -shm files, and move the copy to the path of
            the store.

            Examples:
              sillok backup bank.sqlite bank-monday.sqlite
            """)

    @OptionGroup var store: StoreArgument
    @Argument(help: "The new file.", completion: .file()) var to: String
    @OptionGroup var show: ShowOptions

    func validate() throws {
        if to.contains("://") {
            throw ValidationError("\(to.visible) is not a file. To copy into another store, use sillok copy.")
        }
    }

    func run() async throws {
        try await store.with(.readOnly) { opened in
            let bar = ProgressBar("Checking the copy", total: try await opened.head().value)
            let report = try await opened.backup(to: to) { progress in
                if progress.step == "events" { bar.update(to: progress.done) }
            }
            bar.finish(quietly: true)
            Console.current.note(change: "the backup \(to.visible) is written")
            if show.json {
                return try Console.current.print(json: [
                    "head": report.head, "bytes": report.bytes, "streams": report.verification.streams,
                ])
            }
            try Console.current.print(
                "\(to.visible): \(report.head.value.grouped) events, \(report.bytes.asBytes), checked and sound")
        }
    }
}
