import Sillok

let store = MemoryEventStore()
let school = CommandHandler<Enrolment>(in: store)
try await school.execute(.define(course: "7", name: "Annals", seats: 2))

// Three students want the two seats at the same moment.
await withTaskGroup(of: Void.self) { group in
    for student in ["Ada", "Grace", "Barbara"] {
        group.addTask {
            do {
                try await school.execute(.enrol(student: student, course: "7"))
                print("\(student) is in")
            } catch {
                print("\(student) is not: \(error)")
            }
        }
    }
}
for event in try await store.read(.tags("course:7")).events {
    print(event.position, event.type, event.tags.map(\.text).joined(separator: " "))
}
