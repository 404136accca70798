import MeshAPI
import RPCRuntime
import ServiceKit

/// Something that is listed: as a row of a table, as a line of CSV, as an element of `data`.
protocol Row: Sendable {
    static var columns: [Column] { get }
    func cells(_ times: Times) -> [Cell]
    /// The same with everything that is known, for wide terminals.
    static var wideColumns: [Column] { get }
    func wideCells(_ times: Times) -> [Cell]
    /// The names of the members in JSON, in their order.
    static var fields: [String] { get }
    func values(_ times: Times) -> [String]
    /// An object of JSON, as the edge has it.
    var json: [UInt8] { get }
    /// What several of them are called.
    static var plural: String { get }
}

extension Row {
    static var wideColumns: [Column] { columns }
    func wideCells(_ times: Times) -> [Cell] { cells(times) }
}

extension Row where Self: Message {
    var json: [UInt8] { encodedJSON(.document) }
}

extension LocationState: Row {
    static let plural = "locations"
    static let columns = [
        Column("LOCATION"), Column("STATE"), Column("ZONE"), Column("DEVICES", isNumber: true),
        Column("PUNCHES", isNumber: true), Column("BEHIND", isNumber: true),
        Column("COMPLETE THROUGH"), Column("ADDRESS"), Column("CAUSE", widthMax: 60),
    ]

    func cells(_ times: Times) -> [Cell] {
        let behind = announcedSequence > lastSequence ? announcedSequence - lastSequence : 0
        return [
            Cell(name), Cell(state.word, state.style), Cell(zone.isEmpty ? "-" : zone),
            Cell("\(devices)"), Cell("\(punches)"),
            Cell("\(behind)", behind > 0 ? .warning : .plain),
            Cell(times.text(completeThrough, at: name)), Cell(address.isEmpty ? "-" : address),
            Cell(([cause] + alarms).filter { !$0.isEmpty }.joined(separator: "; ")),
        ]
    }

    static let fields = [
        "name", "state", "cause", "zone", "log_id", "last_sequence", "announced_sequence",
        "complete_through", "last_contact", "address", "devices", "punches",
        "alarms",
    ]

    func values(_ times: Times) -> [String] {
        [
            name, state.word, cause, zone, logID.hexadecimal, "\(lastSequence)",
            "\(announcedSequence)", times.value(completeThrough, at: name),
            times.value(lastContact, at: name), address, "\(devices)", "\(punches)",
            alarms.joined(separator: "; "),
        ]
    }
}

extension StoredPunch: Row {
    static let plural = "punches"
    static let columns = [
        Column("TIME", widthTypical: 26), Column("LOCATION", widthTypical: 12),
        Column("DEVICE", widthTypical: 14), Column("USER", widthTypical: 8),
        Column("STATE", widthTypical: 12), Column("SOURCE"),
    ]

    func cells(_ times: Times) -> [Cell] {
        // A wall time that does not exist, or no zone yet: what the terminal said is all there is.
        let time =
            instant == nil
            ? Cell("\(localTime) ?", .warning) : Cell(times.text(instant, at: location))
        return [
            time, Cell(location), Cell(device),
            Cell(resolvedUser.isEmpty ? user : resolvedUser),
            Cell(stateName.replacing("_", with: " ")), Cell(source.word),
        ]
    }

    static let fields = [
        "sequence", "location", "device", "user", "resolved_user", "local_time", "instant",
        "state", "state_name", "verify", "work_code", "source", "received_at",
    ]

    func values(_ times: Times) -> [String] {
        [
            "\(sequence)", location, device, user, resolvedUser,
            localTime, times.value(instant, at: location), "\(state)",
            stateName, "\(verify)", "\(workCode)",
            source.word, times.value(receivedAt, at: location),
        ]
    }
}

extension KeyInfo: Row {
    static let plural = "API keys"
    static let columns = [
        Column("ID"), Column("NAME"), Column("STATE"), Column("CREATED"), Column("CREATED BY"),
        Column("LAST USED"),
    ]

    func cells(_ times: Times) -> [Cell] {
        [
            Cell(id), Cell(name),
            revokedAt == nil
                ? Cell("active", .good) : Cell("revoked \(times.text(revokedAt, at: ""))", .faint),
            Cell(times.text(createdAt, at: "")), Cell(createdBy),
            Cell(times.text(lastUsedAt, at: "")),
        ]
    }

    static let fields = ["id", "name", "created_at", "created_by", "revoked_at", "last_used_at"]

    func values(_ times: Times) -> [String] {
        [
            id, name, times.value(createdAt, at: ""), createdBy, times.value(revokedAt, at: ""),
            times.value(lastUsedAt, at: ""),
        ]
    }
}

extension OpenEnum {
    /// The name that the schema gives the value; the number of one without.
    var word: String {
        let name = "\(self)"
        return name.hasPrefix("unrecognized(") ? "\(rawValue)" : name
    }
}

extension [UInt8] {
    /// Two lower-case digits for each byte.
    var hexadecimal: String {
        map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

extension LinkState {
    var style: Style {
        switch self {
        case .linked: .good
        case .unreachable, .conflict: .bad
        default: .warning
        }
    }
}

extension DeviceState {
    var style: Style {
        switch self {
        case .online: .good
        case .failing: .bad
        case .stopped: .faint
        default: .warning
        }
    }
}
