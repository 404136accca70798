import ServiceKit
import Transport

/// Runs one command line.
enum Ctl {
    /// Runs the command to its end; its exit code.
    ///
    /// Cancelled, it ends soon with ``interrupted``.
    static func run(_ arguments: [String], _ surroundings: Surroundings) async -> Terminal.ExitCode
    {
        do throws(Failure) {
            return try await understand(arguments, surroundings)
        } catch {
            let failure = Task.isCancelled ? Failure.interrupted : error
            let text = failure.text(Format.guess(arguments))
            if !text.isEmpty { _ = surroundings.write(text, .standardError) }
            return failure.exitCode
        }
    }

    private static func understand(
        _ arguments: [String], _ surroundings: Surroundings
    ) async throws(Failure) -> Terminal.ExitCode {
        if arguments.isEmpty {
            _ = surroundings.write(Grammar.root.helpText(), .standardError)
            return .usage
        }
        let arguments = arguments == ["--version"] ? ["version"] : arguments
        let invocation: Invocation
        do throws(UsageError) {
            invocation = try Grammar.root.parse(arguments)
        } catch {
            let command = Grammar.chain(arguments).map(\.name).joined(separator: " ")
            throw .usage(error.message, hint: "see `\(command) --help`")
        }
        let output = Output(invocation, surroundings)
        if let help = invocation.help {
            try output.data(help)
            return .ok
        }
        switch invocation.commands.first {
        case "help": return try help(invocation.operands, output)
        case "version":
            try output.data(
                output.format == .json
                    ? "{\"version\":\"\(Terminal.version)\"}\n" : "ctl \(Terminal.version)\n")
            return .ok
        case "check": return try await check(invocation, output, surroundings)
        case "completion":
            try output.data(try Completion.script(invocation.operands[0]))
            return .ok
        case "complete":
            let found = await Completion.candidates(invocation.operands, surroundings)
            try output.data(found.map { $0 + "\n" }.joined())
            return .ok
        default: break
        }
        let settings = try Settings(invocation, environment: surroundings.environment)
        let tls = try Session.tls(settings, invocation)
        return try await withLoop { loop throws(Failure) in
            try await run(
                Session(
                    invocation: invocation, output: output, settings: settings,
                    surroundings: surroundings, tls: tls, loop: loop))
        }
    }

    private static func run(_ session: Session) async throws(Failure) -> Terminal.ExitCode {
        switch session.invocation.commands {
        case ["location", "list"]: return try await session.listLocations()
        case ["device", "list"]: return try await session.listDevices()
        case ["punch", "list"]: return try await session.listPunches()
        case ["punch", "tail"]: return try await session.tailPunches()
        case ["key", "create"]: return try await session.createKey()
        case ["key", "list"]: return try await session.listKeys()
        case ["key", "revoke"]: return try await session.revokeKey()
        case ["mesh", "links"]: return try await session.listLinks()
        case ["mesh", "failures"]: return try await session.listFailures()
        case ["service", "list"]: return try await session.listServices()
        case ["service", "describe"]: return try await session.describeService()
        case ["call"]: return try await session.callMethod()
        case let other: preconditionFailure("no code for `\(other.joined(separator: " "))`")
        }
    }

    private static func help(
        _ words: [String], _ output: Output
    ) throws(Failure) -> Terminal.ExitCode {
        let chain = Grammar.chain(words)
        guard chain.count == words.count + 1 else {
            let known = chain[chain.count - 1]
            let word = words[chain.count - 1]
            let names = known.commands.map(\.name)
            let hint = closest(to: word, in: names).map { "; did you mean `\($0)`?" } ?? ""
            throw .usage(
                "there is no command `\(word)`\(hint)", hint: "see `\(known.name) --help`")
        }
        try output.data(chain[chain.count - 1].helpText(below: Array(chain.dropLast())))
        return .ok
    }

    /// Gives `body` an event loop of its own.
    static func withLoop<Result>(
        _ body: (EventLoop) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let loop = EventLoop(name: "ctl")
        defer { loop.shutdown() }
        return try await body(loop)
    }
}
