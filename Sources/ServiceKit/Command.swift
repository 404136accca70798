/// An option of a command: a flag, or with `value` one that takes a value.
public struct CommandOption: Sendable {
    /// With its dashes; the first is the one it is asked for by.
    public var names: [String]
    /// What stands for the value in the help, such as `PATH`; nil for a flag.
    public var value: String?
    public var help: String
    /// The only values allowed; empty allows all.
    public var choices: [String]
    public var isRepeatable: Bool

    public init(
        _ names: String..., value: String? = nil, help: String, choices: [String] = [],
        isRepeatable: Bool = false
    ) {
        precondition(names.allSatisfy { $0.hasPrefix("-") }, "an option's name begins with a dash")
        self.names = names
        self.value = value
        self.help = help
        self.choices = choices
        self.isRepeatable = isRepeatable
    }
}

/// What a program understands on its command line: options, operands, and commands below it.
///
/// Options are `--name value`, `--name=value` or `-n value`, before or behind the operands; `--`
/// ends them. `--help` and `-h` exist everywhere. Options of a command are valid for those below.
public struct Command: Sendable {
    public var name: String
    public var summary: String
    public var options: [CommandOption]
    /// What each operand is called in the help, such as `HOST:PORT`.
    public var operands: [String]
    /// How many of ``operands`` must be there.
    public var operandsRequired: Int
    /// Whole command lines, shown at the end of the help.
    public var examples: [String]
    public var commands: [Command]

    public init(
        _ name: String, summary: String, options: [CommandOption] = [], operands: [String] = [],
        operandsRequired: Int? = nil, examples: [String] = [], commands: [Command] = []
    ) {
        self.name = name
        self.summary = summary
        self.options = options
        self.operands = operands
        self.operandsRequired = operandsRequired ?? operands.count
        self.examples = examples
        self.commands = commands
    }
}

/// A command line that was not understood; programs print it and exit with 2.
public struct UsageError: Error, Sendable, Hashable, CustomStringConvertible {
    public var message: String
    public init(_ message: String) { self.message = message }
    public var description: String { message }
}

/// A command line that was understood.
public struct Invocation: Sendable {
    /// The commands chosen, without the program: `["location", "list"]`.
    public let commands: [String]
    public let operands: [String]
    /// The help of the chosen command, when it was asked for.
    public let help: String?
    let values: [String: [String]]

    /// Whether the flag is there.
    public func flag(_ name: String) -> Bool { values[name] != nil }
    /// The option's value; the last one when it is given again.
    public func value(_ name: String) -> String? { values[name]?.last }
    public func values(_ name: String) -> [String] { values[name] ?? [] }

    /// The option's value as a whole number within `range`.
    public func integer(
        _ name: String, default value: Int, in range: ClosedRange<Int>
    ) throws(UsageError) -> Int {
        guard let text = self.value(name) else { return value }
        guard let number = Int(text), range.contains(number) else {
            throw UsageError(
                """
                \(name) is `\(text)`; wanted is a whole number from \(range.lowerBound) \
                to \(range.upperBound)
                """)
        }
        return number
    }
}

extension Command {
    private static let helpOption = CommandOption("--help", "-h", help: "Show this help.")

    /// Reads a command line without the program's own name.
    public func parse(_ arguments: [String]) throws(UsageError) -> Invocation {
        var state = Parsing(chain: [self])
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--" {
                state.operands += rest
                break
            }
            if argument.count > 1, argument.hasPrefix("-") {
                try state.takeOption(argument, &rest)
            } else if state.current.commands.isEmpty {
                state.operands.append(argument)
            } else {
                try state.enter(argument)
            }
        }
        return try state.finish()
    }

    private struct Parsing {
        var chain: [Command]
        var values: [String: [String]] = [:]
        var operands: [String] = []

        var current: Command { chain[chain.count - 1] }
        var fullName: String { chain.map(\.name).joined(separator: " ") }
        var options: [CommandOption] { chain.flatMap(\.options) + [Command.helpOption] }

        mutating func enter(_ word: String) throws(UsageError) {
            let names = current.commands.map(\.name)
            guard let command = current.commands.first(where: { $0.name == word }) else {
                let hint = closest(to: word, in: names).map { "; did you mean `\($0)`?" } ?? ""
                throw UsageError(
                    """
                    unknown command `\(word)` of `\(fullName)`\(hint); \
                    there are \(names.joined(separator: ", "))
                    """)
            }
            chain.append(command)
        }

        mutating func takeOption(
            _ argument: String, _ rest: inout ArraySlice<String>
        ) throws(UsageError) {
            let parts = argument.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            guard let option = options.first(where: { $0.names.contains(name) }) else {
                let names = options.flatMap(\.names)
                let hint = closest(to: name, in: names).map { "; did you mean `\($0)`?" } ?? ""
                throw UsageError("unknown option `\(name)` of `\(fullName)`\(hint)")
            }
            let key = option.names[0]
            guard let placeholder = option.value else {
                guard parts.count == 1 else { throw UsageError("\(name) takes no value") }
                values[key] = []
                return
            }
            guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
                throw UsageError("\(name) needs a value: \(name) \(placeholder)")
            }
            guard option.choices.isEmpty || option.choices.contains(value) else {
                let hint =
                    closest(to: value, in: option.choices)
                    .map { "; did you mean `\($0)`?" } ?? ""
                throw UsageError(
                    """
                    \(name) is `\(value)`; allowed are \
                    \(option.choices.joined(separator: ", "))\(hint)
                    """)
            }
            if values[key] != nil, !option.isRepeatable {
                throw UsageError("\(name) is given more than once")
            }
            values[key, default: []].append(value)
        }

        func finish() throws(UsageError) -> Invocation {
            let wantsHelp = values["--help"] != nil
            if !wantsHelp {
                guard current.commands.isEmpty else {
                    let names = current.commands.map(\.name).joined(separator: ", ")
                    throw UsageError("`\(fullName)` needs a command: \(names)")
                }
                if operands.count < current.operandsRequired {
                    throw UsageError("`\(fullName)` needs \(current.operands[operands.count])")
                }
                if operands.count > current.operands.count {
                    let extra = operands[current.operands.count]
                    throw UsageError("`\(fullName)` does not take `\(extra)`")
                }
            }
            return Invocation(
                commands: chain.dropFirst().map(\.name), operands: operands,
                help: wantsHelp ? current.helpText(below: Array(chain.dropLast())) : nil,
                values: values)
        }
    }

    /// The help of this command, which stands below `parents`.
    public func helpText(below parents: [Command] = []) -> String {
        let fullName = (parents.map(\.name) + [name]).joined(separator: " ")
        var usage = "Usage: \(fullName)"
        if !commands.isEmpty { usage += " COMMAND" }
        for (index, operand) in operands.enumerated() {
            usage += index < operandsRequired ? " \(operand)" : " [\(operand)]"
        }
        var text = "\(summary)\n\n\(usage) [OPTIONS]\n"
        text += Self.table("Commands", commands.map { ($0.name, $0.summary) })
        text += Self.table("Options", (options + [Self.helpOption]).map(Self.row))
        text += Self.table(
            "Options of every `\(parents.first?.name ?? "")` command",
            parents.flatMap(\.options).map(Self.row))
        if !examples.isEmpty {
            text += "\nExamples:\n" + examples.map { "  \($0)\n" }.joined()
        }
        return text
    }

    private static func row(_ option: CommandOption) -> (String, String) {
        let names = option.names.joined(separator: ", ")
        let choices = option.choices.isEmpty ? "" : " (\(option.choices.joined(separator: ", ")))"
        return (option.value.map { "\(names) \($0)" } ?? names, option.help + choices)
    }

    private static func table(_ title: String, _ rows: [(String, String)]) -> String {
        guard !rows.isEmpty else { return "" }
        let width = min(rows.map(\.0.count).max() ?? 0, 30)
        var text = "\n\(title):\n"
        for (left, right) in rows {
            if left.count > width {
                text += "  \(left)\n  \(String(repeating: " ", count: width))  \(right)\n"
            } else {
                let gap = String(repeating: " ", count: width - left.count)
                text += "  \(left)\(gap)  \(right)\n"
            }
        }
        return text
    }
}
