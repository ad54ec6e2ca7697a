import Foundation
import Sillok
import SillokSQLite

/// The verbs `project` (until it is killed) and `check-projections`. The read model lies beside the store.
enum ProjectionTorture {
    static func project(_ path: String, _ seed: UInt64, _ more: [String]) async throws {
        _ = nice(10)  // other tests run beside this one
        let store = try SQLiteEventStore(path: path)
        let model = try SQLiteReadModel(path: path + ".views")
        let bug = more.compactMap(PlantedModel.Bug.init).first
        let load = ProjectionLoad(
            store: store, model: bug.map { PlantedModel(model, $0) } ?? model, seed: seed,
            partitions: more.contains("partitions") ? 3 : 1, isMended: more.contains("mended"))
        try await load.run()
    }

    static func check(_ path: String) async throws -> Bool {
        let store = try SQLiteEventStore(path: path, mode: .readOnly)
        let model = try SQLiteReadModel(path: path + ".views")
        var check = ProjectionCheck(store: store, model: model)
        try await check.run()
        print("events \(try await store.head())")
        print("rows \(check.rows)")
        print("letters \(check.letters)")
        print("builds \(check.builds)")
        print("findings \(check.findings.count)")
        for finding in check.findings.prefix(5) { print("# \(finding)") }
        await model.close()
        await store.close()
        return check.findings.isEmpty
    }

    /// Runs a mended application to the head, so that everything is told; then compares.
    static func finish(_ path: String, _ more: [String]) async throws -> Bool {
        let store = try SQLiteEventStore(path: path)
        let model = try SQLiteReadModel(path: path + ".views")
        let options = ProjectorOptions(partitions: more.contains("partitions") ? 3 : 1)
        let traces = Projector(Traces(isMended: true), from: store, into: model, options: options)
        let documents = Projector(
            documents: TraceDocuments(isMended: true), from: store, into: model, options: options)
        let whom = Operator("torture", because: "the end")
        for projector in [traces, documents] {
            _ = try? await projector.readSide.retry(projector.name, by: whom)
            try await projector.catchUp()
            let left = try await projector.readSide.deadLetters(of: projector.name)
            if !left.isEmpty { print("# \(left.count) dead letters of \(projector.name) are left") }
            if !left.isEmpty { return false }
        }
        await model.close()
        await store.close()
        return try await check(path)
    }
}
