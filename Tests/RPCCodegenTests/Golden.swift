import Foundation
import Synchronization
import TestSupport
import Testing

/// A file of inputs and what is expected of them, each part behind a line of dashes.
///
/// With `UPDATE_GOLDEN=1` in the environment, what a test finds is written into the file.
struct Golden {
    private static let dashes = "-----"
    private static let updating = Mutex(())

    private let path: String
    let parts: [String]

    init(_ name: String) throws {
        try self.init(path: "\(repositoryRoot)/Tests/RPCCodegenTests/Goldens/\(name).golden")
    }

    private init(path: String) throws {
        self.path = path
        parts = try String(contentsOfFile: path, encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            .split(separator: Self.dashes[...], omittingEmptySubsequences: false)
            .map { $0.map { $0 + "\n" }.joined() }
    }

    /// Compares a part with a text, which ends with a new line.
    func check(_ index: Int, _ text: String) throws {
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
            // Another test may have written another part.
            try Self.updating.withLock { _ in
                var parts = try Golden(path: path).parts
                parts[index] = text
                try parts.joined(separator: Self.dashes + "\n")
                    .write(toFile: path, atomically: true, encoding: .utf8)
            }
            return
        }
        #expect(parts[index] == text, "UPDATE_GOLDEN=1 rewrites \(path)")
    }
}
