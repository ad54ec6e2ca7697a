import Sillok
import SillokCore
import SillokJSON
import SillokProcessMachine
import SillokSQL

/// Stored snapshots of long instances, in the read model of the index. They are lost with a rebuild of the index, and
/// then the streams are read from their starts.
struct InstanceSnapshots<Manager: ProcessManager>: Sendable {
    typealias Entry = InstanceCache<Manager>.Entry

    /// The number of records after which a snapshot is stored again.
    static var interval: UInt64 { 500 }

    let model: any ReadModel
    let tables: ProcessTables
    let build: @Sendable () -> ProjectionID?

    /// Returns the instance of a snapshot; `nil` if there is none that this build of the code can use. Whether the log
    /// still has its place is seen when the later records are read.
    func entry(_ key: String) async throws -> Entry? {
        guard Manager.self is any Codable.Type, let build = build() else { return nil }
        let rows = try await model.rows(
            "SELECT snapshot, checksum FROM \(table: tables.snapshots) WHERE key = \(key)", of: build)
        guard let row = rows.first, let text = row["snapshot"].text,
            row["checksum"].text == InstanceSnapshot.checksum(of: text), let value = JSONValue(parsing: text),
            let snapshot = try? JSONFragment(value).decoded(as: InstanceSnapshot.self),
            let instance = try? ProcessInstance<Manager>(key: key, snapshot)
        else { return nil }
        return Entry(instance: instance, mark: snapshot.mark, stored: instance.revision)
    }

    /// Stores a snapshot if the stream has grown enough. Returns the revision up to which one is stored.
    func store(_ entry: Entry) async throws -> Revision {
        guard entry.instance.revision.value >= entry.stored.value + Self.interval, let build = build(),
            let snapshot = try entry.instance.snapshot(at: entry.mark)
        else { return entry.stored }
        let text = try JSONFragment(of: snapshot).description
        let (key, checksum) = (entry.instance.key, InstanceSnapshot.checksum(of: text))
        let statement: SQL = """
            INSERT INTO \(table: tables.snapshots) (key, snapshot, checksum) VALUES (\(key), \(text), \(checksum))
            ON CONFLICT (key) DO UPDATE SET snapshot = \(text), checksum = \(checksum)
            """
        try await model.write(ReadModelWrite([.init(statement, of: build)]))
        return entry.instance.revision
    }
}
