import Foundation

/// What every program of the product does with its command line and its streams.
public enum Terminal {
    public static let version = "0.1.0"

    /// The exit codes that every program shares; the first three are the shell's custom.
    public enum ExitCode: Int32, Sendable {
        case ok = 0
        case failed = 1
        case usage = 2
        case notFound = 3
        case notAllowed = 4
        case conflict = 5
        case incomplete = 6
        case unreachable = 7
        case interrupted = 130
    }

    /// Understands the command line or ends the program: with the help and 0 when it was asked
    /// for, with the mistake and 2 when there is one.
    public static func invocation(
        of command: Command, _ arguments: [String] = Array(CommandLine.arguments.dropFirst())
    ) -> Invocation {
        do throws(UsageError) {
            let invocation = try command.parse(arguments)
            if let help = invocation.help {
                print(help, to: .standardOutput)
                end(.ok)
            }
            return invocation
        } catch {
            usage(error, of: command)
        }
    }

    /// Says what was not understood and ends the program with 2.
    public static func usage(_ error: UsageError, of command: Command) -> Never {
        end(.usage, "\(command.name): \(error.message)\nTry `\(command.name) --help`.")
    }

    /// Ends the program, with a last word on the standard error.
    public static func end(_ code: ExitCode, _ message: String? = nil) -> Never {
        if let message { print(message + "\n", to: .standardError) }
        exit(code.rawValue)
    }

    public enum Stream: Sendable { case standardOutput, standardError }

    /// Writes the text as it is; false when the reader has gone away.
    @discardableResult
    public static func print(_ text: String, to stream: Stream = .standardOutput) -> Bool {
        let handle =
            switch stream {
            case .standardOutput: FileHandle.standardOutput
            case .standardError: FileHandle.standardError
            }
        return (try? handle.write(contentsOf: Data(text.utf8))) != nil
    }

    /// The command line of a service: `--config`, `--check-config`, `--version`.
    public static func service(_ name: String, summary: String, prefix: String) -> Command {
        // The sample in the repository: `config/location.json5`.
        let sample = "config/\(prefix.split(separator: "_").last?.lowercased() ?? name).json5"
        return Command(
            name, summary: summary,
            options: [
                CommandOption(
                    "--config", "-c", value: "PATH",
                    help: "The configuration, a JSON5 file; \(prefix)_… variables go over it."),
                CommandOption(
                    "--check-config", help: "Read the configuration, say what is wrong, and end."),
                CommandOption("--version", help: "Print the version."),
            ],
            examples: [
                "\(name) --config \(sample)", "\(name) --config \(sample) --check-config",
            ])
    }
}
