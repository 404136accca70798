// swift-tools-version: 6.2
import PackageDescription

/// The settings of every target: Swift 6 mode, strict memory safety, no warnings.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "BiometricFlow",
    products: [
        .library(name: "RPCRuntime", targets: ["RPCRuntime"]),
        .library(name: "RPCTesting", targets: ["RPCTesting"]),
        .library(name: "RPCServices", targets: ["RPCServices"]),
        .library(name: "RPCEdge", targets: ["RPCEdge"]),
        .library(name: "HTTP", targets: ["HTTP"]),
        .library(name: "Transport", targets: ["Transport"]),
        .library(name: "ZKProtocol", targets: ["ZKProtocol"]),
        .plugin(name: "RPCCodegenPlugin", targets: ["RPCCodegenPlugin"]),
        .plugin(name: "RPCCommandPlugin", targets: ["RPCCommandPlugin"]),
        .executable(name: "LocationService", targets: ["LocationService"]),
        .executable(name: "GatewayService", targets: ["GatewayService"]),
        .executable(name: "ctl", targets: ["ctl"]),
        .executable(name: "zk-simulator", targets: ["zk-simulator"]),
        .executable(name: "rpc-bench", targets: ["rpc-bench"]),
        .executable(name: "rpc-simulate", targets: ["rpc-simulate"]),
    ],
    dependencies: [],
    targets: [
        // C: headers that Swift cannot import by itself.
        .target(
            name: "COpenSSL",
            linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .target(name: "CLinux"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),

        // Libraries.
        // In the folder of the module that may be unsafe, and a module of its own, since the protocol
        // cores may import nothing that knows a system.
        .target(name: "Spans", path: "Sources/Transport/Spans", swiftSettings: strict),
        .target(
            name: "Transport", dependencies: ["COpenSSL", "CLinux", "CZlib"], exclude: ["Spans"],
            swiftSettings: strict),
        .target(name: "RPCRuntime", dependencies: ["Spans", "Transport"], swiftSettings: strict),
        .target(
            name: "RPCServices", dependencies: ["RPCRuntime", "Transport"], swiftSettings: strict,
            plugins: ["RPCCodegenPlugin"]),
        .target(
            name: "MeshAPI", dependencies: ["RPCRuntime"], path: "Schemas",
            swiftSettings: strict, plugins: ["RPCCodegenPlugin"]),
        .target(
            name: "RPCTesting", dependencies: ["RPCRuntime", "Transport"], swiftSettings: strict),
        .target(name: "ZKProtocol", dependencies: ["Transport"], swiftSettings: strict),
        .target(name: "HTTP", dependencies: ["Transport"], swiftSettings: strict),
        .target(
            name: "RPCEdge", dependencies: ["HTTP", "RPCRuntime", "Transport"],
            swiftSettings: strict),
        .target(name: "SQLite", dependencies: ["CSQLite"], swiftSettings: strict),
        .target(name: "ServiceKit", dependencies: ["Transport", "CLinux"], swiftSettings: strict),
        .target(name: "Attendance", swiftSettings: strict),

        // The schema compiler and its plugins.
        .executableTarget(name: "RPCCodegen", swiftSettings: strict),
        .plugin(
            name: "RPCCodegenPlugin", capability: .buildTool(), dependencies: ["RPCCodegen"]),
        .plugin(
            name: "RPCCommandPlugin",
            capability: .command(
                intent: .custom(
                    verb: "rpc", description: "Check, lint, format, explain and export schemas"),
                permissions: [
                    .writeToPackageDirectory(
                        reason: "`format` rewrites schemas and `emit` writes what it is told to")
                ]),
            dependencies: ["RPCCodegen"]),

        // Programs.
        .executableTarget(
            name: "LocationService",
            dependencies: [
                "MeshAPI", "RPCRuntime", "RPCServices", "Transport", "HTTP", "ZKProtocol",
                "SQLite", "ServiceKit", "Attendance",
            ], swiftSettings: strict),
        .executableTarget(
            name: "GatewayService",
            dependencies: [
                "MeshAPI", "RPCRuntime", "RPCServices", "Transport", "HTTP", "RPCEdge", "SQLite",
                "ServiceKit",
            ], swiftSettings: strict),
        .executableTarget(
            name: "ctl",
            dependencies: [
                "MeshAPI", "RPCRuntime", "RPCServices", "Transport", "HTTP", "ServiceKit",
            ], swiftSettings: strict),
        .executableTarget(
            name: "tide",
            dependencies: ["HTTP", "RPCEdge", "RPCRuntime", "RPCServices", "Transport"],
            path: "Examples/Tide", swiftSettings: strict, plugins: ["RPCCodegenPlugin"]),
        .executableTarget(
            name: "zk-simulator", dependencies: ["ZKProtocol", "Transport", "ServiceKit"],
            swiftSettings: strict),
        .executableTarget(
            name: "rpc-bench",
            dependencies: ["MeshAPI", "RPCRuntime", "Transport", "ZKProtocol", "CLinux"],
            swiftSettings: strict,
            // As with --static-swift-stdlib, which programs are to be deployed with.
            linkerSettings: [.unsafeFlags(["-static-stdlib"], .when(configuration: .release))]),
        .executableTarget(
            name: "rpc-simulate", dependencies: ["RPCTesting", "RPCRuntime", "Transport"],
            swiftSettings: strict, plugins: ["RPCCodegenPlugin"]),

        // Tests: a folder per target; what several of them need is in TestSupport.
        .target(
            name: "TestSupport", dependencies: ["Transport"], path: "Tests/TestSupport",
            swiftSettings: strict),
        .target(
            name: "TestSchemas", dependencies: ["RPCRuntime"], path: "Tests/TestSchemas",
            swiftSettings: strict, plugins: ["RPCCodegenPlugin"]),
        .testTarget(
            name: "RPCCodegenTests",
            dependencies: ["RPCCodegen", "RPCRuntime", "MeshAPI", "TestSchemas", "TestSupport"],
            exclude: ["Goldens"],
            swiftSettings: strict),
        .testTarget(
            name: "RPCRuntimeTests",
            dependencies: ["RPCRuntime", "Transport", "MeshAPI", "TestSchemas", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ConformanceTests",
            dependencies: ["RPCRuntime", "RPCTesting", "Transport", "TestSchemas", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "RPCTestingTests",
            dependencies: [
                "RPCTesting", "RPCRuntime", "Transport", "MeshAPI", "TestSupport", "rpc-simulate",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "RPCServicesTests",
            dependencies: ["RPCServices", "RPCRuntime", "Transport", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "TransportTests", dependencies: ["Spans", "Transport", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ZKProtocolTests",
            dependencies: ["ZKProtocol", "Transport", "TestSupport", "zk-simulator"],
            exclude: ["Vectors"],
            swiftSettings: strict),
        .testTarget(
            name: "HTTPTests", dependencies: ["HTTP", "Transport", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "RPCEdgeTests",
            dependencies: ["RPCEdge", "HTTP", "RPCRuntime", "Transport", "TestSchemas"],
            swiftSettings: strict),
        .testTarget(
            name: "SQLiteTests", dependencies: ["SQLite", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "ServiceKitTests", dependencies: ["ServiceKit", "Transport", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "AttendanceTests", dependencies: ["Attendance", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "LocationServiceTests",
            dependencies: [
                "LocationService", "MeshAPI", "RPCRuntime", "SQLite", "ServiceKit", "Attendance",
                "ZKProtocol", "Transport", "HTTP", "TestSupport", "zk-simulator",
            ], swiftSettings: strict),
        .testTarget(
            name: "GatewayServiceTests",
            dependencies: [
                "GatewayService", "MeshAPI", "RPCEdge", "RPCRuntime", "Transport", "HTTP", "SQLite",
                "ServiceKit", "TestSupport",
            ], swiftSettings: strict),
        .testTarget(
            name: "ctlTests",
            dependencies: [
                "ctl", "MeshAPI", "RPCRuntime", "RPCServices", "Transport", "ServiceKit",
                "TestSupport",
            ],
            swiftSettings: strict),
        // Commands through all programs at once: ctl, gateway, location, terminal.
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "LocationService", "GatewayService", "ctl", "zk-simulator", "MeshAPI", "RPCRuntime",
                "SQLite", "ServiceKit", "Attendance", "ZKProtocol", "Transport", "TestSupport",
            ], swiftSettings: strict),
        .testTarget(name: "TidyTests", dependencies: ["TestSupport"], swiftSettings: strict),
    ]
)
