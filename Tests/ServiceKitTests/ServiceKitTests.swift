import Foundation
import Synchronization
import Testing
import Transport

@testable import ServiceKit

/// A folder that goes away with the test; its name has what names of folders may have.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "kit \(UUID()) ü%20")
        .path(percentEncoded: false)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
}

func withConfiguration<Result>(
    _ text: String, environment: [String: String] = [:],
    _ body: (Configuration) throws -> Result
) throws -> Result {
    try withFolder { (folder: String) throws in
        let file = folder + "/test.json5"
        try Data(text.utf8).write(to: URL(filePath: file))
        return try body(
            try Configuration(file: file, environment: environment, prefix: "TEST"))
    }
}

@Suite struct ConfigurationTests {
    @Test func `the environment goes over the file and the file over the default`() throws {
        let text = """
            // Comments are allowed.
            { name: 'cairo', pollSeconds: 30, tls: { keyFile: "a.pem", }, }
            """
        let environment = ["TEST_POLL_SECONDS": "45", "TEST_TLS_KEY_FILE": "/b.pem"]
        try withConfiguration(text, environment: environment) { (root: Configuration) throws in
            #expect(try root.string("name") == "cairo")
            #expect(try root.integer("pollSeconds", default: 60, in: 1...100) == 45)
            #expect(try root.integer("other", default: 7, in: 1...100) == 7)
            #expect(try root.section("tls").path("keyFile") == "/b.pem")
            try root.finish()
        }
    }

    @Test func `an unknown key is refused with its name, its file and the nearest known key`()
        throws
    {
        try withConfiguration("{ devices: [{ name: 'a', adress: 'x' }] }") {
            (root: Configuration) throws in
            for device in try root.sections("devices") {
                _ = try device.string("name")
                _ = try device.optionalString("address")
            }
            let error = try #require(throws: ConfigurationError.self) { try root.finish() }
            #expect(error.message.contains("`devices[0].adress`"))
            #expect(error.message.contains(root.origin))
            #expect(error.message.contains("did you mean `address`?"))
        }
    }

    @Test func `an unknown variable with the program's prefix is refused`() throws {
        try withConfiguration("{}", environment: ["TEST_LOGLEVEL": "debug", "PATH": "/"]) {
            (root: Configuration) throws in
            _ = try root.choice("logLevel", default: Logger.Level.info)
            let error = try #require(throws: ConfigurationError.self) { try root.finish() }
            #expect(error.message.contains("`TEST_LOGLEVEL`; did you mean `TEST_LOG_LEVEL`?"))
        }
    }

    @Test func `a value of the wrong kind or out of range is named with what is allowed`() throws {
        let text = "{ port: 'x', n: 900, level: 'waring', list: [1], flag: 'true', empty: '' }"
        try withConfiguration(text, environment: ["TEST_M": "ten"]) {
            (root: Configuration) throws in
            func message(_ body: () throws -> Void) throws -> String {
                try #require(throws: ConfigurationError.self, performing: body).message
            }
            #expect(try message { _ = try root.integer("port", in: 1...2) }.contains("a string"))
            #expect(try message { _ = try root.integer("n", in: 1...2) }.contains("1 to 2"))
            #expect(try message { _ = try root.integer("m", in: 1...2) }.contains("environment"))
            #expect(
                try message { _ = try root.choice("level", default: Logger.Level.info) }
                    .contains("did you mean `warning`?"))
            #expect(try message { _ = try root.strings("list") }.contains("an integer"))
            #expect(try message { _ = try root.boolean("flag", default: false) }.contains("true"))
            #expect(try message { _ = try root.string("empty") }.contains("is empty"))
            #expect(try message { _ = try root.string("none") }.contains("TEST_NONE"))
            #expect(try message { _ = try root.section("n") }.contains("an object"))
        }
    }

    @Test func `a list comes from the environment as JSON5`() throws {
        try withConfiguration("{}", environment: ["TEST_GATEWAYS": "['a', 'b']"]) {
            (root: Configuration) throws in
            #expect(try root.strings("gateways") == ["a", "b"])
            try root.finish()
        }
    }

    @Test func `a file that is not JSON5 is refused by name`() throws {
        let error = try #require(throws: ConfigurationError.self) {
            try withConfiguration("{ name: }\n") { _ in }
        }
        #expect(error.message.contains("test.json5:1:9: `}` where a value is wanted"))
        #expect(throws: ConfigurationError.self) { try withConfiguration("[1]") { _ in } }
        let missing = try #require(throws: ConfigurationError.self) {
            try Configuration(file: "/nonexistent.json5", environment: [:], prefix: "TEST")
        }
        #expect(missing.message.contains("/nonexistent.json5: no such file"))
    }

    @Test func `relative paths start at the file's folder`() throws {
        try withConfiguration("{ store: 'data/store.db' }") { (root: Configuration) throws in
            let folder = (root.origin as NSString).deletingLastPathComponent
            #expect(try root.path("store") == folder + "/data/store.db")
        }
    }

    @Test func `a secret that others can read is refused with the remedy`() throws {
        try withFolder { (folder: String) throws in
            let path = folder + "/key"
            try Data("s3cret\n".utf8).write(to: URL(filePath: path))
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
            let error = try #require(throws: ConfigurationError.self) {
                try Secret.read(path: path)
            }
            #expect(error.message.contains("0640") && error.message.contains("chmod 600 \(path)"))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
            let secret = try Secret.read(path: path)
            #expect(secret.revealText() == "s3cret")
            #expect("\(secret)" == "<secret>" && String(reflecting: secret) == "<secret>")
            var dumped = ""
            dump(secret, to: &dumped)
            #expect(!dumped.contains("115"))
            try Data(count: 65_537).write(to: URL(filePath: path))
            #expect(throws: ConfigurationError.self) { try Secret.read(path: path) }
        }
    }
}

@Suite struct JSON5ScannerTests {
    private func problem(_ text: String) throws -> String {
        try #require(throws: ConfigurationError.self) {
            _ = try JSONValue.parse(Data(text.utf8), from: "f")
        }.message
    }

    @Test(arguments: [
        ("{\n a: 1\n b: 2 }", "f:3:2: `b` where `,` or `}` is wanted"),
        ("{ a 1 }", "f:1:5: `1` where `:` is wanted"),
        ("{ a: 'x }", "f:1:6: this text has no closing quote"),
        ("{ a: [1, 2 }", "f:1:12: `}` where `,` or `]` is wanted"),
        ("{ a: 1", "f:1:7: the text ends where `,` or `}` is wanted"),
        ("{ a: yes }", "f:1:6: `yes` is no value: is it a text without quotes?"),
        ("{ é: ? }", "f:1:6: `?` where a value is wanted"),
        ("{} /* x", "f:1:4: this comment has no end"), ("{} {}", "f:1:4: more behind the end"),
        ("", "f:1:1: the text ends where a value is wanted"),
        ("{ a: 1, 'b': 2,\n a: 3 }", "f:2:2: the key `a` stands twice"),
    ])
    func `a mistake has a place`(text: String, message: String) throws {
        #expect(try problem(text) == message)
    }

    @Test(arguments: [
        "{}", "[]", "null", "// c\n{ a: +1.5e3, 'b': .5, \"c\": -0x1F, d: [1,], e: NaN, }",
        "{ /* * */ a: 'it\\'s', $_x: {a: 1}, y: [{a: 1}, {a: 2}] }",
    ])
    func `what the decoder takes is taken`(text: String) throws {
        _ = try JSONValue.parse(Data(text.utf8), from: "f")
    }

    @Test func `no text makes the scanner fail, however it is cut or changed`() {
        let text = Array("{ a: [1, 'x\\'y', { b: -2.5e3 }], /* c */ \"d\": true, } // e".utf8)
        for end in 0...text.count {
            _ = try? JSON5Scanner.scan(Array(text[..<end]))
            for byte in [0x00, 0x2F, 0x5C, 0x22, 0x27, 0x7B, 0x5D, 0xC3, 0xFF] as [UInt8]
            where end < text.count {
                var changed = text
                changed[end] = byte
                _ = try? JSON5Scanner.scan(changed)
            }
        }
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
        #expect(throws: JSON5Scanner.Problem.self) { try JSON5Scanner.scan(deep) }
    }
}

@Suite struct SignalTests {
    @Test func `a caught signal comes out of the stream`() async {
        var signals = Signal.stream(of: [.user1]).makeAsyncIterator()
        kill(getpid(), SIGUSR1)
        #expect(await signals.next() == .user1)
    }
}

@Suite struct CommandTests {
    let ctl = Command(
        "ctl", summary: "Operates a mesh.",
        options: [
            CommandOption(
                "--output", "-o", value: "FORMAT", help: "How to print.",
                choices: ["table", "json", "csv"]),
            CommandOption("--quiet", help: "Say less."),
        ],
        commands: [
            Command(
                "location", summary: "Locations.",
                commands: [Command("list", summary: "Lists them.", examples: ["ctl location list"])]
            ),
            Command(
                "read", summary: "Reads a device.",
                options: [CommandOption("--tag", value: "T", help: "A tag.", isRepeatable: true)],
                operands: ["HOST:PORT", "FILE"], operandsRequired: 1),
        ])

    @Test func `options stand anywhere, with a space or an equals sign`() throws {
        let one = try ctl.parse(["-o", "json", "location", "list", "--quiet"])
        #expect(one.commands == ["location", "list"])
        #expect(one.value("--output") == "json" && one.flag("--quiet"))
        let two = try ctl.parse(["read", "--tag=a=b", "h:1", "--tag", "c", "--", "--file"])
        #expect(two.values("--tag") == ["a=b", "c"])
        #expect(two.operands == ["h:1", "--file"])
        #expect(!two.flag("--quiet"))
    }

    @Test(arguments: [
        (["locaton"], "did you mean `location`?"), (["location"], "needs a command: list"),
        (["location", "list", "x"], "does not take `x`"), (["read"], "needs HOST:PORT"),
        (["read", "--tga", "x"], "did you mean `--tag`?"),
        (["read", "h", "--tag"], "needs a value"),
        (["read", "h", "--quiet=1"], "takes no value"),
        (["read", "h", "-o", "jsn"], "did you mean `json`?"),
        (["-o", "csv", "-o", "csv", "read", "h"], "more than once"),
    ])
    func `a mistake is named with a way out`(arguments: [String], words: String) throws {
        let error = try #require(throws: UsageError.self) { try ctl.parse(arguments) }
        #expect(error.message.contains(words))
    }

    @Test func `help exists at every command and names its options and examples`() throws {
        #expect(try #require(try ctl.parse(["--help"]).help).contains("location"))
        let list = try #require(try ctl.parse(["location", "list", "-h"]).help)
        #expect(list.contains("Usage: ctl location list [OPTIONS]"))
        #expect(list.contains("--output, -o FORMAT") && list.contains("table, json, csv"))
        #expect(list.contains("  ctl location list\n"))
        let read = try #require(try ctl.parse(["read", "--help"]).help)
        #expect(read.contains("ctl read HOST:PORT [FILE] [OPTIONS]"))
    }

    @Test func `a number out of range is refused`() throws {
        let command = Command(
            "x", summary: "", options: [CommandOption("--n", value: "N", help: "")])
        #expect(try command.parse(["--n", "7"]).integer("--n", default: 1, in: 1...9) == 7)
        #expect(try command.parse([]).integer("--n", default: 1, in: 1...9) == 1)
        for text in ["10", "x", "", "99999999999999999999"] {
            #expect(throws: UsageError.self) {
                try command.parse(["--n", text]).integer("--n", default: 1, in: 1...9)
            }
        }
    }
}

@Suite struct LoggerTests {
    private func lines(
        _ format: Logger.Format, level: Logger.Level = .info, _ body: (Logger) -> Void
    ) -> [String] {
        final class Lines: Sendable { let all = Lock<[String]>([]) }
        let lines = Lines()
        body(
            Logger(level: level, format: format, now: { (1_736_186_531, 204_999_000) }) { line in
                lines.all.withLock { $0.append(line) }
            })
        return lines.all.withLock { $0 }
    }

    @Test func `a line has time, level, message and fields`() {
        let lines = lines(.text) { log in
            log.with(["device": "CK1"]).info("device online", ["records": 5, "name": "front door"])
        }
        #expect(
            lines == [
                "2025-01-06T18:02:11.204Z info device online device=CK1 records=5 "
                    + "name=\"front door\"\n"
            ])
    }

    @Test func `a line below the level is not made`() {
        let lines = lines(.text, level: .warning) { log in
            log.info("quiet")
            log.error("loud")
        }
        #expect(lines.count == 1)
    }

    @Test func `no value can forge a line or move the cursor`() {
        let evil = "a\n2025 error forged\r\u{1B}[2J\u{202E}\u{2028}\"\\"
        for format in Logger.Format.allCases {
            let line = lines(format) { $0.info("x", ["v": evil]) }.joined()
            #expect(line.unicodeScalars.filter { $0 == "\n" }.count == 1)
            #expect(!line.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{202E}" })
            #expect(!line.unicodeScalars.contains { $0 == "\r" || $0 == "\u{2028}" })
        }
    }

    @Test func `a JSON line is JSON and keeps numbers and booleans`() throws {
        struct Line: Decodable { var message: String, level: String, n: Int, b: Bool, s: String }
        let line = try #require(
            lines(.json) { $0.warning("it's", ["n": 3, "b": true, "s": "q\"\u{1F}😀"]) }.first)
        let read = try JSONDecoder().decode(Line.self, from: Data(line.utf8))
        #expect(read.message == "it's" && read.level == "warning" && read.n == 3 && read.b)
        #expect(read.s == "q\"\u{1F}😀")
    }

    @Test func `a long value is cut`() {
        let line = lines(.text) { $0.info("x", ["v": String(repeating: "y", count: 100_000)]) }
        #expect(line.joined().count < Logger.valueLengthMax + 100)
    }
}

@Suite struct RFC3339Tests {
    @Test func `known instants have their known texts`() {
        #expect(RFC3339.text(seconds: 0) == "1970-01-01T00:00:00Z")
        #expect(RFC3339.text(seconds: -1) == "1969-12-31T23:59:59Z")
        #expect(RFC3339.text(seconds: 951_782_400) == "2000-02-29T00:00:00Z")
        #expect(
            RFC3339.text(seconds: 1, nanoseconds: 500_000_000) == "1970-01-01T00:00:01.500Z")
        #expect(RFC3339.text(seconds: .max).hasPrefix("9999-12-31T23:59:59"))
        #expect(RFC3339.text(seconds: .min).hasPrefix("0000-01-01T00:00:00"))
    }

    @Test func `a text reads back as the instant it was made of`() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let seconds = Int64.random(in: -62_167_219_200...253_402_300_799, using: &random)
            let nanoseconds = Int32.random(in: 0...999_999_999, using: &random)
            let text = RFC3339.text(seconds: seconds, nanoseconds: nanoseconds)
            let read = try #require(RFC3339.parse(text))
            #expect(read == (seconds, nanoseconds), "\(text)")
        }
    }

    @Test func `an offset is taken off`() throws {
        #expect(try #require(RFC3339.parse("1970-01-01T03:30:00+03:30")).seconds == 0)
        #expect(try #require(RFC3339.parse("1969-12-31T19:00:00-05:00")).seconds == 0)
    }

    @Test(arguments: [
        "", "2025", "2025-02-29T00:00:00Z", "2025-13-01T00:00:00Z", "2025-01-00T00:00:00Z",
        "2025-01-01T24:00:00Z", "2025-01-01T00:60:00Z", "2025-01-01T00:00:00",
        "2025-01-01T00:00:00.Z", "2025-01-01T00:00:00Zx", "2025-01-01T00:00:00+3:00",
        "２０２５-01-01T00:00:00Z", "2025-01-01T00:00:00+99:00",
    ])
    func `what is no instant is refused`(text: String) {
        #expect(RFC3339.parse(text) == nil)
    }
}

@Suite struct BackoffTests {
    @Test func `waits double up to the limit and never leave their half`() {
        var backoff = Backoff(initial: .seconds(1), limit: .seconds(8))
        for step in [1, 2, 4, 8, 8, 8] {
            let low = backoff
            var lowest = low
            #expect(lowest.delay(random: 0) == .milliseconds(step * 500))
            let highest = backoff.delay(random: .max)
            #expect(highest > .milliseconds(step * 500) && highest <= .seconds(step))
        }
        backoff.reset()
        #expect(backoff.delay(random: 0) == .milliseconds(500))
    }
}

@Suite struct SpellingTests {
    @Test func `a slip finds its word and another word finds none`() {
        let words = ["location", "device", "gateways", "logLevel"]
        #expect(closest(to: "lcoation", in: words) == "location")
        #expect(closest(to: "gateway", in: words) == "gateways")
        #expect(closest(to: "loglevel", in: words) == "logLevel")
        #expect(closest(to: "banana", in: words) == nil)
        #expect(closest(to: "", in: words) == nil)
    }
}
