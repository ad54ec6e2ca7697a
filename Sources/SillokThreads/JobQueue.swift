/// Jobs in the order in which they came, each of which can be taken out before its turn.
struct JobQueue<Job> {
    private var jobs: [UInt64: Job] = [:]
    /// The numbers of the jobs in their order, and of some that are gone.
    private var order: [UInt64] = []
    private var first = 0

    var isEmpty: Bool { jobs.isEmpty }

    /// The jobs that wait.
    var count: Int { jobs.count }

    /// The number of the job whose turn it is, or `nil`.
    var next: UInt64? {
        mutating get {
            while first < order.count {
                if jobs[order[first]] != nil { return order[first] }
                first += 1
            }
            order.removeAll(keepingCapacity: true)
            first = 0
            return nil
        }
    }

    /// Adds a job under a number that is higher than all before.
    mutating func add(_ job: Job, _ number: UInt64) {
        jobs[number] = job
        order.append(number)
    }

    /// Takes a job out; `nil` if it is no longer there.
    mutating func take(_ number: UInt64) -> Job? {
        guard let job = jobs.removeValue(forKey: number) else { return nil }
        if order.count > 2 * jobs.count + 1000 {
            order = order[first...].filter { jobs[$0] != nil }
            first = 0
        }
        return job
    }
}
