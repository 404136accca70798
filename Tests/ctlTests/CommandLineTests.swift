import Foundation
import ServiceKit
import TestSupport
import Testing

@testable import ctl

@Suite struct CommandLineTests {
    private func commands(_ command: Command, _ path: [String]) -> [[String]] {
        [path] + command.commands.flatMap { commands($0, path + [$0.name]) }
    }

    @Test func `every command has help with an example`() async throws {
        for path in commands(Grammar.root, []) {
            let run = await runCtl(path + ["--help"])
            #expect(run.exitCode == .ok)
            #expect(run.errors == "")
            let name = (["ctl"] + path).joined(separator: " ")
            #expect(run.output.contains("Usage: \(name)"))
            if Grammar.chain(path).last?.commands.isEmpty == true || path.isEmpty {
                #expect(run.output.contains("\nExamples:\n  ctl"), "\(name) has no example")
            }
            if path.first != "help" {
                let help = await runCtl(["help"] + path)
                #expect(help.output == run.output)
            }
        }
    }

    @Test func `every example is a command line that is understood`() throws {
        for path in commands(Grammar.root, []) {
            for example in Grammar.chain(path).last?.examples ?? [] {
                let words = example.prefix { !"|<>".contains($0) }.split(separator: " ")
                _ = try Grammar.root.parse(words.dropFirst().map(String.init))
            }
        }
    }

    @Test func `the manual knows every command and every option`() throws {
        let manual = try String(contentsOfFile: repositoryRoot + "/docs/CTL.md", encoding: .utf8)
        for path in commands(Grammar.root, []) {
            guard let command = Grammar.chain(path).last else { continue }
            if command.commands.isEmpty {
                #expect(manual.contains("`ctl \(path.joined(separator: " "))"))
            }
            for option in command.options {
                #expect(manual.contains("`\(option.names[0])"), "\(option.names[0])")
            }
        }
    }

    @Test(arguments: [
        (["locaton", "list"], "unknown command `locaton` of `ctl`; did you mean `location`?"),
        (["punch", "lst"], "unknown command `lst` of `ctl punch`; did you mean `list`?"),
        (
            ["punch", "list", "--form", "today"],
            "unknown option `--form` of `ctl punch list`; did you mean `--from`?"
        ),
        (["punch", "list", "-o", "jsn"], "did you mean `json`?"),
        (["punch"], "`ctl punch` needs a command: list, tail"),
        (["key", "revoke"], "`ctl key revoke` needs ID"),
        (["help", "pucnh"], "there is no command `pucnh`; did you mean `punch`?"),
        (["location", "list", "extra"], "does not take `extra`"),
    ])
    func `a mistake is named with what was probably meant`(
        arguments: [String], message: String
    ) async {
        let run = await runCtl(arguments)
        #expect(run.exitCode == .usage)
        #expect(run.output == "")
        #expect(run.errors.contains(message))
        #expect(run.errors.contains("\nhint: see `ctl"))
    }

    @Test func `a mistake in a line that asks for JSON is a problem document`() async throws {
        let run = await runCtl(["punch", "lst", "--output=json"])
        let document = try JSONSerialization.jsonObject(with: Data(run.errors.utf8))
        let problem = try #require(document as? [String: Any])
        #expect(problem["code"] as? String == "usage")
        #expect(problem["status"] as? Int == 400)
    }

    @Test func `without a command the help is shown and the exit code is 2`() async {
        let run = await runCtl([])
        #expect(run.exitCode == .usage)
        #expect(run.output == "")
        #expect(run.errors.contains("Usage: ctl COMMAND"))
    }

    @Test func `the version is printed`() async {
        #expect(await runCtl(["version"]).output == "ctl \(Terminal.version)\n")
        #expect(await runCtl(["--version"]).output == "ctl \(Terminal.version)\n")
        #expect(
            await runCtl(["version", "-o", "json"]).output
                == "{\"version\":\"\(Terminal.version)\"}\n")
    }
}

@Suite struct SettingsTests {
    private let file = """
        // Comments are allowed.
        {
            "current-context": "main",
            contexts: {
                main: { gateway: "main:7443", ca: "ca.pem", cert: "/me.pem", key: "/me.key", timeout: "3s" },
                spare: { gateway: "spare:7443", ca: "/ca.pem", cert: "/me.pem", key: "/me.key",
                    "trust-domain": "other" },
            },
        }
        """

    private func settings(
        _ flags: [String] = [], _ variables: [String: String] = [:], file: String? = nil,
        mode: Int = 0o600
    ) throws -> (Settings, folder: String) {
        let home = try TemporaryDirectory()
        var environment = variables
        environment["HOME"] = home.path
        let folder = home.file(".config/ctl")
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        _ = FileManager.default.createFile(
            atPath: folder + "/config", contents: Data((file ?? self.file).utf8),
            attributes: [.posixPermissions: mode])
        let invocation = try Grammar.root.parse(["location", "list"] + flags)
        return (try Settings(invocation, environment: environment), folder)
    }

    @Test func `flags go over the environment, and that over the current context`() throws {
        let (plain, folder) = try settings()
        #expect(plain.gateway == "main:7443")
        #expect(plain.ca == folder + "/ca.pem")
        #expect(plain.trustDomain == "biometricflow")
        #expect(plain.timeout == .seconds(3))
        #expect(plain.origin == "context `main` of \(folder)/config")
        let (variable, _) = try settings([], ["CTL_GATEWAY": "env:1", "CTL_TIMEOUT": "9s"])
        #expect(variable.gateway == "env:1")
        #expect(variable.origin == "CTL_GATEWAY")
        #expect(variable.timeout == .seconds(9))
        let (flag, _) = try settings(["--gateway", "flag:1"], ["CTL_GATEWAY": "env:1"])
        #expect(flag.gateway == "flag:1")
        #expect(flag.certificate == "/me.pem")
    }

    @Test func `a context is chosen by flag or variable`() throws {
        #expect(try settings(["--context", "spare"]).0.gateway == "spare:7443")
        #expect(try settings([], ["CTL_CONTEXT": "spare"]).0.trustDomain == "other")
        let failure = try #require(throws: Failure.self) { try settings(["--context", "spar"]) }
        #expect(failure.message.contains("no context `spar`; did you mean `spare`?"))
    }

    @Test func `mistakes in the configuration are named`() throws {
        for (text, message) in [
            ("{ contexts: { main: { gatway: 'x' } } }", "`contexts.main.gatway`"),
            ("{ curent-context: 'x' }", "not valid JSON5"),
            ("{ 'curent-context': 'x' }", "did you mean `current-context`?"),
            ("{ contexts: { main: { gateway: 7 } } }", "an integer"),
        ] {
            let failure = try #require(throws: Failure.self) { try settings(file: text) }
            #expect(failure.message.contains(message))
            #expect(failure.exitCode == .usage)
        }
        let open = try #require(throws: Failure.self) { try settings(mode: 0o644) }
        #expect(open.hint?.hasPrefix("chmod 600 ") == true)
        let time = try #require(throws: Failure.self) { try settings(["--timeout", "5 days"]) }
        #expect(time.message.contains("--timeout is `5 days`"))
    }

    @Test func `everything that is missing is named at once`() throws {
        let failure = try #require(throws: Failure.self) {
            try settings(["--gateway", "a:1"], file: "{}")
        }
        #expect(failure.message == "--ca, --cert, --key are missing")
        #expect(failure.hint?.contains("CTL_CA, CTL_CERT, CTL_KEY") == true)
    }

    @Test func `the sample is a configuration`() throws {
        let text = try String(contentsOfFile: repositoryRoot + "/config/ctl.json5", encoding: .utf8)
        #expect(try !settings(file: text).0.gateway.isEmpty)
    }
}
