import SillokEvents
import Testing

@Suite("Queries")
struct QueryTests {
    @Test("N11: types and tags are given as lists too")
    func lists() {
        let (types, tags): ([EventType], [EventTag]) = (["a", "b"], ["x:1", "y:2"])
        #expect(EventQuery.types(types) == .types("a", "b"))
        #expect(EventQuery.tags(tags) == .tags("x:1", "y:2"))
        #expect(EventQuery.tags(tags).of(types) == .tags("x:1", "y:2").of("a", "b"))
        #expect(EventQuery.types(types).of(["b", "c"]) == .types("b"))
        // Any of no types is no event; all of no tags is every event.
        for query in [EventQuery.types([]), .types(), .all.of([]), .all.of()] { #expect(query.items.isEmpty) }
        #expect(EventQuery.tags([]) == .all)
    }
}
