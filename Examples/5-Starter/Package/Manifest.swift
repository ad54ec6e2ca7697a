// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "starter",
    platforms: [.macOS(.v14)],
    dependencies: [
        .package(name: "sillok", path: "../..")
    ],
    targets: [
        .executableTarget(
            name: "Starter",
            dependencies: [
                .product(name: "Sillok", package: "sillok"),
                .product(name: "SillokProjections", package: "sillok"),
                .product(name: "SillokSQLite", package: "sillok"),
                // For a store in PostgreSQL: .product(name: "SillokPostgres", package: "sillok"), and in the line of
                // the package `traits: ["Postgres"]`.
                // For a store on a server: .product(name: "SillokClient", package: "sillok").
                // To serve the store from this program: .product(name: "SillokServer", package: "sillok").
            ]),
        .testTarget(
            name: "StarterTests",
            dependencies: [
                "Starter", .product(name: "SillokProjections", package: "sillok"),
                .product(name: "SillokSQLite", package: "sillok"), .product(name: "SillokTesting", package: "sillok"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
