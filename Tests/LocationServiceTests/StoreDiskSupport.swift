import Foundation
import MeshAPI
import RPCRuntime
import SQLite
import ServiceKit
import Synchronization
import TestSupport
import Testing
import Transport

@testable import LocationService

/// Runs a program; nil where there is none, its output where it succeeded.
func run(_ program: String, _ arguments: String...) throws -> String? {
    guard FileManager.default.isExecutableFile(atPath: program) else { return nil }
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = String(
        decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return process.terminationStatus == 0 ? text : nil
}

/// What the command-line tool of SQLite says to a question about a file; nil where it is missing.
func judge(_ path: String, _ sql: String) throws -> String? {
    try run("/usr/bin/sqlite3", path, sql)?.trimmingCharacters(in: .whitespacesAndNewlines)
}

/// A file system of its own with a few MiB, where the tests may mount one.
final class SmallDisk: Sendable {
    let path: String
    private let directory: TemporaryDirectory

    init?(megabytes: Int) throws {
        directory = try TemporaryDirectory()
        path = directory.path
        guard
            try run(
                "/usr/bin/mount", "-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", path) != nil
        else { return nil }
    }

    func file(_ name: String) -> String { directory.file(name) }

    /// Leaves no room for anything.
    func fill() throws {
        let filler = file("filler")
        _ = FileManager.default.createFile(atPath: filler, contents: nil)
        let handle = try FileHandle(forUpdating: URL(filePath: filler))
        try handle.seekToEnd()
        for count in [1 << 16, 1 << 12] {
            while (try? handle.write(contentsOf: Data(count: count))) != nil {}
        }
        try handle.close()
    }

    func makeRoom() throws { try FileManager.default.removeItem(atPath: file("filler")) }

    /// Lets nobody write any more, or again; no file may be open for writing.
    func remount(_ mode: String) throws -> Bool {
        try run("/usr/bin/mount", "-o", "remount,\(mode)", path) != nil
    }

    deinit { _ = try? run("/usr/bin/umount", "-l", path) }
}

/// Keeps the lines of a log.
final class LogLines: Sendable {
    private let lines = Lock<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    var logger: Logger {
        Logger(
            level: .debug, now: { (0, 0) },
            write: { line in self.lines.withLock { $0.append(line) } })
    }

    func count(_ text: String) -> Int { all.count { $0.contains(text) } }
}

extension LocationStore {
    /// Asks the store's own connection.
    func ask(_ sql: String) throws -> Value? { try database.first(sql) }
    func execute(_ sql: String) throws { try database.execute(sql) }
}

/// Punches that nobody else has, a thousand at a time.
func batch(_ number: Int, count: Int = 1000) -> [Punch] {
    (0..<count).map { index in
        punch("\(number)-\(index)-\(String(repeating: "x", count: 24))")
    }
}
