// swift-tools-version: 6.2
import PackageDescription

// `scripts/bench-store` puts this manifest into a folder of its own beside links to the sources:
// there LocationService is a library, so that the benchmark runs the service's own store.

/// The settings of the product's own targets.
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
    name: "store",
    targets: [
        .target(
            name: "COpenSSL",
            linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .target(name: "CLinux"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3"),
        .target(
            name: "Transport", dependencies: ["COpenSSL", "CLinux", "CZlib"], swiftSettings: strict),
        .target(name: "RPCRuntime", dependencies: ["Transport"], swiftSettings: strict),
        .executableTarget(name: "RPCCodegen", swiftSettings: strict),
        .plugin(
            name: "RPCCodegenPlugin", capability: .buildTool(), dependencies: ["RPCCodegen"]),
        .target(
            name: "RPCServices", dependencies: ["RPCRuntime", "Transport"], swiftSettings: strict,
            plugins: ["RPCCodegenPlugin"]),
        .target(
            name: "MeshAPI", dependencies: ["RPCRuntime"], path: "Schemas",
            swiftSettings: strict, plugins: ["RPCCodegenPlugin"]),
        .target(name: "ZKProtocol", dependencies: ["Transport"], swiftSettings: strict),
        .target(name: "HTTP", dependencies: ["Transport"], swiftSettings: strict),
        .target(name: "SQLite", dependencies: ["CSQLite"], swiftSettings: strict),
        .target(name: "ServiceKit", dependencies: ["Transport", "CLinux"], swiftSettings: strict),
        .target(name: "Attendance", swiftSettings: strict),
        .target(
            name: "LocationService",
            dependencies: [
                "MeshAPI", "RPCRuntime", "RPCServices", "Transport", "ZKProtocol", "HTTP", "SQLite",
                "ServiceKit", "Attendance",
            ], exclude: ["Main.swift"], swiftSettings: strict),
        .executableTarget(
            name: "store-bench",
            dependencies: [
                "LocationService", "MeshAPI", "RPCRuntime", "SQLite", "ServiceKit", "Transport",
            ], swiftSettings: strict),
    ]
)
