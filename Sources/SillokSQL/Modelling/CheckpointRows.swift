package import SillokCore

// The rows of a checkpoint, for the code that moves it: a runner, or a storage that projects within its appends.

extension ReadModelFormat {
    /// Which rows of Sillok's tables belong to a build.
    package static func whose(_ id: ProjectionID) -> SQL {
        "WHERE projection = \(id.name) AND version = \(id.version) AND build = \(id.build)"
    }

    /// Which rows of Sillok's tables belong to a partition of a build.
    package static func whose(_ id: ProjectionID, _ partition: Int) -> SQL {
        "\(whose(id)) AND \"partition\" = \(partition)"
    }

    /// Asks for the checkpoint of a partition: store, position, count, sum and mark.
    package static func standing(of id: ProjectionID, _ partition: Int) -> SQL {
        "SELECT store, position, count, sum, mark FROM sillok_checkpoints \(whose(id, partition))"
    }

    /// Moves the checkpoint of a partition.
    package static func move(_ id: ProjectionID, _ partition: Int, to checkpoint: Checkpoint) -> SQL {
        """
        UPDATE sillok_checkpoints SET position = \(checkpoint.position), count = \(Int64(bitPattern: checkpoint.count)),
        sum = \(Int64(bitPattern: checkpoint.sum)), mark = \(checkpoint.mark.description) \(whose(id, partition))
        """
    }

    /// The place that a row keeps as a position and as the text of a mark. An older version moves the position
    /// alone: then the mark is that of another place, and not used.
    package static func mark(_ position: Int64, _ text: SQLValue) -> EventMark {
        let position = Position(UInt64(clamping: position))
        guard let mark = text.text.flatMap({ EventMark($0) }), mark.position == position else {
            return EventMark(position: position, id: nil)
        }
        return mark
    }

    /// Notes the checkpoint of a partition, if there is a mark to be made between it and the one before.
    package static func mark(
        _ id: ProjectionID, _ partition: Int, at checkpoint: Checkpoint, after before: Checkpoint
    ) -> SQL? {
        if checkpoint.count / 1024 == before.count / 1024 { return nil }
        return """
            INSERT INTO sillok_marks VALUES (
                \(id.name), \(id.version), \(id.build), \(partition), \(checkpoint.position),
                \(Int64(bitPattern: checkpoint.count)), \(Int64(bitPattern: checkpoint.sum)))
            """
    }
}

extension Checkpoint {
    /// The checkpoint that ``ReadModelFormat/standing(of:_:)`` gives; `nil` if it cannot be read.
    package init?(standing row: [SQLValue]) {
        guard row.count == 5, let store = row[0].text.flatMap({ StoreID($0) }), let position = row[1].integer,
            let count = row[2].integer, let sum = row[3].integer
        else { return nil }
        self.init(
            store: store, mark: ReadModelFormat.mark(position, row[4]), count: UInt64(bitPattern: count),
            sum: UInt64(bitPattern: sum))
    }
}
