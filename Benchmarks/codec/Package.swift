// swift-tools-version: 6.2
import PackageDescription

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
    name: "codec",
    dependencies: [
        .package(name: "BiometricFlow", path: "../.."),
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
    ],
    targets: [
        .target(name: "Harness", swiftSettings: strict),
        .executableTarget(
            name: "Ours",
            dependencies: ["Harness", .product(name: "RPCRuntime", package: "BiometricFlow")],
            swiftSettings: strict,
            plugins: [.plugin(name: "RPCCodegenPlugin", package: "BiometricFlow")]),
        // The folder Generated is made by the script `build`.
        .executableTarget(
            name: "SwiftProtobufSide",
            dependencies: [
                "Harness", .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ], swiftSettings: [.swiftLanguageMode(.v6)]),
        .executableTarget(
            name: "FoundationSide", dependencies: ["Harness"], swiftSettings: strict),
    ]
)
