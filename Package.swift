// swift-tools-version: 6.2
import PackageDescription

/// The pages of the dashboard and their parts, embedded in the program.
let dashboardAssets = [
    "api.js", "app.js", "causes.js", "charts.js", "docs.html", "docs.js", "dom.js", "event.js", "icon.svg",
    "index.html", "instance.js", "letters.js", "operations.js", "overview.js", "processes.js", "projections.js",
    "streams.js", "style.css", "tail.js", "texts-en-said.js", "texts-en-work.js", "texts-en.js",
    "texts-ko-said.js", "texts-ko-work.js", "texts-ko.js", "texts.js", "theme.js", "waiting.js", "webhooks.js",
]

let package = Package(
    name: "sillok",
    platforms: [.macOS(.v14), .iOS(.v17), .tvOS(.v17), .watchOS(.v10), .visionOS(.v1)],
    products: [
        .executable(name: "sillok", targets: ["SillokCLI"]),
        .library(name: "SillokCommands", targets: ["SillokCommands"]),
        .library(name: "SillokService", targets: ["SillokService"]),
        .library(name: "SillokTracing", targets: ["SillokTracing"]),
        .library(name: "SillokWebhooks", targets: ["SillokWebhooks"]),
        .library(name: "SillokClient", targets: ["SillokClient"]),
        .library(name: "SillokServer", targets: ["SillokServer"]),
        .library(name: "SillokTesting", targets: ["SillokTesting"]),
        .library(name: "SillokProcessTesting", targets: ["SillokProcessTesting"]),
        .library(name: "SillokGRDB", targets: ["SillokGRDB"]),
        .library(name: "SillokPostgres", targets: ["SillokPostgres"]),
        .library(name: "SillokSQLite", targets: ["SillokSQLite"]),
        .library(name: "SillokLog", targets: ["SillokLog"]),
        .library(name: "SillokConformance", targets: ["SillokConformance"]),
        .library(name: "SillokSimulation", targets: ["SillokSimulation"]),
        .library(name: "SillokHistory", targets: ["SillokHistory"]),
        .library(name: "SillokSnapshots", targets: ["SillokSnapshots"]),
        .library(name: "SillokStoreSet", targets: ["SillokStoreSet"]),
        .library(name: "SillokProjections", targets: ["SillokProjections"]),
        .library(name: "SillokProcesses", targets: ["SillokProcesses"]),
        .library(name: "SillokWebhookOperations", targets: ["SillokWebhookOperations"]),
        .library(name: "SillokRehearsal", targets: ["SillokRehearsal"]),
        .library(name: "SillokProcessOperations", targets: ["SillokProcessOperations"]),
        .library(name: "SillokReadSide", targets: ["SillokReadSide"]),
        .library(name: "SillokSigning", targets: ["SillokSigning"]),
        .library(name: "SillokChain", targets: ["SillokChain"]),
        .library(name: "Sillok", targets: ["Sillok"]),
    ],
    traits: [
        .trait(name: "Postgres", description: "The PostgreSQL store; needs libpq."), .default(enabledTraits: []),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.1.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.9.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.6.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.4.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.31.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    ],
    targets: [
        // Floor 5: the command line, the only one that knows everybody.
        .executableTarget(
            name: "SillokCLI",
            dependencies: [
                "SillokReadSide", "SillokProcessOperations", "SillokWebhookOperations", "SillokProjections",
                "SillokHistory", "SillokSigning", "SillokCloudEvents", "SillokJSON", "SillokChain",
                "SillokAPI", "SillokCommands", "SillokCopying", "Sillok", "SillokClient", "SillokCore",
                "SillokPostgres", "SillokServer", "SillokService",
                "SillokSQL",
                "SillokLog", "SillokSQLite", "SillokStarter", "SillokSystem", "SillokTerminal", "SillokWire",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),

        // Floor 4: commands that an application's own tool has too.
        .target(
            name: "SillokCommands",
            dependencies: [
                "SillokHistory", "SillokProcessMachine", "SillokProcessOperations", "SillokReadSide", "SillokRehearsal",
                "SillokWebhookOperations", "Sillok", "SillokCore", "SillokJSON", "SillokSQL", "SillokTerminal",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        .target(name: "SillokCopying", dependencies: ["Sillok", "SillokCore", "SillokLog", "SillokTerminal"]),

        // Floor 3: the rims. Siblings never meet.
        .target(
            name: "SillokSQLite",
            dependencies: [
                "SillokSQLiteModels", "SillokSQLiteConnections", "SillokStorage", "SillokThreads", "SillokIndex",
                "SillokChain", "SillokCore", "SillokSQL", "SillokSystem", "CSQLite", "CSillok",
            ]),
        .target(
            name: "SillokLog",
            dependencies: [
                "SillokSegments", "SillokLogFormat", "SillokDisk", "SillokSQLiteModels", "SillokSQLiteConnections",
                "SillokStorage", "SillokThreads", "SillokIndex", "SillokIndexFile", "SillokChain", "SillokCore",
                "SillokSQL", "SillokSystem", "CSQLite",
                "CSillok",
            ]),
        .target(
            name: "SillokGRDB",
            dependencies: [
                "SillokCore", "SillokSQL", "SillokThreads", "CSQLite", .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .target(name: "SillokPostgresSchema"),
        .target(
            name: "SillokPostgres",
            dependencies: [
                "SillokThreads", "SillokPostgresSchema", "SillokIndex", "SillokChain", "SillokCore", "SillokSQL",
                "SillokSystem",
                .target(name: "CLibPQ", condition: .when(traits: ["Postgres"])),
            ]),
        .target(
            name: "SillokTesting",
            dependencies: ["Sillok", "SillokCore", "SillokHistory", "SillokJSON", "SillokProjections", "SillokSQL"]),
        .target(name: "SillokProcessTesting", dependencies: ["Sillok", "SillokProcesses"]),
        .target(name: "SillokConformance", dependencies: ["SillokChain", "SillokCore", "SillokTesting"]),
        .target(
            name: "SillokSimulation",
            dependencies: ["SillokChain", "SillokCore", "SillokDisk", "SillokSegments", "SillokSystem"]),
        .target(
            name: "SillokTracing",
            dependencies: ["SillokCore", .product(name: "Tracing", package: "swift-distributed-tracing")]),
        .target(
            name: "SillokService",
            dependencies: [
                "SillokSnapshots", "SillokProjections", "SillokCore", "Sillok", "SillokSystem",
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Logging", package: "swift-log"), .product(name: "Metrics", package: "swift-metrics"),
            ]),
        .target(
            name: "SillokWebhooks",
            dependencies: [
                "SillokWebhookOperations", "SillokProjections", "SillokProjectionMachine", "SillokReadSide",
                "SillokCloudEvents", "SillokSQL", "SillokJSON", "SillokCore", "Sillok",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        .target(
            name: "SillokClient",
            dependencies: [
                "SillokGRPC", "SillokJSON", "SillokSQL", "SillokCore", "SillokWire",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
            ]),
        .target(
            name: "SillokServer",
            dependencies: [
                "SillokAPI", "SillokAccess", "SillokUmaDB", "SillokGRPC", "SillokProcessOperations", "SillokReadSide",
                "SillokProjections", "SillokHistory", "SillokCloudEvents", "SillokJSON", "Sillok", "SillokCore",
                "SillokSQL",
                "SillokService", "SillokThreads", "SillokSystem", "SillokWebhookOperations", "SillokWire",
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Logging", package: "swift-log"), .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            resources: dashboardAssets.map { .embedInCode("Dashboard/Assets/\($0)") }),
        .target(
            name: "SillokAPI",
            dependencies: [
                "SillokCloudEvents", "SillokCore", "SillokJSON", "SillokProcessOperations", "SillokReadSide",
                "SillokSQL", "SillokWebhookOperations",
            ]),
        .target(
            name: "SillokAccess",
            dependencies: [
                "Sillok", "SillokCore", "SillokJSON", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "JWTKit", package: "jwt-kit"),
            ]),
        .target(
            name: "SillokUmaDB",
            dependencies: [
                "SillokCore", "SillokGRPC", "SillokWire", .product(name: "NIOCore", package: "swift-nio"),
            ]),
        .target(
            name: "SillokTerminal",
            dependencies: [
                "SillokCore", "SillokJSON", "SillokSystem", "CSillok", .product(name: "Logging", package: "swift-log"),
            ]),

        // Floor 2: the pure verbs and what drives them.
        .target(
            name: "SillokStorage",
            dependencies: ["SillokThreads", "SillokIndex", "SillokChain", "SillokCore", "CSillok"]),
        .target(
            name: "SillokIndexFile",
            dependencies: [
                "SillokCore", "SillokDisk", "SillokSQLiteConnections", "SillokStorage", "SillokSystem", "SillokThreads",
                "CSQLite",
            ]),
        .target(
            name: "SillokHistory",
            dependencies: [
                "Sillok", "SillokCloudEvents", "SillokCore", "SillokJSON", "SillokProjections", "SillokSQL",
            ]),
        .target(
            name: "SillokSnapshots",
            dependencies: ["Sillok", "SillokCore", "SillokJSON", "SillokSQL"]),
        .target(name: "SillokStoreSet", dependencies: ["SillokCore"]),
        .target(
            name: "SillokProjections",
            dependencies: [
                "Sillok", "SillokCore", "SillokJSON", "SillokProjectionMachine", "SillokReadSide", "SillokSQL",
            ]),
        .target(
            name: "SillokWebhookOperations",
            dependencies: ["Sillok", "SillokCore", "SillokJSON", "SillokReadSide", "SillokSQL", "SillokSystem"]),
        .target(
            name: "SillokProcessOperations",
            dependencies: ["Sillok", "SillokCore", "SillokJSON", "SillokProcesses", "SillokReadSide", "SillokSQL"]),
        .target(
            name: "SillokProcesses",
            dependencies: [
                "Sillok", "SillokCore", "SillokJSON", "SillokProcessMachine", "SillokProjectionMachine",
                "SillokProjections", "SillokReadSide", "SillokSQL",
            ]),
        .target(
            name: "SillokProcessMachine", dependencies: ["Sillok", "SillokCore", "SillokJSON", "CSillok"]),
        .target(
            name: "SillokRehearsal",
            dependencies: ["Sillok", "SillokCore", "SillokHistory", "SillokJSON", "SillokProcessMachine"]),
        .target(
            name: "SillokProjectionMachine",
            dependencies: ["Sillok", "SillokCore", "SillokReadSide", "SillokSQL"]),
        .target(name: "SillokReadSide", dependencies: ["SillokCore", "SillokJSON", "SillokSQL"]),
        .target(
            name: "SillokSegments", dependencies: ["SillokDisk", "SillokChain", "SillokCore", "SillokLogFormat"]),
        .target(
            name: "SillokSQLiteModels",
            dependencies: ["SillokSQLiteConnections", "SillokCore", "SillokSQL", "SillokThreads", "CSQLite"]),
        .target(
            name: "SillokSQLiteConnections",
            dependencies: ["SillokCore", "SillokSQL", "SillokSystem", "SillokThreads", "CSQLite", "CSillok"]),
        .target(name: "Sillok", dependencies: ["SillokCore", "SillokIndex", "SillokJSON", "SillokSystem"]),
        .target(
            name: "SillokGRPC",
            dependencies: [
                "SillokCore", "SillokJSON",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
            ]),
        .target(
            name: "SillokWire",
            dependencies: [
                "SillokCloudEvents", "SillokCore", "SillokJSON", .product(name: "NIOCore", package: "swift-nio"),
            ], exclude: ["Protos"]),

        // Floor 1: the words and the seams, and what storages and rims share.
        .target(
            name: "SillokSigning",
            dependencies: ["SillokChain", "SillokCore", .product(name: "Crypto", package: "swift-crypto")]),
        .target(name: "SillokChain", dependencies: ["SillokCore", "CSillok"]),
        .target(name: "SillokSQL", dependencies: ["SillokCore", "SillokSystem", "SillokThreads", "CSillok"]),
        .target(name: "SillokThreads", dependencies: ["SillokCore"]),
        .target(name: "SillokDisk", dependencies: ["SillokSystem"]),
        .target(name: "SillokLogFormat", dependencies: ["SillokDisk", "SillokChain", "SillokCore", "CSillok"]),
        .target(name: "SillokIndex", dependencies: ["SillokCore"]),
        .target(name: "SillokCloudEvents", dependencies: ["SillokCore", "SillokJSON"]),
        .target(name: "SillokJSON", dependencies: ["SillokCore"]),
        .target(name: "SillokCore", dependencies: ["SillokEvents", "CSillok"]),
        .target(name: "SillokEvents", dependencies: ["SillokSystem"]),

        // The ground: C that the floors stand on.
        .target(name: "SillokSystem"),
        .target(name: "CSillok"),
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3",
            providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite3"])]),
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),

        // Examples: one idea more each. No products, so that a package which uses the library never builds them.
        .executableTarget(
            name: "BankAsCRUD",
            dependencies: [
                "BankModel", "SillokProjections", "Sillok", "SillokSQLite",
                .product(name: "GRDB", package: "GRDB.swift"),
            ], path: "Examples/0-BankAsCRUD", exclude: ["Tests"]),
        .testTarget(
            name: "BankAsCRUDTests", dependencies: ["BankAsCRUD", "BankModel", "Sillok"],
            path: "Examples/0-BankAsCRUD/Tests"),
        .target(name: "BankModel", dependencies: ["Sillok"], path: "Examples/1-Bank/Model"),
        .executableTarget(
            name: "Bank", dependencies: ["BankModel", "Sillok", "SillokSQLite"], path: "Examples/1-Bank",
            exclude: ["Model", "Tests"]),
        .testTarget(name: "BankTests", dependencies: ["BankModel", "SillokTesting"], path: "Examples/1-Bank/Tests"),
        .executableTarget(
            name: "BankWithReadModel",
            dependencies: ["BankModel", "SillokProjections", "Sillok", "SillokSQLite"],
            path: "Examples/2-BankWithReadModel",
            exclude: ["Tests"]),
        .testTarget(
            name: "BankWithReadModelTests",
            dependencies: [
                "BankModel", "BankWithReadModel", "SillokProjections", "Sillok", "SillokSQL", "SillokSQLite",
                "SillokTesting",
            ],
            path: "Examples/2-BankWithReadModel/Tests"),
        .executableTarget(name: "Courses", dependencies: ["Sillok"], path: "Examples/3-Courses", exclude: ["Tests"]),
        .testTarget(name: "CoursesTests", dependencies: ["Courses", "Sillok"], path: "Examples/3-Courses/Tests"),
        .executableTarget(
            name: "Shop",
            dependencies: [
                "SillokSnapshots", "SillokHistory", "SillokProcesses", "SillokProjections", "Sillok", "SillokSQLite",
                "SillokTerminal",
            ], path: "Examples/4-Shop",
            exclude: ["Tests"]),
        .testTarget(
            name: "ShopTests",
            dependencies: [
                "SillokSnapshots", "SillokHistory", "SillokProcesses", "SillokProcessTesting", "SillokProjections",
                "Shop", "Sillok", "SillokCore", "SillokSQLite", "SillokTesting",
            ],
            path: "Examples/4-Shop/Tests"),

        // What `sillok new` writes, as a program with tests, and as texts in the command.
        .executableTarget(
            name: "Starter", dependencies: ["Sillok", "SillokProjections", "SillokSQLite"],
            path: "Examples/5-Starter/Program"),
        .testTarget(
            name: "StarterTests", dependencies: ["Starter", "SillokProjections", "SillokSQLite", "SillokTesting"],
            path: "Examples/5-Starter/Tests"),
        .target(
            name: "SillokStarter", path: "Examples/5-Starter", sources: ["Rendering"],
            resources: [
                "Package/Manifest.swift", "Package/README.md", "Package/ignored.txt", "Program/Account.swift",
                "Program/Balances.swift", "Program/main.swift", "Tests/AccountTests.swift", "Tests/BalancesTests.swift",
            ].map { .embedInCode($0) }),

        // The programs of the learning pages in docs/learn. The tests compare what they print with the pages.
        .executableTarget(
            name: "learn",
            dependencies: [
                "BankModel", "SillokSnapshots", "SillokHistory", "SillokProcesses", "SillokProjections", "Sillok",
                "SillokSQLite",
            ], path: "Examples/Learn", exclude: ["11-Further", "Package.swift", "Tests"]),
        // Apart from the others, because it needs the server, which takes long to build.
        .executableTarget(
            name: "learn-server",
            dependencies: [
                "BankModel", "SillokClient", "SillokLog", "SillokProjections", "Sillok", "SillokSQLite", "SillokServer",
            ],
            path: "Examples/Learn/11-Further"),
        .testTarget(
            name: "LearnTests",
            dependencies: [
                "learn", "learn-server", "Bank", "BankAsCRUD", "BankWithReadModel", "Courses", "Shop", "SillokCLI",
                "BankModel",
                "SillokSnapshots",
                "SillokHistory", "SillokProcesses", "SillokProcessTesting", "SillokProjections", "Sillok", "SillokSQL",
                "SillokSQLite", "SillokTesting",
            ],
            path: "Examples/Learn/Tests", exclude: ["Golden"]),

        // A program on real input, no step of the ladder.
        .executableTarget(
            name: "git-history",
            dependencies: [
                "SillokSnapshots", "SillokHistory", "SillokProjections", "Sillok", "SillokSQLite", "SillokTerminal",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], path: "Examples/GitHistory", exclude: ["Tests"]),
        .testTarget(
            name: "GitHistoryTests",
            dependencies: [
                "SillokSnapshots", "SillokHistory", "SillokProjections", "git-history", "SillokSQLite", "SillokTesting",
            ],
            path: "Examples/GitHistory/Tests"),

        // What the tests of several targets use: folders, waiting, random numbers, programs of the system. No product.
        .target(
            name: "SillokTestSupport", dependencies: ["SillokProjections", "SillokCore", "SillokSQL"],
            path: "Tests/Support"),

        // The log in segments without a store around it, next to its limit. Here because it is not a product.
        .executableTarget(
            name: "log-bench",
            dependencies: [
                "SillokChain", "SillokCore", "SillokDisk", "SillokLog", "SillokLogFormat", "SillokSegments",
            ],
            path: "Benchmarks/Sources/LogBench"),

        // An operator's bad day, to practise: `scripts/demo --bad-day`.
        .executableTarget(
            name: "bad-day",
            dependencies: [
                "SillokProcessOperations", "SillokProcesses", "SillokProjections", "SillokSQLite", "SillokServer",
                "SillokService", .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ], path: "Examples/BadDay"),

        // What the torture tests start, kill and starve. No product.
        .executableTarget(
            name: "sillok-torture",
            dependencies: [
                "SillokHistory", "SillokSnapshots", "SillokProjections", "SillokProcesses", "Sillok", "SillokChain",
                "SillokClient", "SillokCore", "SillokLog", "SillokPostgres", "SillokRehearsal", "SillokSQL",
                "SillokSQLiteConnections", "SillokSegments", "SillokSQLite",
            ], path: "Tests/Torture"),

        // Histories of the log engine on simulated disks. No product.
        .executableTarget(
            name: "sillok-simulate",
            dependencies: [
                "SillokCore", "SillokDisk", "SillokLog", "SillokSegments", "SillokSimulation", "SillokSystem",
            ], path: "Tests/Simulate"),

        // Processes and webhooks that the tests in a browser show. No product.
        .executableTarget(
            name: "sillok-process-play",
            dependencies: [
                "SillokProcesses", "Sillok", "SillokClient", "SillokSQLite", "SillokWebhooks",
                .product(name: "Logging", package: "swift-log"),
            ], path: "Tests/ProcessPlay"),

        // Random values and texts, coded by the library and by Foundation. No product.
        .executableTarget(name: "sillok-fuzz", dependencies: ["SillokCore", "SillokJSON"], path: "Tests/Fuzz"),
        .executableTarget(
            name: "sillok-postgres-torture",
            dependencies: ["SillokProjections", "Sillok", "SillokPostgres", "SillokSQL"],
            path: "Tests/PostgresTorture"),

        // The load on a cluster of `scripts/cluster`, and the check of what it has seen. No product.
        .executableTarget(
            name: "sillok-cluster",
            dependencies: ["SillokChain", "SillokProcesses", "SillokProjections", "Sillok", "SillokPostgres"],
            path: "Tests/Cluster"),
        .testTarget(name: "ClusterTests", dependencies: ["sillok-cluster"]),

        // Everything that reads bytes from outside, as functions of any bytes: for the fuzzer, and for the tests that replay
        // its inputs. No product.
        .target(
            name: "SillokForeignReaders",
            dependencies: [
                "SillokAPI", "SillokGRPC", "SillokCloudEvents", "SillokJSON", "Sillok", "SillokCore", "SillokServer",
                "SillokWire",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
            ], path: "Tests/Fuzzing/Readers"),
        .testTarget(
            name: "SillokFuzzingTests", dependencies: ["SillokForeignReaders"], path: "Tests/Fuzzing/Replaying"),

        // Opens, verifies, appends to and projects what an older version wrote.
        .testTarget(
            name: "FixtureTests",
            dependencies: [
                "SillokAPI", "SillokAccess", "SillokCLI", "SillokChain", "SillokGRDB", "SillokPostgres",
                "SillokPostgresSchema", "SillokProjections", "SillokSQLite", "SillokSigning", "SillokSnapshots",
                "SillokTerminal",
                .target(name: "CLibPQ", condition: .when(traits: ["Postgres"])),
            ]),

        // The rules of the tree: floors, cycles, limits, words, documents. Knows no other target. No product.
        .executableTarget(name: "sillok-tree", path: "Tests/Tree", exclude: ["today.txt"]),
        .testTarget(name: "TreeTests", dependencies: ["sillok-tree"]),

        // The code of the articles in the documentation, which no example has.
        .testTarget(
            name: "ArticleTests",
            dependencies: [
                "BankModel", "BankWithReadModel", "Sillok", "SillokHistory", "SillokPostgres", "SillokProjections",
                "SillokProcesses", "SillokProcessOperations", "SillokProcessTesting", "SillokRehearsal", "SillokSQLite",
                "SillokServer", "SillokSnapshots", "SillokTesting", "SillokWebhookOperations", "SillokWebhooks",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        .testTarget(name: "SillokEventsTests", dependencies: ["SillokEvents", "SillokTestSupport"]),
        .testTarget(name: "SillokCoreTests", dependencies: ["SillokCore"]),
        .testTarget(
            name: "SillokChainTests",
            dependencies: [
                "SillokSigning", "SillokChain", "Sillok", "SillokTesting", "CSillok",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .testTarget(
            name: "SillokJSONTests",
            dependencies: ["SillokCore", "SillokJSON", "SillokTestSupport", "SillokTesting", "sillok-fuzz"]),
        .testTarget(
            name: "SillokTests",
            dependencies: [
                "SillokProjections", "SillokSnapshots", "SillokReadSide", "SillokHistory", "Sillok", "SillokTesting",
            ], exclude: ["Evolving/Golden"]),
        .testTarget(
            name: "SillokProjectionsTests",
            dependencies: [
                "SillokCore", "SillokSQL", "Sillok", "SillokReadSide", "SillokProjectionMachine", "SillokProjections",
            ]),
        .testTarget(
            name: "SillokStoreSetTests",
            dependencies: [
                "Sillok", "SillokCore", "SillokProcesses", "SillokProjections", "SillokSQL", "SillokSQLite",
                "SillokStoreSet", "SillokTestSupport",
            ]),
        .testTarget(name: "SillokSQLTests", dependencies: ["SillokIndex", "SillokSQL"]),
        .testTarget(name: "SillokDiskTests", dependencies: ["SillokDisk", "SillokTestSupport"]),
        .testTarget(
            name: "SillokSegmentsTests",
            dependencies: ["SillokChain", "SillokCore", "SillokDisk", "SillokSegments", "SillokTestSupport"]),
        .testTarget(
            name: "SillokProcessesTests",
            dependencies: [
                "Sillok", "SillokClient", "SillokCore", "SillokHistory", "SillokJSON", "SillokLog", "SillokPostgres",
                "SillokProcesses", "SillokProcessOperations", "SillokProcessTesting", "SillokProjections",
                "SillokRehearsal", "SillokSQL", "SillokSQLite", "SillokServer", "SillokTestSupport", "SillokTesting",
                "SillokCLI", "sillok-torture",
            ]),
        .testTarget(
            name: "SillokWireTests",
            dependencies: [
                "SillokGRPC", "SillokCore", "SillokTestSupport", "SillokWire",
                .product(name: "NIOCore", package: "swift-nio"),
            ], exclude: ["Fixtures"]),
        .testTarget(
            name: "SillokClientTests",
            dependencies: [
                "SillokGRPC", "SillokConformance", "SillokProjections", "Sillok", "SillokClient", "SillokServer",
                "SillokLog", "SillokSQLite", "SillokTestSupport", "SillokTesting", "SillokPostgres", "SillokWire",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                "SillokCLI", "sillok-torture",
            ]),
        .testTarget(
            name: "SillokServerTests",
            dependencies: [
                "SillokAPI", "SillokReadSide", "SillokProjections", "SillokConformance", "Sillok", "SillokServer",
                "SillokService", "SillokSQLite", "SillokTesting", "SillokCloudEvents", "SillokWire", "SillokGRPC",
                "SillokProcessOperations", "SillokTestSupport", "SillokWebhookOperations", "SillokWebhooks",
                "sillok-process-play",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"), .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        .testTarget(
            name: "SillokTracingTests",
            dependencies: [
                "Sillok", "SillokCore", "SillokProcesses", "SillokProjections", "SillokSQLite", "SillokTracing",
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]),
        .testTarget(
            name: "SillokServiceTests",
            dependencies: [
                "Sillok", "SillokCore", "SillokSnapshots", "SillokProcesses", "SillokProjections", "SillokService",
                "SillokSQLite",
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle"),
            ]),
        .testTarget(
            name: "SillokSQLiteTests",
            dependencies: [
                "SillokSnapshots", "SillokHistory", "SillokProjections", "SillokConformance", "Sillok", "SillokChain",
                "SillokLog", "SillokPostgres", "SillokSQL", "SillokStorage", "SillokSQLiteConnections",
                "SillokSQLiteModels", "SillokSQLite", "SillokTestSupport", "SillokTesting", "CSQLite", "CSillok",
                "sillok-torture",
            ], exclude: ["Fixtures"]),
        .testTarget(
            name: "SillokLogTests",
            dependencies: [
                "SillokLog", "SillokConformance", "Sillok", "SillokChain", "SillokCore", "SillokDisk", "SillokIndex",
                "SillokIndexFile", "SillokSQL", "SillokSQLiteConnections", "SillokSQLiteModels", "SillokSegments",
                "SillokStorage", "SillokTestSupport", "SillokTesting", "SillokWire",
                "CSQLite", "sillok-torture",
            ]),
        .testTarget(
            name: "SillokStorageTests",
            dependencies: [
                "SillokStorage", "SillokChain", "SillokCore", "SillokIndex", "SillokTestSupport", "SillokTesting",
                "CSillok",
            ]),
        .testTarget(
            name: "SillokWebhooksTests",
            dependencies: [
                "SillokCLI", "SillokCore", "SillokProjections", "SillokReadSide", "SillokService", "SillokSQL",
                "SillokSQLite", "SillokTerminal", "SillokTesting", "SillokWebhooks",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ]),
        .testTarget(
            name: "SillokGRDBTests",
            dependencies: [
                "SillokProjections", "SillokGRDB", "Sillok", "SillokSQL", "SillokSQLite", "SillokTestSupport",
                "SillokTesting",
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .testTarget(
            name: "SillokPostgresTests",
            dependencies: [
                "SillokProjections", "SillokConformance", "Sillok", "SillokPostgres", "SillokPostgresSchema",
                "SillokService", "SillokSQL", "SillokTestSupport", "SillokTesting", "SillokChain", "SillokCore",
                "SillokThreads", "sillok-postgres-torture",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        .testTarget(
            name: "SillokSimulationTests",
            dependencies: [
                "SillokCore", "SillokDisk", "SillokSegments", "SillokSimulation", "SillokSystem", "SillokTestSupport",
            ]),
        .testTarget(
            name: "SillokTestingTests",
            dependencies: [
                "SillokHistory", "SillokProjections", "SillokConformance", "Sillok", "SillokSQLite", "SillokTesting",
            ]),
        .testTarget(
            name: "SillokCLITests",
            dependencies: [
                "SillokClient", "SillokHistory", "SillokPostgres", "SillokReadSide", "SillokProcesses",
                "SillokProjections", "SillokCLI", "SillokCommands", "SillokCopying", "Sillok", "SillokCore",
                "SillokLog",
                "SillokSQL", "SillokSQLite", "SillokServer", "SillokStarter", "SillokTerminal", "SillokTestSupport",
                "SillokWire",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)

for target in package.targets where target.type != .system && !target.name.hasPrefix("CS") {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    ]
    // Examples are written as in a package without this feature: `import` and not `public import`.
    if target.path?.hasPrefix("Examples/") != true {
        target.swiftSettings?.append(.enableUpcomingFeature("InternalImportsByDefault"))
    }
}

// The fuzzer, which `scripts/torture` builds in folders of its own. Every target of ours reports its coverage: to libFuzzer,
// or by lines to `llvm-cov` when the fuzzer's inputs are only run again.
if let purpose = Context.environment["SILLOK_FUZZING"] {
    let isForLines = purpose == "lines"
    package.targets += [
        .target(name: "CFuzzMeter", path: "Tests/Fuzzing/Meter"),
        .executableTarget(
            name: "sillok-fuzzing", dependencies: ["CFuzzMeter", "SillokForeignReaders"],
            path: "Tests/Fuzzing/Program", swiftSettings: [],
            linkerSettings: isForLines ? [.unsafeFlags(["-profile-generate"])] : []),
    ]
    for target in package.targets where target.type != .system && !target.name.hasPrefix("C") {
        target.swiftSettings?.append(
            .unsafeFlags(
                isForLines ? ["-profile-generate", "-profile-coverage-mapping"] : ["-sanitize=fuzzer", "-O"]))
    }
}

// What the thread sanitizer sees, which `scripts/torture` builds in a folder of its own: the tests of the log engine and
// what they need, without the servers, which need most of the time of a build.
if Context.environment["SILLOK_THREADS"] != nil {
    let tests = ["Disk", "Log", "Segments", "Simulation", "SQL", "Storage"].map { "Sillok\($0)Tests" }
    var needed = Set(tests)
    var found = tests
    while let target = package.targets.first(where: { $0.name == found.last }) {
        found.removeLast()
        // The programs that other tests kill.
        target.dependencies.removeAll { name(of: $0)?.hasPrefix("sillok-") == true }
        found += target.dependencies.compactMap(name).filter { needed.insert($0).inserted }
    }
    package.products = []
    package.targets.removeAll { !needed.contains($0.name) }
}

/// The name of a target of this package, if a dependency is one.
func name(of dependency: Target.Dependency) -> String? {
    switch dependency {
    case .byNameItem(let name, _), .targetItem(let name, _): name
    default: nil
    }
}
