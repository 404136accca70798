import MeshAPI
import RPCRuntime

extension DeviceInfo {
    /// Everything, by name.
    var fields: [(String, String)] {
        func number(_ value: UInt32?) -> String { value.map { "\($0)" } ?? "" }
        func share(_ value: UInt32?, _ capacity: UInt32) -> String {
            "\(value.map { "\($0)" } ?? "?") of \(capacity)"
        }
        return [
            ("serial", serial), ("name", name), ("model", model), ("platform", platform),
            ("firmware", firmware), ("mac", mac), ("fingerprint_algorithm", fingerprintAlgorithm),
            ("local_time", localTime),
            ("clock_offset_milliseconds", clockOffsetMilliseconds.map { "\($0)" } ?? ""),
            ("users", share(users, userCapacity)), ("records", share(records, recordCapacity)),
            ("fingerprints", share(fingerprints, fingerprintCapacity)),
            ("faces", share(faces, faceCapacity)), ("administrators", "\(administrators)"),
        ]
    }
}

extension TerminalUser: Row {
    static let plural = "users"
    static let columns = [
        Column("USER"), Column("NAME"), Column("ROLE"), Column("CARD", isNumber: true),
        Column("GROUP", isNumber: true), Column("PASSWORD"), Column("INDEX", isNumber: true),
    ]

    func cells(_ times: Times) -> [Cell] {
        [
            Cell(userID, disabled ? .faint : .plain), Cell(name),
            Cell(
                disabled ? "\(role.word) (disabled)" : role.word, role == .user ? .plain : .warning),
            Cell(card == 0 ? "-" : "\(card)"), Cell("\(group)"), Cell(hasPassword ? "set" : "-"),
            Cell("\(index)"),
        ]
    }

    static let fields = [
        "user_id", "name", "role", "disabled", "card", "group", "has_password", "index",
    ]

    func values(_ times: Times) -> [String] {
        [
            userID, name, role.word, "\(disabled)", "\(card)", "\(group)", "\(hasPassword)",
            "\(index)",
        ]
    }
}

extension UserChange: Row {
    static let plural = "changes"
    static let columns = [
        Column("CHANGE"), Column("USER"), Column("NAME"), Column("FIELDS", widthMax: 100),
    ]

    private var style: Style {
        switch kind {
        case .add: .good
        case .remove: .bad
        case .protected: .faint
        default: .warning
        }
    }

    /// `card: 1 → 2, group: → 3`.
    private var differenceText: String {
        differences.map { field in
            field.before.isEmpty
                ? "\(field.field): \(field.after)"
                : "\(field.field): \(field.before) → \(field.after.isEmpty ? "none" : field.after)"
        }.joined(separator: ", ")
    }

    func cells(_ times: Times) -> [Cell] {
        [Cell(kind.word, style), Cell(userID), Cell(name), Cell(differenceText)]
    }

    static let fields = ["kind", "user_id", "name", "differences"]

    func values(_ times: Times) -> [String] { [kind.word, userID, name, differenceText] }
}

/// A change, and what became of it.
struct AppliedChange: Row {
    static let plural = "changes"
    static let columns = UserChange.columns + [Column("FAILURE", widthMax: 100)]
    static let fields = UserChange.fields + ["failure"]

    var change: UserChange
    var failure: String

    func cells(_ times: Times) -> [Cell] { change.cells(times) + [Cell(failure, .bad)] }
    func values(_ times: Times) -> [String] { change.values(times) + [failure] }
    var json: [UInt8] {
        ApplyProgress(change: change, failure: failure).encodedJSON(.document)
    }
}

extension FoundDevice: Row {
    static let plural = "terminals"
    static let columns = [
        Column("ADDRESS"), Column("SERIAL"), Column("KNOWN AS"), Column("BY"),
        Column("PLATFORM"), Column("FIRMWARE"), Column("REMARK", widthMax: 80),
    ]

    private var remark: String {
        if skipped { return "left alone: its session is open" }
        if !knownAddress.isEmpty { return "has moved from \(knownAddress)" }
        if needsKey { return "asks for a comm key: \(cause)" }
        return cause
    }

    func cells(_ times: Times) -> [Cell] {
        [
            Cell(address), Cell(serial.isEmpty ? "?" : serial),
            Cell(knownAs.isEmpty ? "-" : knownAs), Cell(transport.isEmpty ? "-" : transport),
            Cell(platform), Cell(firmware),
            Cell(remark, remark.isEmpty || skipped ? .plain : .warning),
        ]
    }

    static let fields = [
        "address", "serial", "model", "platform", "firmware", "known_as", "known_address",
        "needs_key", "skipped", "cause", "transport",
    ]

    func values(_ times: Times) -> [String] {
        [
            address, serial, model, platform, firmware, knownAs, knownAddress, "\(needsKey)",
            "\(skipped)", cause, transport,
        ]
    }
}

extension AuditRecord: Row {
    static let plural = "commands"
    static let columns = [
        Column("AUDIT", isNumber: true), Column("TIME"), Column("LOCATION"), Column("DEVICE"),
        Column("COMMAND"), Column("CERTAINTY"), Column("BY", widthMax: 60),
        Column("ARGUMENTS", widthMax: 60), Column("OUTCOME", widthMax: 80),
    ]

    func cells(_ times: Times) -> [Cell] {
        [
            Cell("\(id)"), Cell(times.text(at, at: location)), Cell(location), Cell(device),
            Cell(command), Cell(words, certainty.style), Cell(principal), Cell(arguments),
            Cell(outcome),
        ]
    }

    private var words: String {
        switch certainty {
        case .notSent: "not sent"
        case .maybeDone: "maybe done"
        default: certainty.word
        }
    }

    static let fields = [
        "id", "at", "location", "device", "serial", "command", "arguments", "principal", "gateway",
        "certainty", "outcome", "completed_at",
    ]

    func values(_ times: Times) -> [String] {
        [
            "\(id)", times.value(at, at: location), location, device, serial, command, arguments,
            principal, gateway, certainty.word, outcome, times.value(completedAt, at: location),
        ]
    }
}

extension CommandCertainty {
    var style: Style {
        switch self {
        case .done: .good
        case .maybeDone: .warning
        default: .bad
        }
    }
}
