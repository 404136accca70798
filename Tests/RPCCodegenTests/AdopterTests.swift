import Foundation
import TestSupport
import Testing

@testable import RPCCodegen

/// A package of somebody else's that uses the runtime and the plugins, built for real.
///
/// It lives in `.build/adopter`, so that a second run finds the runtime built; all tests use it.
@Suite(.serialized) struct AdopterTests {
    private let folder = "\(repositoryRoot)/.build/adopter"
    private var sources: String { "\(folder)/Sources/Adopter" }

    private func write(_ path: String, _ text: String) throws {
        let url = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: url, atomically: true, encoding: .utf8)
    }

    private func build() async throws -> ProcessResult {
        try await run(
            "/usr/bin/env",
            ["swift", "build", "--package-path", folder, "--disable-index-store"])
    }

    /// Builds and runs the program; returns what it prints.
    private func output() async throws -> String {
        let built = try await build()
        try #require(built.status == 0, "\(built.standardOutput)\(built.standardError)")
        return try await run("\(folder)/.build/debug/Adopter", []).standardOutput
    }

    private struct Output: Equatable {
        var bytes: Data
        var modified: Date
    }

    private func generated() throws -> [String: Output] {
        let outputs = URL(fileURLWithPath: "\(folder)/.build/plugins/outputs/adopter")
        var found: [String: Output] = [:]
        let files = FileManager.default.enumerator(
            at: outputs, includingPropertiesForKeys: [.contentModificationDateKey])
        while let url = files?.nextObject() as? URL {
            guard url.pathExtension == "swift" else { continue }
            let modified = try url.resourceValues(forKeys: [.contentModificationDateKey])
            found[url.lastPathComponent] = Output(
                bytes: try Data(contentsOf: url),
                modified: try #require(modified.contentModificationDate))
        }
        return found
    }

    private func start() throws {
        // What an earlier run left: SwiftPM keeps the output of a schema that is gone.
        for left in ["Sources", ".build/plugins/outputs/adopter"] {
            try? FileManager.default.removeItem(atPath: "\(folder)/\(left)")
        }
        let name = URL(fileURLWithPath: repositoryRoot).lastPathComponent
        try write(
            "\(folder)/Package.swift",
            """
            // swift-tools-version: 6.2
            import PackageDescription

            let package = Package(
                name: "Adopter",
                dependencies: [.package(path: "\(repositoryRoot)")],
                targets: [
                    .executableTarget(
                        name: "Adopter",
                        dependencies: [.product(name: "RPCRuntime", package: "\(name)")],
                        swiftSettings: [
                            .enableUpcomingFeature("InternalImportsByDefault"),
                            .treatAllWarnings(as: .error),
                        ],
                        plugins: [.plugin(name: "RPCCodegenPlugin", package: "\(name)")])
                ])
            """)
        try write("\(sources)/time/hour.rpc", "package t.v1\nmessage Hour { number: uint32 = 1 }\n")
        try write(
            "\(sources)/clock.rpc",
            """
            package t.v1
            import "time/hour.rpc"
            message Clock { hour: Hour = 1 }
            service Clocks {
                read(Hour) -> Clock { deadline 1s, role ctl }
            }
            """)
        try write("\(sources)/apart.rpc", "package t.v1\nmessage Apart {}\n")
        try write("\(sources)/main.swift", "print(Clock(hour: Hour(number: 7)).encoded())\n")
    }

    @Test func `adding, editing and deleting a schema rebuilds what it must`() async throws {
        try start()
        #expect(try await output() == "[10, 2, 8, 7]\n")
        let first = try generated()
        #expect(
            first.keys.sorted() == [
                "SchemaCatalog.swift", "apart.rpc.swift", "clock.rpc.swift",
                "time+hour.rpc.swift",
            ])

        // An edit in an imported schema reaches the importer too: its service's fingerprint.
        try write(
            "\(sources)/time/hour.rpc",
            "package t.v1\nmessage Hour { number: uint32 = 1\nname: string = 2 }\n")
        try write(
            "\(sources)/main.swift", "print(Clock(hour: Hour(name: \"x\")).encoded())\n")
        #expect(try await output() == "[10, 3, 18, 1, 120]\n")
        let edited = try generated()
        #expect(edited["time+hour.rpc.swift"] != first["time+hour.rpc.swift"])
        #expect(edited["clock.rpc.swift"]?.bytes != first["clock.rpc.swift"]?.bytes)
        #expect(edited["apart.rpc.swift"] == first["apart.rpc.swift"])
        #expect(edited["SchemaCatalog.swift"] == first["SchemaCatalog.swift"])

        try write("\(sources)/added.rpc", "package t.v1\nmessage Added { yes: bool = 1 }\n")
        try write("\(sources)/main.swift", "print(Added(yes: true).encoded())\n")
        #expect(try await output() == "[8, 1]\n")
        let added = try generated()
        for name in ["apart.rpc.swift", "clock.rpc.swift", "time+hour.rpc.swift"] {
            #expect(added[name] == edited[name])
        }

        try FileManager.default.removeItem(atPath: "\(sources)/added.rpc")
        try write("\(sources)/main.swift", "print(SchemaCatalog.messages.count)\n")
        #expect(try await output() == "3\n")

        // A lock beside the schemas is checked, and no file that SwiftPM wonders about.
        #expect(try Program.run(Arguments(["lock", sources]), print: { _ in }) == 0)
        let locked = try await build()
        #expect(locked.status == 0 && !locked.standardError.contains("unhandled"))
        let hour = "package t.v1\nmessage Hour { number: string = 1\nname: string = 2 }\n"
        try write("\(sources)/time/hour.rpc", hour)
        let broken = try await build()
        #expect(broken.status != 0)
        #expect(
            (broken.standardOutput + broken.standardError).contains(
                "\(sources)/time/hour.rpc:2:24: error: field 1 of `Hour` was `number: uint32`"))
        try write(
            "\(sources)/time/hour.rpc", hour.replacing("number: string", with: "number: uint32"))
        #expect(try await output() == "3\n")

        // What is wrong in a schema fails the build and is found there.
        try write(
            "\(sources)/clock.rpc",
            """
            package t.v1
            import "time/hour.rpc"
            message Clock { hour: Hour = 1 }
            service Clocks {
                read(Hour) -> Clock { deadline 1s }
            }
            """)
        let failed = try await build()
        #expect(failed.status != 0)
        let report = failed.standardOutput + failed.standardError
        #expect(
            report.contains("\(sources)/clock.rpc:5:5: error: `read` has no role"), "\(report)")
        #expect(report.contains("    read(Hour) -> Clock { deadline 1s }\n    ^~~~"), "\(report)")
    }

    /// `swift package rpc …`, which may write to the package where `writes` says so.
    private func rpc(_ arguments: String..., writes: Bool = true) async throws -> ProcessResult {
        let permission = writes ? ["--allow-writing-to-package-directory"] : []
        return try await run(
            "/usr/bin/env",
            ["swift", "package", "--package-path", folder] + permission + ["rpc"] + arguments)
    }

    private func text(_ path: String) throws -> String {
        try String(contentsOfFile: path, encoding: .utf8)
    }

    @Test func `the command plugin works on the schemas of all targets`() async throws {
        try start()
        let checked = try await rpc("check")
        #expect(checked.status == 0, "\(checked.standardOutput)\(checked.standardError)")

        let linted = try await rpc("lint", "--target", "Adopter", "--allow", "LINT001,LINT005")
        #expect(linted.status != 0)
        let warning = "/clock.rpc:3:9: warning: `Clock` has no documentation [LINT004]"
        #expect(linted.standardOutput.contains("\(sources)\(warning)"), "\(linted)")

        #expect(try await rpc("format", "--check").status != 0)
        #expect(try text("\(sources)/apart.rpc") == "package t.v1\nmessage Apart {}\n")
        #expect(try await rpc("format").status == 0)
        #expect(try text("\(sources)/apart.rpc") == "package t.v1\n\nmessage Apart {}\n")
        #expect(try await rpc("format", "--check").status == 0)

        let page = "\(folder)/page.md"
        #expect(try await rpc("emit", "markdown", "--output", page).status == 0)
        #expect(try text(page).contains("### Service `Clocks`"))

        let explained = try await rpc("explain", "LINT004")
        #expect(explained.standardOutput.hasPrefix("LINT004\n"), "\(explained)")

        let wrong = try await rpc("fromat")
        #expect(wrong.status != 0)
        #expect("\(wrong)".contains("did you mean `format`?"), "\(wrong)")
        #expect("\(try await rpc("lint", "--target", "Nobody"))".contains("Nobody"))

        // Nothing is written without the reader's leave.
        let refused = try await rpc("format", writes: false)
        #expect(refused.status != 0)
        #expect("\(refused)".contains("--allow-writing-to-package-directory"), "\(refused)")
    }
}
