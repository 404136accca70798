import Foundation
import TestSupport
import Testing

/// The rules of CONTRIBUTING.md that a program can check.
@Suite struct TidyTests {
    // MARK: - Safety

    @Test func `unsafe code is in the two modules that may have it`() throws {
        let places = try Repository.swiftSources {
            $0.isIn("Sources", "Schemas", "Plugins", "Tests")
                && !$0.isIn("Sources/Transport", "Sources/SQLite")
        }.flatMap { source in
            source.places { words(of: $0).contains("unsafe") || $0.contains("@unchecked") }
        }
        #expect(places.isEmpty, "\(places.joined(separator: "\n"))")
    }

    @Test func `each unchecked Sendable says why it is safe`() throws {
        let sources = try Repository.productSources()
        var unexplained: [String] = []
        var found = 0
        for source in sources {
            for (index, line) in source.code.enumerated()
            where line.contains("@unchecked") || line.contains("nonisolated(unsafe)") {
                found += 1
                let around = source.lines[
                    max(0, index - 8)...min(index + 6, source.lines.count - 1)]
                if !around.contains(where: { $0.contains("Safe because") }) {
                    unexplained.append("\(source.path):\(index + 1): \(line)")
                }
            }
        }
        #expect(found > 0, "the search finds nothing any more")
        #expect(unexplained.isEmpty, "\(unexplained.joined(separator: "\n"))")
    }

    @Test func `nothing is forced`() throws {
        let places = try Repository.productSources().flatMap { source in
            source.places { line in
                line.contains("try!") || line.contains("as!") || isForced(line)
                    || words(of: line).contains("fatalError")
            }
        }
        #expect(places.isEmpty, "\(places.joined(separator: "\n"))")
    }

    @Test(arguments: ["a!.b", "a[1]!", "f()!", "let x: Int! = y", "g(a!)", "a! + b"])
    func `a forced value is seen`(line: String) { #expect(isForced(line[...])) }

    @Test(arguments: ["a != b", "!a", "if !isIt {", "f(!a)", "x = !y", "[!a, !b]", "a && !b"])
    func `a negation is not forced`(line: String) { #expect(!isForced(line[...])) }

    @Test func `comments and literals are not code`() {
        let text =
            "let a = \"try! \\(f(\")\")) x\" // as!\nlet b = #\"\\(a!\"#\n/* a! /* */ b! */ c `d!`"
        let source = SwiftSource(path: "a.swift", text: text)
        #expect(source.code == ["let a = \"\"(f(\"\")) ", "let b = \"\"", " c ``"])
    }

    // MARK: - Borders between modules

    @Test func `each module imports only what the ledger allows`() throws {
        let ledger = try ImportLedger()
        var mistakes: [String] = []
        let sources = try Repository.productSources().filter { !$0.path.hasPrefix("Plugins/") }
        for source in sources {
            let target =
                source.path.hasPrefix("Schemas/")
                ? "MeshAPI" : "\(source.path.split(separator: "/")[1])"
            guard let allowed = ledger.rows[target] else {
                mistakes.append("ARCHITECTURE.md has no row for \(target) (\(source.path))")
                continue
            }
            for module in source.imports.subtracting(allowed).sorted() {
                mistakes.append("\(source.path) imports \(module)")
            }
        }
        #expect(mistakes.isEmpty, "\(mistakes.joined(separator: "\n"))")
    }

    @Test func `the ledger has no row that is of no target`() throws {
        for target in try ImportLedger().rows.keys where target != "MeshAPI" {
            #expect(
                FileManager.default.fileExists(atPath: "\(repositoryRoot)/Sources/\(target)"),
                "\(target)")
        }
    }

    @Test func `the protocol cores import no system and no clock`() throws {
        let folders =
            ["Codec", "JSON", "Wire", "Connection", "Schema"].map { "Sources/RPCRuntime/\($0)/" }
            + ["Sources/ZKProtocol/Codec/"]
        let sources = try Repository.productSources()
        for folder in folders {
            let pure = sources.filter { $0.path.hasPrefix(folder) }
            #expect(!pure.isEmpty, "there is no \(folder)")
            for source in pure {
                let allowed: Set = ["Spans", "Synchronization"]
                #expect(source.imports.isSubset(of: allowed), "\(source.path)")
                let impure = source.places { line in
                    let words = words(of: line)
                    return words.contains("async") || words.contains("ContinuousClock")
                        || words.contains("Task")
                }
                #expect(impure.isEmpty, "\(impure.joined(separator: "\n"))")
            }
        }
    }

    @Test func `there are no package dependencies`() throws {
        let manifest = try String(
            contentsOfFile: "\(repositoryRoot)/Package.swift", encoding: .utf8)
        #expect(manifest.contains("    dependencies: [],\n"))
        #expect(!manifest.contains(".package("))
    }

    // MARK: - The repository

    @Test func `no private key is tracked`() throws {
        for file in try Repository.files() {
            #expect(!file.path.hasSuffix(".key") && !file.path.hasSuffix(".p12"), "\(file)")
            // Split, so that this file does not hold what it looks for.
            #expect(file.text?.contains("PRIVATE " + "KEY-----") != true, "\(file)")
        }
    }

    @Test func `no file names a folder of somebody's machine`() throws {
        let folders = ["work", "home", "Users"].map { "/" + $0 + "/" } + ["/tmp" + "/wt"]
        for file in try Repository.files() {
            guard let text = file.text else { continue }
            for folder in folders {
                #expect(!names(folder, in: text), "\(file) names \(folder)")
            }
        }
    }

    @Test func `every program of scripts and certs can be run`() throws {
        let programs = try Repository.files().filter { file in
            file.isIn("scripts", "certs", ".ci") && file.text?.hasPrefix("#!") == true
        }
        #expect(programs.count >= 3)
        for program in programs { #expect(program.isExecutable, "\(program)") }
    }

    @Test func `every link and path in a document leads to a file`() throws {
        for file in try Repository.files() where file.path.hasSuffix(".md") {
            let folder =
                "\(repositoryRoot)/"
                + file.path.split(separator: "/").dropLast()
                .map { $0 + "/" }.joined()
            let text = try #require(file.text)
            for link in text.matches(of: /\]\(([^)#\s]+)[^)]*\)/).map(\.output.1)
            where !link.contains("://") {
                #expect(FileManager.default.fileExists(atPath: folder + link), "\(file): \(link)")
            }
            let paths = /`((?:Sources|Tests|Schemas|scripts|docs|config)\/[A-Za-z0-9_.+\/-]*)`/
            for path in text.matches(of: paths).map(\.output.1) {
                #expect(
                    FileManager.default.fileExists(atPath: "\(repositoryRoot)/\(path)"),
                    "\(file): \(path)")
            }
        }
    }

    @Test func `every test that docs/ZK.md names is there`() throws {
        let files = try Repository.files()
        let document = try #require(files.first { $0.path == "docs/ZK.md" }?.text)
        let tests = Set(
            try Repository.swiftSources { $0.isIn("Tests") }.flatMap { source in
                source.lines.compactMap { line -> Substring? in
                    guard let start = line.firstRange(of: "func `") else { return nil }
                    return line[start.upperBound...].prefix { $0 != "`" }
                }
            }.map(String.init))
        var named = 0
        for row in document.split(separator: "\n") where row.hasPrefix("| ") {
            let columns = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard columns.count == 3, Int(columns[0]) != nil else { continue }
            // Sentences between backticks; a single word is a script.
            for name in columns[2].split(separator: "`").filter({ $0.contains(" ") })
            where name != ", " {
                named += 1
                #expect(tests.contains(String(name)), "complaint \(columns[0]): \(name)")
            }
        }
        #expect(named > 50)
    }

    @Test func `every method of the schemas names its roles`() throws {
        let schemas = try Repository.files().filter {
            $0.isIn("Schemas", "Sources") && $0.path.hasSuffix(".rpc")
        }
        #expect(!schemas.isEmpty)
        for schema in schemas {
            let code = try #require(schema.text).split(separator: "\n")
                .filter { !$0.contains("///") }.joined(separator: "\n")
            for method in code.split(separator: ") ->").dropFirst() {
                let annotations = method.prefix { $0 != "}" }
                #expect(annotations.contains("role "), "\(schema): \(annotations)")
                #expect(annotations.contains("deadline "), "\(schema): \(annotations)")
            }
        }
    }
}

private func words(of line: Substring) -> [Substring] {
    line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
}

/// Whether a `!` stands behind a value or a type rather than before one.
private func isForced(_ line: Substring) -> Bool {
    var before: Character = " "
    var rest = line
    while let character = rest.popFirst() {
        defer { before = character }
        guard character == "!", rest.first != "=" else { continue }
        if before.isLetter || before.isNumber || "_)]}?\"`".contains(before) { return true }
    }
    return false
}

/// Whether the text has this absolute path, and not only one that ends like it.
private func names(_ folder: String, in text: String) -> Bool {
    text.ranges(of: folder).contains { range in
        guard range.lowerBound > text.startIndex else { return true }
        let before = text[text.index(before: range.lowerBound)]
        return !(before.isLetter || before.isNumber || "._-}$*".contains(before))
    }
}
