// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "sillok", path: "..", traits: ["Postgres"])],
    targets: [
        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                "RawLoop", "RawPostgres", .product(name: "Sillok", package: "sillok"),
                .product(name: "SillokChain", package: "sillok"), .product(name: "SillokHistory", package: "sillok"),
                .product(name: "SillokProcesses", package: "sillok"),
                .product(name: "SillokProjections", package: "sillok"),
                .product(name: "SillokSnapshots", package: "sillok"),
                .product(name: "SillokPostgres", package: "sillok"),
                .product(name: "SillokSQLite", package: "sillok"),
            ]),
        // The processes of `scripts/fleet`.
        .executableTarget(
            name: "Fleet",
            dependencies: [
                .product(name: "Sillok", package: "sillok"), .product(name: "SillokLog", package: "sillok"),
                .product(name: "SillokPostgres", package: "sillok"),
                .product(name: "SillokProjections", package: "sillok"),
                .product(name: "SillokStoreSet", package: "sillok"),
            ]),
        // What SQLite itself allows: the yardstick, in C.
        .target(name: "RawLoop", linkerSettings: [.linkedLibrary("sqlite3")]),
        // What PostgreSQL itself allows.
        .target(name: "RawPostgres", linkerSettings: [.linkedLibrary("pq")]),
    ],
    swiftLanguageModes: [.v6]
)
