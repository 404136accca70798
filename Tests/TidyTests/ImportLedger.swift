import Foundation
import TestSupport

/// The table `| Target | May import |` of ARCHITECTURE.md.
struct ImportLedger {
    private(set) var rows: [String: Set<String>] = [:]

    init() throws {
        let text = try String(contentsOfFile: "\(repositoryRoot)/ARCHITECTURE.md", encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let head = lines.firstIndex(where: { $0.hasPrefix("| Target | May import |") }) else {
            throw ProcessFailure(description: "ARCHITECTURE.md has no table of imports")
        }
        for line in lines[(head + 1)...].dropFirst().prefix(while: { $0.hasPrefix("|") }) {
            let cells = line.split(separator: "|").map(Self.names)
            guard cells.count >= 2 else { continue }
            for target in cells[0] { rows[target] = Set(cells[1]) }
        }
    }

    /// The words in a cell, without marks.
    private static func names(in cell: Substring) -> [String] {
        cell.split { !($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }.map { "\($0)" }
    }
}
