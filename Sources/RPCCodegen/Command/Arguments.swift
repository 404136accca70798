/// What the command line asks for.
struct Arguments {
    enum Command: String, CaseIterable {
        case check, lint, format, explain, lock, emit
    }

    /// What `emit` writes.
    enum Kind: String, CaseIterable {
        case swift, catalog, proto, descriptor, openapi, markdown
    }

    enum Option: String, CaseIterable {
        case root, output, label, allow, check, level, json, help
        case approveBreaking = "approve-breaking"

        var flag: String { "--\(rawValue)" }

        var hasValue: Bool {
            switch self {
            case .root, .output, .label, .allow, .level: true
            case .check, .approveBreaking, .json, .help: false
            }
        }
    }

    /// Nil where only the help is wanted.
    var command: Command?
    var kind: Kind?
    /// As given; `Files.root` has what is meant.
    var root: String?
    var output: String?
    var label: String?
    var allowed: Set<LintRule> = []
    var onlyChecks = false
    var level: BreakingLevel?
    var approvesBreaking = false
    var wantsJSON = false
    var wantsHelp = false
    /// Files and folders.
    var schemas: [String] = []
    /// What is to be explained.
    var rules: [Explanation.Subject] = []

    init(_ arguments: [String]) throws(Program.Failure) {
        var rest = arguments[...]
        guard let first = rest.popFirst(), !["-h", Option.help.flag].contains(first) else {
            wantsHelp = true
            return
        }
        guard let command = Command(rawValue: first) else {
            throw Self.unknown(first, "command", Command.allCases.map(\.rawValue))
        }
        self.command = command
        var words: [String] = []
        while let argument = rest.popFirst() {
            if argument == "--" {
                words += rest
                break
            } else if argument.hasPrefix("-"), argument != "-" {
                try option(argument, of: command, &rest)
            } else {
                words.append(argument)
            }
        }
        if !wantsHelp { try take(words, command) }
    }

    // MARK: Options

    private mutating func option(
        _ argument: String, of command: Command, _ rest: inout ArraySlice<String>
    ) throws(Program.Failure) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let flag = argument == "-h" ? Option.help.flag : String(parts[0])
        guard let option = Option.allCases.first(where: { $0.flag == flag }) else {
            throw Self.unknown(flag, "option", command.options.map(\.flag))
        }
        guard command.options.contains(option) else {
            throw Program.Failure(
                text: "`\(command.rawValue)` has no option `\(flag)`; see "
                    + "`RPCCodegen \(command.rawValue) --help`")
        }
        var value = parts.count > 1 ? String(parts[1]) : nil
        if !option.hasValue, value != nil {
            throw Program.Failure(text: "\(flag) takes no value")
        }
        if option.hasValue, value == nil { value = rest.popFirst() }
        guard let value = option.hasValue ? value : "" else {
            throw Program.Failure(text: "\(flag) needs a value")
        }
        switch option {
        case .root: root = Self.withoutSlash(value)
        case .output: output = value
        case .label: label = value
        case .allow: try allow(value)
        case .check: onlyChecks = true
        case .level: level = try Self.level(value)
        case .approveBreaking: approvesBreaking = true
        case .json: wantsJSON = true
        case .help: wantsHelp = true
        }
    }

    private static func withoutSlash(_ folder: String) -> String {
        var folder = folder
        while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
        return folder
    }

    private mutating func allow(_ value: String) throws(Program.Failure) {
        for id in value.split(separator: ",").map(String.init) {
            guard let rule = LintRule(id: id) else {
                throw Self.unknown(id, "rule", LintRule.allCases.map(\.id))
            }
            allowed.insert(rule)
        }
    }

    private static func level(_ word: String) throws(Program.Failure) -> BreakingLevel {
        guard let level = BreakingLevel(rawValue: word), level.isFailing else {
            throw Program.Failure(text: "--level takes wire, json or source, not `\(word)`")
        }
        return level
    }

    private static func unknown(
        _ word: String, _ what: String, _ known: [String]
    ) -> Program.Failure {
        let hint = Names.nearest(to: word, among: known).map { "; did you mean `\($0)`?" }
        return Program.Failure(
            text: "there is no \(what) `\(word)`"
                + (hint ?? ", but \(known.joined(separator: ", "))"))
    }

    // MARK: Words

    private mutating func take(_ words: [String], _ command: Command) throws(Program.Failure) {
        var words = words[...]
        switch command {
        case .check, .lint, .format, .lock: break
        case .explain:
            for word in words { rules.append(try Self.subject(word)) }
            if rules.isEmpty {
                throw Program.Failure(text: "name the rule to explain, such as IDL042")
            }
            return
        case .emit:
            guard let word = words.popFirst() else {
                throw Program.Failure(text: "say what to emit; see `RPCCodegen emit --help`")
            }
            guard let kind = Kind(rawValue: word) else {
                throw Self.unknown(word, "kind", Kind.allCases.map(\.rawValue))
            }
            self.kind = kind
            if output == nil {
                throw Program.Failure(text: "say with --output where the \(word) goes")
            }
        }
        schemas = words.map(Self.withoutSlash)
        // A module without schemas has a catalog too, an empty one; a lock takes all by itself.
        if schemas.isEmpty, kind != .catalog, command != .lock {
            throw Program.Failure(text: "name the schemas, or a folder of them")
        }
    }

    private static func subject(_ word: String) throws(Program.Failure) -> Explanation.Subject {
        if let subject = Explanation.Subject(id: word) { return subject }
        let hint = Names.suggestion(for: word.uppercased(), among: Explanation.Subject.ids)
        throw Program.Failure(text: "there is no rule `\(word)`\(hint)")
    }
}

extension Arguments.Command {
    var options: [Arguments.Option] {
        switch self {
        case .check: [.root, .json, .help]
        case .lint: [.root, .allow, .json, .help]
        case .format: [.check, .json, .help]
        case .explain: [.help]
        case .lock: [.root, .level, .approveBreaking, .json, .help]
        case .emit: [.root, .output, .label, .json, .help]
        }
    }
}
