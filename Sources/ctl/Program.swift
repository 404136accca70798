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
        case ["audit", "list"]: return try await session.listAudit()
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
        case let words where words.first == "device": return try await runDevice(words, session)
        case let other: preconditionFailure("no code for `\(other.joined(separator: " "))`")
        }
    }

    private static func runDevice(
        _ words: [String], _ session: Session
    ) async throws(Failure) -> Terminal.ExitCode {
        switch words.dropFirst().joined(separator: " ") {
        case "describe": return try await session.describeDevice()
        case "info": return try await session.deviceInfo()
        case "check": return try await session.checkDevice()
        case "add": return try await session.addDevice()
        case "remove": return try await session.removeDevice()
        case "discover": return try await session.discover()
        case "approve": return try await session.approveDevice()
        case "pull": return try await session.pull()
        case "set-time": return try await session.setTime()
        case "restart": return try await session.restartDevice()
        case "unlock": return try await session.unlockDoor()
        case "enrol": return try await session.enrol()
        case "clear-log": return try await session.clearLog()
        case "copy-templates": return try await session.copyTemplates()
        case "users list": return try await session.listUsers()
        case "users add": return try await session.writeUser(isNew: true)
        case "users change": return try await session.writeUser(isNew: false)
        case "users remove": return try await session.removeUser()
        case "users plan": return try await session.planUsers()
        case "users apply": return try await session.applyUsers()
        case let other: preconditionFailure("no code for `device \(other)`")
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
