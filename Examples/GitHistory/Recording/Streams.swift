import Sillok

/// Where commits are recorded.
enum CommitStream {
    static let category: StreamCategory = "commit"
    static func id(of commit: String) -> StreamID { StreamID(category, commit) }
}

/// Where references are recorded.
enum ReferenceStream {
    static let category: StreamCategory = "ref"

    /// The commit that a name stands for: a full id, `HEAD`, or a branch or tag, looked for in git's order.
    static func resolve(_ name: String, in store: any EventStore) async throws -> String {
        if try await store.stream(CommitStream.id(of: name)) != nil { return name }
        let references = CommandHandler<Reference>(category, in: store)
        for prefix in ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"] {
            if let commit = try await references.state(of: prefix + name).state.commit { return commit }
        }
        throw HistoryError.unknownCommit(name)
    }
}
