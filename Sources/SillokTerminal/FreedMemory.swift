import CSillok

/// What a program that runs for a long time does with memory that it has freed.
package enum FreedMemory {
    /// Has freed memory given back to the system, so that no backup and no rebuild of an index leaves a process large.
    ///
    /// For programs of our own: an application decides for its own process.
    package static func giveBack() { sillok_return_freed_memory() }
}
