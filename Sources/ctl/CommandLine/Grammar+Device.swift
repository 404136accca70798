import ServiceKit

extension Grammar {
    static let oneLocation = CommandOption(
        "--location", value: "NAME",
        help: "The terminal's location; needed where two have terminals of that name.")
    private static let givenLocation = CommandOption(
        "--location", value: "NAME", help: "The location; may be left out where there is one.")
    private static let yes = CommandOption("--yes", "-y", help: "Do it without asking.")
    private static let dryRun = CommandOption(
        "--dry-run", help: "Say what would be done, and do nothing.")
    private static let changing = [oneLocation, yes, dryRun]
    private static let keyOptions = [
        CommandOption(
            "--comm-key-file", value: "PATH",
            help: "A file of mode 0600 with the terminal's comm key as a number."),
        CommandOption("--comm-key-stdin", help: "Read the comm key from standard input."),
    ]
    private static let allowAdmins = CommandOption(
        "--allow-admins", help: "Also make, change and remove who may use the terminal's menu.")

    /// What `ctl device` has beside `list`.
    static let deviceCommands = [
        Command(
            "describe", summary: "Shows all that the gateway knows of a terminal.",
            options: [oneLocation], operands: ["DEVICE"],
            examples: [
                "ctl device describe front-door", "ctl device describe CKJN194960001 -o json",
            ]),
        Command(
            "info", summary: "Asks a terminal who it is, what it holds and what its clock shows.",
            options: [oneLocation], operands: ["DEVICE"], examples: ["ctl device info front-door"]),
        Command(
            "check", summary: "Asks a terminal how it is, and says what should be done.",
            options: [oneLocation], operands: ["DEVICE"],
            examples: ["ctl device check front-door"]),
        Command(
            "add", summary: "Adds a terminal to a location; its session begins at once.",
            options: [
                givenLocation,
                CommandOption(
                    "--serial", value: "SERIAL", help: "The serial number that it must have."),
            ] + keyOptions + [
                CommandOption(
                    "--clock-mode", value: "MODE",
                    help: "What its clock follows: zone, +hh:mm or -hh:mm; zone by default."),
                CommandOption(
                    "--poll-seconds", value: "COUNT", help: "How often it is read; 60 by default."),
                CommandOption(
                    "--transport", value: "NAME", help: "How it is reached; found out by default.",
                    choices: ["auto", "tcp", "udp"]),
                CommandOption(
                    "--encoding", value: "NAME",
                    help: "How its texts are encoded: utf-8, gbk or windows-1250 to windows-1258."),
                CommandOption(
                    "--stays", help: "Do not look for it in its network when it has moved."),
                CommandOption("--unreachable", help: "Add it although it does not answer now."),
                yes, dryRun,
            ],
            operands: ["NAME", "HOST:PORT"],
            examples: [
                "ctl device add front-door 192.168.1.201:4370 --location cairo --yes",
                "ctl device add gate 192.168.1.9:4370 --comm-key-stdin --yes <gate.key",
            ]),
        Command(
            "remove",
            summary: "Takes away a terminal that was added or approved; its punches stay.",
            options: changing, operands: ["DEVICE"],
            examples: ["ctl device remove front-door --yes"]),
        Command(
            "discover", summary: "Looks for terminals in a network of a location.",
            options: [
                givenLocation,
                CommandOption(
                    "--port", value: "PORT", help: "Where terminals listen; 4370 by default."),
            ] + keyOptions,
            operands: ["CIDR"],
            examples: ["ctl device discover 192.168.1.0/24 --location cairo"]),
        Command(
            "approve", summary: "Lets a terminal deliver that pushes by itself.",
            options: [givenLocation, yes, dryRun], operands: ["SERIAL", "NAME"],
            examples: ["ctl device approve CKJN194960001 gate --location cairo --yes"]),
        Command(
            "pull", summary: "Reads a terminal's whole log now.", options: [oneLocation],
            operands: ["DEVICE"], examples: ["ctl device pull front-door"]),
        Command(
            "set-time", summary: "Sets a terminal's clock to the time of its location.",
            options: changing, operands: ["DEVICE"],
            examples: ["ctl device set-time front-door --yes"]),
        Command(
            "restart", summary: "Restarts a terminal.", options: changing, operands: ["DEVICE"],
            examples: ["ctl device restart front-door --yes"]),
        Command(
            "unlock", summary: "Opens the door that a terminal holds.",
            options: changing + [
                CommandOption(
                    "--seconds", value: "COUNT", help: "How long it stays open; 3 by default.")
            ], operands: ["DEVICE"],
            examples: ["ctl device unlock front-door --seconds 5 --yes"]),
        Command(
            "enrol", summary: "Has a terminal take a finger of a person who stands before it.",
            options: changing + [
                CommandOption(
                    "--finger", value: "NUMBER",
                    help: "0 to 9 from the left little finger to the right one; 6 by default."),
                CommandOption("--duress", help: "The finger shall raise a silent alarm."),
            ], operands: ["DEVICE", "USER"],
            examples: ["ctl device enrol front-door 12 --finger 6 --yes"]),
        users,
        Command(
            "clear-log",
            summary: "Empties a terminal's log, once location and gateway provably hold all of it.",
            options: [
                oneLocation, dryRun,
                CommandOption(
                    "--confirm", value: "SERIAL",
                    help: "The terminal's serial number; --yes is not enough here."),
            ], operands: ["DEVICE"],
            examples: ["ctl device clear-log front-door --confirm CKJN194960001"]),
        Command(
            "copy-templates",
            summary: "Copies fingerprints between two terminals of a location that allows it.",
            options: changing + [
                CommandOption(
                    "--user", value: "ID", help: "Only this person; repeat it for more.",
                    isRepeatable: true)
            ], operands: ["FROM", "TO"],
            examples: ["ctl device copy-templates front-door gate --user 12 --yes"]),
    ]

    private static let userOptions = [
        CommandOption("--name", value: "NAME", help: "The name that the terminal shows."),
        CommandOption(
            "--role", value: "ROLE", help: "What the person may do at the terminal's menu.",
            choices: DesiredState.roles.map(\.word)),
        CommandOption("--card", value: "NUMBER", help: "The number of the card; 0 for none."),
        CommandOption("--group", value: "NUMBER", help: "The access group, 1 to 99."),
        CommandOption(
            "--disabled", value: "YES-OR-NO", help: "Whether the terminal refuses the person.",
            choices: ["yes", "no"]),
        CommandOption(
            "--password-stdin", help: "Read the password, digits, from standard input."),
        allowAdmins,
    ]

    private static let stateOptions = [
        oneLocation,
        CommandOption(
            "--file", "-f", value: "PATH",
            help: "Who shall be in the terminal: JSON5, or CSV where it ends in .csv."),
        CommandOption("--remove-others", help: "Remove who is not in the file."),
        allowAdmins,
    ]

    private static let users = Command(
        "users", summary: "The people in a terminal's memory.",
        commands: [
            Command(
                "list", summary: "Lists them, as the terminal has them now.",
                options: [oneLocation], operands: ["DEVICE"],
                examples: ["ctl device users list front-door -o csv"]),
            Command(
                "add", summary: "Adds a person.", options: changing + userOptions,
                operands: ["DEVICE", "USER"],
                examples: ["ctl device users add front-door 12 --name Amal --card 5551234 --yes"]),
            Command(
                "change", summary: "Changes a person; what is not given stays.",
                options: changing + userOptions, operands: ["DEVICE", "USER"],
                examples: ["ctl device users change front-door 12 --disabled yes --yes"]),
            Command(
                "remove", summary: "Removes a person, fingerprints included.",
                options: changing + [allowAdmins], operands: ["DEVICE", "USER"],
                examples: ["ctl device users remove front-door 12 --yes"]),
            Command(
                "plan", summary: "Shows what it takes to have the people of a file in a terminal.",
                options: stateOptions, operands: ["DEVICE"],
                examples: ["ctl device users plan front-door -f users.json5"]),
            Command(
                "apply", summary: "Brings a terminal to the state of a file.",
                options: stateOptions + [yes, dryRun], operands: ["DEVICE"],
                examples: [
                    "ctl device users apply front-door -f users.csv --dry-run",
                    "ctl device users apply front-door -f users.csv --remove-others --yes",
                ]),
        ])

    static let audit = Command(
        "audit", summary: "Who ordered what at the terminals.",
        commands: [
            Command(
                "list", summary: "Lists the commands that changed something, the newest first.",
                options: [
                    CommandOption(
                        "--location", value: "NAME",
                        help: "Only this location; all that are linked without it."),
                    CommandOption(
                        "--device", value: "DEVICE", help: "Only this terminal: name or serial."),
                    CommandOption(
                        "--limit", value: "COUNT",
                        help: "At most so many of a location; 100 by default."),
                ],
                examples: [
                    "ctl audit list --location cairo", "ctl audit list --device front-door -o json",
                ])
        ])
}
