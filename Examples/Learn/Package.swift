// swift-tools-version: 6.2
import PackageDescription

// The exercises of docs/learn/exercises.md as a package of their own, so that a test of one exercise builds only what
// it needs. The tests of the whole project compile the same files.
let package = Package(
    name: "exercises",
    platforms: [.macOS(.v14)],
    dependencies: [.package(name: "sillok", path: "../..")],
    targets: [
        .testTarget(
            name: "Exercises",
            dependencies: [
                .product(name: "Sillok", package: "sillok"),
                .product(name: "SillokProcesses", package: "sillok"),
                .product(name: "SillokProcessTesting", package: "sillok"),
                .product(name: "SillokProjections", package: "sillok"),
                .product(name: "SillokSQLite", package: "sillok"),
                .product(name: "SillokTesting", package: "sillok"),
            ],
            path: "Tests/Exercises")
    ])
