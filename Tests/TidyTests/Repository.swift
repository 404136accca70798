import Foundation
import TestSupport

/// A file that git tracks.
struct TrackedFile: Sendable, CustomStringConvertible {
    /// Relative to the repository's root.
    let path: String
    let isExecutable: Bool

    var description: String { path }

    func isIn(_ folders: String...) -> Bool { folders.contains { path.hasPrefix($0 + "/") } }

    /// Nil when the file is not text, or was deleted and is not yet committed.
    var text: String? {
        try? String(contentsOfFile: "\(repositoryRoot)/\(path)", encoding: .utf8)
    }
}

/// What is in this repository.
enum Repository {
    static func files() throws -> [TrackedFile] {
        let result = try run(
            "/usr/bin/env", ["git", "-C", repositoryRoot, "ls-files", "--stage", "-z"])
        guard result.status == 0 else {
            throw ProcessFailure(description: "git ls-files: \(result.standardError)")
        }
        return result.standardOutput.split(separator: "\0").compactMap { row in
            // MODE OBJECT STAGE<TAB>PATH
            guard let tab = row.firstIndex(of: "\t") else { return nil }
            return TrackedFile(
                path: String(row[row.index(after: tab)...]), isExecutable: row.hasPrefix("100755"))
        }
    }

    /// The Swift files of the product: no tests.
    static func productSources() throws -> [SwiftSource] {
        try swiftSources { $0.isIn("Sources", "Schemas", "Plugins") }
    }

    static func swiftSources(where isWanted: (TrackedFile) -> Bool) throws -> [SwiftSource] {
        try files().filter { $0.path.hasSuffix(".swift") && isWanted($0) }.compactMap { file in
            file.text.map { SwiftSource(path: file.path, text: $0) }
        }
    }
}
