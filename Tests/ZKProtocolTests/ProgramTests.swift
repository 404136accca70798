import Foundation
import TestSupport
import Testing

/// The simulator as a program of its own, on pipes; every call waits.
private final class RunningSimulator {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var buffer: [UInt8] = []

    static var path: String {
        URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appendingPathComponent("zk-simulator").path
    }

    init(_ arguments: [String]) throws {
        process.executableURL = URL(fileURLWithPath: Self.path)
        process.arguments = ["--listen", "127.0.0.1:0"] + arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    deinit {
        if process.isRunning { process.terminate() }
    }

    /// The next line; nil at the end.
    func line() -> String? {
        while true {
            if let end = buffer.firstIndex(of: 10) {
                defer { buffer.removeSubrange(...end) }
                return String(decoding: buffer[..<end], as: UTF8.self)
            }
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { return nil }
            buffer += more
        }
    }

    func ask(_ question: String) throws -> String? {
        try input.fileHandleForWriting.write(contentsOf: Data((question + "\n").utf8))
        return line()
    }

    /// The lines up to and without the one that begins with `END`.
    func dump() throws -> [String] {
        var rows: [String] = []
        var next = try ask("dump")
        while let row = next, !row.hasPrefix("END") {
            rows.append(row)
            next = line()
        }
        return rows
    }

    func signal(_ number: Int32) -> Bool { kill(process.processIdentifier, number) == 0 }

    func end() -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }
}

/// Runs what waits on a thread that may.
private func waiting<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value)
    async throws -> Value
{
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}

@Suite struct ProgramTests {
    @Test func `the program tells the truth and keeps its memory, whatever ends it`() async throws {
        try await waiting {
            let folder = try TemporaryDirectory()
            let arguments = [
                "--seed", "5", "--users", "20", "--records", "200", "--state-file",
                folder.file("state"), "--dump", folder.file("dump"),
            ]
            var program = try RunningSimulator(arguments)
            #expect(program.line()?.hasPrefix("READY 127.0.0.1:") == true)
            #expect(program.line()?.hasPrefix("SERIAL CEXA") == true)
            #expect(try program.ask("count") == "COUNT 200")
            #expect(try program.ask("punch 1003 4")?.hasPrefix("PUNCHED 1003\t") == true)
            #expect(try program.ask("punch nobody 1") == "REFUSED")
            #expect(try program.ask("punch 1003 x")?.hasPrefix("ERROR") == true)
            #expect(try program.ask("nonsense")?.hasPrefix("ERROR") == true)
            let rows = try program.dump()
            #expect(rows.count == 201)

            #expect(program.signal(SIGUSR1))
            #expect(program.line() == "DUMPED 201")
            let dumped = try String(contentsOfFile: folder.file("dump"), encoding: .utf8)
            #expect(dumped.split(separator: "\n").map(String.init) == rows)

            #expect(program.signal(SIGTERM))
            #expect(program.line() == "DUMPED 201")
            #expect(program.end() == 0)

            program = try RunningSimulator(arguments)
            _ = (program.line(), program.line())
            #expect(try program.dump() == rows)
            #expect(try program.ask("punch 1004 0 15")?.hasSuffix("\t0\t15") == true)
            #expect(program.signal(SIGKILL))
            #expect(program.end() != 0)

            program = try RunningSimulator(arguments)
            _ = (program.line(), program.line())
            let kept = try program.dump()
            #expect(kept.count == 202)
            #expect(Array(kept.prefix(201)) == rows)
        }
    }

    @Test func `live punches end at the number asked for`() async throws {
        try await waiting {
            let program = try RunningSimulator(
                ["--users", "100", "--records", "0", "--live-rate", "500", "--until", "40"])
            _ = (program.line(), program.line())
            #expect(program.line() == "DONE 40")
            let rows = try program.dump()
            #expect(rows.count == 40)
            #expect(Set(rows.map { $0.split(separator: "\t").prefix(3) }).count == 40)
        }
    }

    @Test func `the same seed makes the same device, and help and mistakes are told`() async throws
    {
        try await waiting {
            let dumps = try (0..<2).map { _ in
                let program = try RunningSimulator(["--seed", "9", "--days", "10"])
                let names = [program.line(), program.line()].dropFirst()
                return (names.map { $0 ?? "" }, try program.dump())
            }
            #expect(dumps[0] == dumps[1])
            #expect(dumps[0].1.count > 50)
            let help = try run(RunningSimulator.path, ["--help"])
            #expect(help.status == 0)
            #expect(help.standardOutput.contains("--record-format"))
            for arguments in [
                ["--records", "5", "--days", "5"], ["--zone", "Nowhere/City"], ["--frob"],
                ["--last-day", "2025-02-30"], ["--live-rate", "-1"], ["--comm-key-file", "/none"],
            ] {
                let result = try run(RunningSimulator.path, arguments)
                #expect(result.status == 2, "\(arguments)")
                #expect(result.standardError.contains(arguments[0]), "\(arguments)")
            }
            let many = try run(RunningSimulator.path, ["--users", "1", "--records", "100000"])
            #expect(many.status == 1)
            #expect(many.standardError.contains("--users"))
        }
    }
}
