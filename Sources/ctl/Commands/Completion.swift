import MeshAPI
import RPCRuntime
import RPCServices
import ServiceKit

/// Completion of command lines: what a shell asks, and the scripts that make it ask.
enum Completion {
    /// The script for a shell to read.
    static func script(_ shell: String) throws(Failure) -> String {
        switch shell {
        case "bash":
            return """
                _ctl() {
                    local IFS=$'\\n'
                    COMPREPLY=($(ctl complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
                }
                complete -o default -F _ctl ctl

                """
        case "zsh":
            return """
                #compdef ctl
                _ctl() {
                    local -a found
                    found=("${(@f)$(ctl complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
                    compadd -- $found
                }
                compdef _ctl ctl

                """
        case "fish":
            return """
                complete -c ctl -f -a '(ctl complete -- (commandline -opc)[2..] (commandline -ct))'

                """
        default:
            throw .usage("there is no completion for `\(shell)`; there are bash, zsh and fish")
        }
    }

    /// What can stand in the place of the last word.
    static func candidates(
        _ words: [String], _ surroundings: Surroundings
    ) async -> [String] {
        let last = words.last ?? ""
        let before = Array(words.dropLast())
        let chain = Grammar.chain(before)
        let command = chain[chain.count - 1]
        let options = chain.flatMap(\.options)
        if let previous = before.last,
            let option = options.first(where: { $0.names.contains(previous) }),
            option.value != nil
        {
            return option.choices.filter { $0.hasPrefix(last) }
        }
        if last.hasPrefix("-") {
            return options.flatMap(\.names).filter { $0.hasPrefix("--") && $0.hasPrefix(last) }
                .sorted()
        }
        let names: [String]
        switch chain.dropFirst().map(\.name) {
        case ["call"]: names = await methods(before, surroundings).map(\.name)
        case ["service", "describe"]:
            let methods = await methods(before, surroundings)
            names = Array(Set(methods.map { String($0.name.prefix { $0 != "/" }) }))
        case let chosen where chosen.first == "device" && command.takesDevice:
            names = await devices(before, surroundings)
        case ["completion"]: names = ["bash", "zsh", "fish"]
        default: names = command.commands.filter { $0.name != "complete" }.map(\.name)
        }
        return names.filter { $0.hasPrefix(last) }.sorted()
    }

    /// Names of terminals, or none when the gateway cannot be asked.
    private static func devices(
        _ words: [String], _ surroundings: Surroundings
    ) async -> [String] {
        let known = Grammar.connectionOptions + [Grammar.oneLocation]
        return await ask(["device", "list"], words, known, surroundings) {
            session throws(Failure) in
            try await session.withFleet { fleet throws(Failure) in
                let request = ListDevices(location: session.invocation.values("--location"))
                let list = try await session.call("listing devices") { options throws(RPCError) in
                    try await fleet.listDevices(request, options)
                }
                return list.data.filter(\.active).map(\.name)
            }
        }
    }

    /// The methods of the server that the words before name, or none when it cannot be asked.
    private static func methods(
        _ words: [String], _ surroundings: Surroundings
    ) async -> [ServedMethod] {
        await ask(["service", "list"], words, Grammar.serverOptions, surroundings) {
            session throws(Failure) in
            try await session.withReflection { reflection, _ throws(Failure) in
                try await session.services(reflection).flatMap(\.methods)
            }
        }
    }

    /// Asks as `command` would with those of the `known` options that stand among the words;
    /// nothing where that fails.
    private static func ask<Element>(
        _ command: [String], _ words: [String], _ known: [CommandOption],
        _ surroundings: Surroundings, _ body: (Session) async throws(Failure) -> [Element]
    ) async -> [Element] {
        var arguments = command
        for (word, value) in zip(words, words.dropFirst())
        where known.contains(where: { $0.names.contains(word) }) {
            arguments += [word, value]
        }
        do {
            let invocation = try Grammar.root.parse(arguments)
            let settings = try Settings(invocation, environment: surroundings.environment)
            let tls = try Session.tls(settings, invocation)
            return try await Ctl.withLoop { loop throws(Failure) in
                try await body(
                    Session(
                        invocation: invocation, output: Output(invocation, surroundings),
                        settings: settings, surroundings: surroundings, tls: tls, loop: loop))
            }
        } catch {
            return []
        }
    }
}

extension Command {
    /// Whether its operands are terminals, or begin with one.
    fileprivate var takesDevice: Bool {
        operands.first == "DEVICE" || operands.first == "FROM"
    }
}
