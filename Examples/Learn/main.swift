import Foundation

// The programs of the learning pages in docs/learn. `swift run learn` lists them.
let lessons =
    foldingLessons + queryingLessons + namingLessons + evolvingLessons + concurrencyLessons + projectionLessons
    + idempotencyLessons + snapshotLessons + operatingLessons

guard let name = CommandLine.arguments.dropFirst().first else {
    for lesson in lessons { print(lesson.name.padding(toLength: 24, withPad: " ", startingAt: 0) + lesson.summary) }
    exit(0)
}
guard let lesson = lessons.first(where: { $0.name == name }) else {
    print("There is no lesson \(name). `swift run learn` lists them.")
    exit(1)
}
try await lesson.run()
