import Sillok
import SillokCore

/// States that stay in a cache between the commands of one handler.
struct CachedStates<D: Decider>: StateSource {
    private let cache: AggregateCache
    private let handler: UInt64
    private let base: any StateSource<D>

    init(_ cache: AggregateCache, base: any StateSource<D>) {
        (self.cache, handler, self.base) = (cache, cache.nextHandler(), base)
    }

    /// Hands over a cached state. Each command puts it back at its end, also one that fails.
    func start(of subject: Subjects<D>.Subject, at moment: Moment?) async -> ReplayStart<D>? {
        if moment == nil, let key = key(of: subject), let start = cache.take(key) as? ReplayStart<D>,
            base.accepts(start)
        {
            return start
        }
        return await base.start(of: subject, at: moment)
    }

    func accepts(_ start: ReplayStart<D>) -> Bool { base.accepts(start) }

    func keep(_ subjects: inout Subjects<D>, at moment: Moment?) {
        base.keep(&subjects, at: moment)
        guard moment == nil else { return }
        for (index, start) in subjects.starts {
            if let key = key(of: subjects.all[index]) { cache.put(key, start) }
        }
    }

    private func key(of subject: Subjects<D>.Subject) -> AggregateCache.Key? {
        subject.key.map { AggregateCache.Key(handler: handler, subject: ExactText($0)) }
    }
}
