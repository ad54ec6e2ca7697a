import Foundation
import SillokProjections

/// The verbs `project` (until it is killed) and `check-projections`. The read model is next to the store.
enum ProjectionTorture {
    static func project(_ path: String, _ seed: UInt64, _ more: [String]) async throws {
        _ = nice(10)  // other tests run beside this one
        let store = try await TorturePlace(path).store(for: .writing).store
        let model = try await TorturePlace(path).model()
        sayOpen()
        let bug = more.compactMap(PlantedModel.Bug.init).first
        let load = ProjectionLoad(
            store: store, model: bug.map { PlantedModel(model, $0) } ?? model, seed: seed,
            partitions: more.contains("partitions") ? 3 : 1, isMended: more.contains("mended"))
        try await load.run()
    }

    /// Signals the process that waits to kill this one.
    private static func sayOpen() {
        print("open")
        fflush(nil)
    }

    /// Writers alone; other processes project.
    static func append(_ path: String, _ seed: UInt64) async throws {
        _ = nice(10)
        try await ProjectionLoad.runWriters(TorturePlace(path).store(for: .writing).store, seed)
    }

    /// One of several processes that share the partitions of a read model by leases.
    static func share(_ path: String, _ seed: UInt64, _ more: [String]) async throws {
        _ = nice(10)
        let store = try await existing { try await TorturePlace(path).store(for: .reading) }.store
        let model = try await existing { try await TorturePlace(path).model() }
        sayOpen()
        let bug = more.compactMap(PlantedModel.Bug.init).first
        let load = ProjectionLoad(
            store: store, model: bug.map { PlantedModel(model, $0) } ?? model, seed: seed, partitions: 3,
            isMended: false)
        try await load.runProjections(lease: .milliseconds(150))
    }

    /// Opens with `open`, once the file exists and no other process blocks it.
    private static func existing<Opened>(_ open: () async throws -> Opened) async throws -> Opened {
        while true {
            do { return try await open() } catch { try await Task.sleep(for: .milliseconds(20)) }
        }
    }

    static func check(_ path: String) async throws -> Bool {
        try await TorturePlace(path).settle()
        let opened = try await TorturePlace(path).store(for: .reading)
        let model = try await TorturePlace(path).model()
        var check = ProjectionCheck(store: opened.store, model: model)
        try await check.run()
        print("events \(try await opened.store.head())")
        print("rows \(check.rows)")
        print("letters \(check.letters)")
        print("builds \(check.builds)")
        let tokens = try await model.rows("SELECT SUM(token) AS tokens FROM sillok_checkpoints").first?["tokens"]
        print("handovers \(tokens?.integer ?? 0)")
        print("findings \(check.findings.count)")
        for finding in check.findings.prefix(5) { print("# \(finding)") }
        await model.close()
        await opened.close()
        return check.findings.isEmpty
    }

    /// Writers and an inline projection. With the bug `apart` its rows are written in their own transaction, after that
    /// of the append.
    static func inline(_ path: String, _ seed: UInt64, _ more: [String]) async throws {
        _ = nice(10)  // other tests run beside this one
        let (opened, model) = try await TorturePlace(path).storeWithModel(for: .writing)
        sayOpen()
        let load = ProjectionLoad(
            store: opened.store, model: model, seed: seed, partitions: 1, isMended: false,
            isApart: more.contains("apart"))
        try await load.runInline(model)
    }

    /// As `check`, of a read model that is part of the store, which must never be behind.
    ///
    /// In a folder the rows are committed after the log. So they are compared as the kill has left them, up to their
    /// checkpoint, and again after the projection is attached.
    static func checkInline(_ path: String) async throws -> Bool {
        let place = TorturePlace(path)
        try await place.settle()
        var findings: [String] = []
        if place.isLogFirst {
            let (opened, model) = try await place.storeWithModel(for: .reading)
            var left = ProjectionCheck(store: opened.store, model: model)
            do {
                try await left.run()
                let behind = try await ReadSide(of: opened.store, in: TortureModel(model: model)).status().map(\.behind)
                print("behind \(behind.max() ?? 0)")
            } catch let error as StoreError where error.code == .notFound {
                // It was killed before it has used the read model.
            }
            findings = left.findings
            await opened.close()
        }
        let (opened, model) = try await place.storeWithModel(for: place.isLogFirst ? .writing : .reading)
        let store = opened.store
        if place.isLogFirst { try await attach(store, model) }
        var check = ProjectionCheck(store: store, model: model)
        try await check.run()
        findings += check.findings
        let side = ReadSide(of: store, in: TortureModel(model: model))
        for status in try await side.status() where status.build.state == .live && status.behind > 0 {
            findings.append("lag: \(status.build.id) is \(status.behind) behind")
        }
        print("events \(try await store.head())")
        print("rows \(check.rows)")
        print("builds \(check.builds)")
        print("findings \(findings.count)")
        for finding in findings.prefix(5) { print("# \(finding)") }
        await opened.close()
        return findings.isEmpty
    }

    private static func attach(_ store: any EventStore, _ model: some InlineReadModel) async throws {
        try await Projector(Traces(isMended: false), .inline, from: store, into: model).attach()
    }

    /// Runs a corrected application to the head, so that every event is projected; then compares.
    static func finish(_ path: String, _ more: [String]) async throws -> Bool {
        let opened = try await TorturePlace(path).store(for: .writing)
        let model = try await TorturePlace(path).model()
        let options = ProjectorOptions(partitions: more.contains("partitions") ? 3 : 1)
        let traces = Projector(Traces(isMended: true), from: opened.store, into: model, options: options)
        let documents = Projector(
            documents: TraceDocuments(isMended: true), from: opened.store, into: model, options: options)
        let whom = Operator("torture", because: "the end")
        for projector in [traces, documents] {
            _ = try? await projector.readSide.retry(projector.name, by: whom)
            try await projector.catchUp()
            let left = try await projector.readSide.deadLetters(of: projector.name)
            if !left.isEmpty { print("# \(left.count) dead letters of \(projector.name) are left") }
            if !left.isEmpty { return false }
        }
        await model.close()
        await opened.close()
        return try await check(path)
    }
}
