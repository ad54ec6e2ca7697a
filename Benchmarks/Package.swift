// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "sillok", path: "..")],
    targets: [
        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                "RawLoop", .product(name: "Sillok", package: "sillok"),
                .product(name: "SillokSQLite", package: "sillok"),
            ]),
        // What SQLite itself allows: the yardstick, in C.
        .target(name: "RawLoop", linkerSettings: [.linkedLibrary("sqlite3")]),
    ],
    swiftLanguageModes: [.v6]
)
