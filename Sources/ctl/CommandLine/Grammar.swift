import ServiceKit

/// Everything that `ctl` understands on its command line.
enum Grammar {
    static let root = Command(
        "ctl", summary: "Shows and steers a fleet of attendance terminals through its gateway.",
        options: connectionOptions + outputOptions,
        examples: [
            "ctl --gateway gateway.example:7443 --ca ca.pem --cert me.pem --key me.key check",
            "ctl location list",
            "ctl punch list --location cairo --from today",
            "ctl help punch tail",
        ],
        commands: [
            location, device, audit, punch, key, mesh, service, call, check, completion, complete,
            version, help,
        ])

    static let connectionOptions = [
        CommandOption(
            "--gateway", value: "HOST:PORT", help: "The gateway's mesh address (CTL_GATEWAY)."),
        CommandOption("--ca", value: "PATH", help: "The CA of the mesh, PEM (CTL_CA)."),
        CommandOption("--cert", value: "PATH", help: "Your certificate, PEM (CTL_CERT)."),
        CommandOption(
            "--key", value: "PATH", help: "Its private key, PEM, of mode 0600 (CTL_KEY)."),
        CommandOption(
            "--trust-domain", value: "NAME",
            help: "The SPIFFE trust domain, biometricflow by default (CTL_TRUST_DOMAIN)."),
        CommandOption(
            "--config", value: "PATH",
            help: "The configuration, ~/.config/ctl/config by default (CTL_CONFIG)."),
        CommandOption(
            "--context", value: "NAME",
            help: "A context of the configuration instead of its current one (CTL_CONTEXT)."),
        CommandOption(
            "--timeout", value: "TIME",
            help: "How long to wait for an answer, such as 5s, 500ms or 2m (CTL_TIMEOUT)."),
    ]

    static let outputOptions = [
        CommandOption(
            "--output", "-o", value: "FORMAT",
            help: "How answers are shown; table by default, wide has more columns.",
            choices: Format.allCases.map(\.rawValue) + [Format.wide]),
        CommandOption("--utc", help: "Show times in UTC instead of the location's zone."),
        CommandOption("--no-headers", help: "Leave out the line of titles."),
        CommandOption("--quiet", "-q", help: "Say nothing on standard error but errors."),
        CommandOption(
            "--color", value: "WHEN",
            help: "Colour; on a terminal by default, never with NO_COLOR.",
            choices: Colour.allCases.map(\.rawValue)),
    ]

    private static let locationFilter = CommandOption(
        "--location", value: "NAME", help: "Only this location; repeat it for more.",
        isRepeatable: true)
    private static let punchFilters = [
        locationFilter,
        CommandOption(
            "--device", value: "SERIAL", help: "Only this terminal; repeat it for more.",
            isRepeatable: true),
        CommandOption(
            "--user", value: "ID", help: "Only this user id; repeat it for more.",
            isRepeatable: true),
    ]

    private static let location = Command(
        "location", summary: "The locations that the gateway knows.",
        commands: [
            Command(
                "list", summary: "Lists the locations, and how much of their data is there.",
                examples: ["ctl location list", "ctl location list -o json | jq '.data[].name'"])
        ])

    private static let device = Command(
        "device", summary: "The terminals at the locations, and commands to them.",
        commands: [
            Command(
                "list", summary: "Lists the terminals, and how they are doing.",
                options: [locationFilter],
                examples: ["ctl device list", "ctl device list --location cairo -o csv"])
        ] + deviceCommands)

    private static let punch = Command(
        "punch", summary: "What people did at the terminals.",
        commands: [
            Command(
                "list", summary: "Lists punches in the order in which the gateway stored them.",
                options: punchFilters + [
                    CommandOption(
                        "--from", value: "TIME",
                        help: "The first instant: 2026-03-01T08:00:00+02:00, 2026-03-01, today, "
                            + "yesterday, or 2h for two hours ago."),
                    CommandOption(
                        "--to", value: "TIME", help: "The instant behind the last, as --from."),
                    CommandOption(
                        "--limit", value: "COUNT", help: "At most so many; 100 by default."),
                    CommandOption("--all", help: "All of them, without a limit."),
                    CommandOption(
                        "--cursor", value: "CURSOR",
                        help: "Go on behind an earlier answer to the same filters."),
                ],
                examples: [
                    "ctl punch list --location cairo --from yesterday --to today",
                    "ctl punch list --user 12 --from 2026-03-01T00:00:00Z --all -o csv",
                    "ctl punch list -o json | jq -r .next_cursor",
                ]),
            Command(
                "tail", summary: "Shows punches as the gateway stores them, until Ctrl-C.",
                options: punchFilters + [
                    CommandOption("--limit", value: "COUNT", help: "End after so many."),
                    CommandOption(
                        "--cursor", value: "CURSOR",
                        help: "Begin behind an earlier answer to the same filters, not now."),
                ],
                examples: [
                    "ctl punch tail", "ctl punch tail --location cairo --device CK0001",
                    "ctl punch tail -o json | jq -r '.user'",
                ]),
        ])

    private static let key = Command(
        "key", summary: "API keys of the gateway's JSON edge.",
        commands: [
            Command(
                "create", summary: "Makes an API key and prints its secret, this once.",
                operands: ["NAME"],
                examples: ["ctl key create dashboard", "ctl key create payroll >payroll.key"]),
            Command(
                "list", summary: "Lists the API keys without their secrets.",
                examples: ["ctl key list"]),
            Command(
                "revoke", summary: "Ends an API key, at once and for ever.", operands: ["ID"],
                examples: ["ctl key revoke 3f9c2ab1"]),
        ])

    private static let mesh = Command(
        "mesh", summary: "What the gateway's links are doing.",
        commands: [
            Command(
                "links", summary: "Lists the links that are up: calls, bytes, windows, queues.",
                options: [
                    CommandOption(
                        "--peer", value: "SPIFFE-ID", help: "Only the links of this identity.")
                ],
                examples: [
                    "ctl mesh links", "ctl mesh links -o json | jq '.data[].streams[].method'",
                    "ctl mesh links --peer spiffe://biometricflow/location/cairo",
                ]),
            Command(
                "failures", summary: "Lists the calls that the gateway failed lately.",
                examples: ["ctl mesh failures", "ctl mesh failures -o csv"]),
        ])

    /// Options that say which server is asked.
    static let serverOptions = connectionOptions + [peerRole]

    private static let peerRole = CommandOption(
        "--peer-role", value: "ROLE",
        help: "The role that the server's certificate must have, gateway by default.")

    private static let service = Command(
        "service", summary: "What a server serves, as it says itself.",
        options: [peerRole],
        commands: [
            Command(
                "list", summary: "Lists the methods of all services.",
                examples: ["ctl service list", "ctl service list -o json | jq -r '.data[].method'"]),
            Command(
                "describe", summary: "Shows a service and its messages as a schema says them.",
                operands: ["SERVICE"],
                examples: ["ctl service describe biometricflow.v1.Fleet"]),
        ])

    private static let call = Command(
        "call", summary: "Calls any method, with messages in JSON.",
        options: [
            peerRole,
            CommandOption(
                "--metadata", value: "KEY=VALUE", help: "Goes before the request; repeat it.",
                isRepeatable: true),
            CommandOption("--defaults", help: "Show fields at their default too."),
        ],
        operands: ["METHOD", "JSON"], operandsRequired: 1,
        examples: [
            "ctl call biometricflow.v1.Fleet/listLocations",
            "ctl call Fleet/listPunches '{\"limit\":3}'",
            "ctl call Fleet/tailPunches | jq -c '.data[]?'",
            "ctl call --gateway 127.0.0.1:7000 --peer-role clock Bell/record - <alarms.ndjson",
        ])

    private static let completion = Command(
        "completion", summary: "Prints the completion of a shell: bash, zsh or fish.",
        operands: ["SHELL"],
        examples: ["ctl completion bash >/etc/bash_completion.d/ctl", "ctl completion fish"])

    private static let complete = Command(
        "complete", summary: "Prints what can stand in the place of the last of some words.",
        operands: Array(repeating: "WORD", count: 64), operandsRequired: 0,
        examples: ["ctl complete -- call biometricflow.v1."])

    private static let check = Command(
        "check",
        summary:
            "Checks configuration and certificate here, then gateway, locations and terminals.",
        examples: ["ctl check", "ctl check -o json | jq '.data[] | select(.level != \"ok\")'"])

    private static let version = Command(
        "version", summary: "Prints the version of ctl.", examples: ["ctl version"])

    private static let help = Command(
        "help", summary: "Shows the help of a command.",
        operands: ["COMMAND", "COMMAND", "COMMAND"],
        operandsRequired: 0, examples: ["ctl help", "ctl help punch list"])

    /// The commands that the words at the beginning of `words` name, the root first.
    static func chain(_ words: [String]) -> [Command] {
        var chain = [root]
        for word in words where !word.hasPrefix("-") {
            guard let next = chain[chain.count - 1].commands.first(where: { $0.name == word })
            else { break }
            chain.append(next)
        }
        return chain
    }
}

/// How answers are shown.
enum Format: String, Sendable, CaseIterable {
    case table, json, csv

    /// A table with more columns, where there are more.
    static let wide = "wide"

    /// What a command line seems to ask for, for errors about the command line itself.
    static func guess(_ arguments: [String]) -> Format {
        for (index, argument) in arguments.enumerated() {
            let parts = argument.split(separator: "=", maxSplits: 1)
            guard let name = parts.first, name == "-o" || name == "--output" else { continue }
            let next = arguments.dropFirst(index + 1).first
            let value = parts.count == 2 ? String(parts[1]) : next
            if let format = value.flatMap(Format.init) { return format }
        }
        return .table
    }
}

/// When output is coloured.
enum Colour: String, Sendable, CaseIterable {
    case auto, always, never
}
