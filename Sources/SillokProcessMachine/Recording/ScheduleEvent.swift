import SillokCore

/// An event in the stream `schedule:<name>-<key>`. The cases and their values are the format in the log.
package enum ScheduleEvent<Command: Codable & Sendable>: Codable, Sendable {
    /// The command is to be executed at a time. It replaces one with the same key that waits.
    case commandScheduled(command: Command, due: Timestamp)
    /// The command that waits is not executed.
    case commandWithdrawn(reason: String)
}

/// The names that belong to a schedule.
package enum ScheduleName {
    /// The category of the streams with what is scheduled.
    package static func category(of schedule: String) -> StreamCategory { StreamCategory("schedule:\(schedule)") }

    /// What the name of a process that executes a schedule begins with.
    package static let prefix = "schedule_"
}
