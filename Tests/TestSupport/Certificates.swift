import Foundation

/// The repository this file is in.
public let repositoryRoot = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

/// A throw-away CA with certificates, made by `certs/make-certs`.
public final class Certificates: Sendable {
    private let directory: TemporaryDirectory

    /// Makes a CA and a certificate for each identity, such as `location/cairo`.
    public init(_ identities: [String], expired: [String] = []) throws {
        directory = try TemporaryDirectory()
        try make(identities, days: "30")
        if !expired.isEmpty { try make(expired, days: "-1") }
    }

    private func make(_ identities: [String], days: String) throws {
        let result = try run(
            "\(repositoryRoot)/certs/make-certs", [directory.path] + identities,
            environment: ["DAYS": days])
        guard result.status == 0 else {
            throw ProcessFailure(description: "make-certs failed: \(result.standardError)")
        }
    }

    public var folder: String { directory.path }
    public var ca: String { directory.file("ca.pem") }
    public func certificate(_ identity: String) -> String {
        directory.file(identity.replacing("/", with: "-") + ".pem")
    }
    public func key(_ identity: String) -> String {
        directory.file(identity.replacing("/", with: "-") + ".key")
    }
}

public struct ProcessFailure: Error, CustomStringConvertible {
    public let description: String
    public init(description: String) { self.description = description }
}

/// What a program printed, and how it ended.
public struct ProcessResult: Sendable {
    public let status: Int32
    public let standardOutput: String
    public let standardError: String
}

/// Runs a program to its end.
public func run(
    _ path: String, _ arguments: [String], environment: [String: String] = [:],
    input: String? = nil
) throws -> ProcessResult {
    let folder = try TemporaryDirectory()
    let files = ["in", "out", "err"].map { folder.file($0) }
    try (input ?? "").write(toFile: files[0], atomically: false, encoding: .utf8)
    for file in files.dropFirst() {
        _ = FileManager.default.createFile(atPath: file, contents: nil)
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: files[0]))
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: files[1]))
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: files[2]))
    try process.run()
    process.waitUntilExit()
    return ProcessResult(
        status: process.terminationStatus,
        standardOutput: try String(contentsOfFile: files[1], encoding: .utf8),
        standardError: try String(contentsOfFile: files[2], encoding: .utf8))
}

/// Runs a program to its end on a thread of its own, so that no thread of the tests' pool is held:
/// two that wait for a server in this process would keep it from answering.
public func run(
    _ path: String, _ arguments: [String], environment: [String: String] = [:],
    input: String? = nil
) async throws -> ProcessResult {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread {
            let runInPlace: () throws -> ProcessResult = {
                try run(path, arguments, environment: environment, input: input)
            }
            continuation.resume(with: Result(catching: runInPlace))
        }
    }
}
