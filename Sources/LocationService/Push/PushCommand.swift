/// Why a command cannot be given to a terminal.
enum PushCommandError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A text in it has a character that would change the command, or is too long.
    case invalid(String)
    /// The terminal's kind has no such command.
    case unsupported(String)
    /// Nobody of that serial may push, or it has not been heard of since the start.
    case unknownTerminal(String)
    /// Too many wait already.
    case full
    /// No answer came in time; it may have been executed when it was delivered.
    case timedOut(wasDelivered: Bool)
    /// The caller gave up; it may have been executed when it was delivered.
    case cancelled(wasDelivered: Bool)

    var description: String {
        switch self {
        case .invalid(let why): why
        case .unsupported(let what): "this kind of terminal has no command for: \(what)"
        case .unknownTerminal(let serial): "no terminal with serial \(serial) pushes to here"
        case .full: "too many commands wait for this terminal"
        case .timedOut(let wasDelivered):
            wasDelivered
                ? "the terminal took the command and did not answer in time"
                : "the terminal did not fetch the command in time"
        case .cancelled(let wasDelivered):
            wasDelivered
                ? "cancelled after the terminal took the command"
                : "cancelled before the terminal took the command"
        }
    }
}

/// A command for a terminal that pushes.
///
/// What could run programs on a terminal or replace its firmware has no case here on purpose.
enum PushCommand: Hashable, Sendable {
    case info
    case reboot
    /// Opens the door for the time that is set at the terminal.
    case unlock
    case updateUser(pin: String, name: String, privilege: UInt32, card: UInt64, group: String)
    case deleteUser(pin: String)
    /// The users come as uploads; the answer says how many.
    case queryUsers
    case enrolFinger(pin: String, finger: UInt32)
    case clearLog
    case setOption(name: String, value: String)
    /// Reads the server's options again and sends what is behind the stamps.
    case check
    /// The punches come as uploads; times are the terminal's own, `YYYY-MM-DD hh:mm:ss`.
    case queryLog(from: String, to: String)
    /// How many punches it has in a time; the answer's detail `attlogsum`.
    case verifySum(from: String, to: String)

    /// Whether doing it twice is the same as doing it once.
    var isIdempotent: Bool {
        switch self {
        case .info, .updateUser, .deleteUser, .queryUsers, .setOption, .check, .queryLog,
            .verifySum:
            true
        case .reboot, .unlock, .enrolFinger, .clearLog: false
        }
    }
}

/// Which family of firmware a terminal is of.
enum PushDialect: String, Sendable {
    case attendance = "att"
    case access = "acc"
}

extension PushCommand {
    /// A longer line would not fit into what some firmware reads.
    static let lineMax = 2048

    /// The command's text, for terminals of this dialect.
    func encoded(_ dialect: PushDialect) throws(PushCommandError) -> String {
        let text =
            switch dialect {
            case .attendance: try attendanceText()
            case .access: try accessText()
            }
        guard text.utf8.count <= Self.lineMax else {
            throw .invalid("the command has \(text.utf8.count) bytes; at most \(Self.lineMax)")
        }
        return text
    }

    private func attendanceText() throws(PushCommandError) -> String {
        switch self {
        case .info: return "INFO"
        case .reboot: return "REBOOT"
        case .unlock: return "AC_UNLOCK"
        case .updateUser(let pin, let name, let privilege, let card, let group):
            let pairs = [
                "PIN=" + (try Self.id(pin)), "Name=" + (try Self.text(name, "name", max: 96)),
                "Pri=\(privilege)", "Card=" + (card == 0 ? "" : "\(card)"),
                "Grp=" + (try Self.text(group, "group", max: 16)),
            ]
            return "DATA UPDATE USERINFO " + pairs.joined(separator: "\t")
        case .deleteUser(let pin): return "DATA DELETE USERINFO PIN=" + (try Self.id(pin))
        case .queryUsers: return "DATA QUERY USERINFO"
        case .enrolFinger(let pin, let finger):
            guard finger < 10 else { throw .invalid("finger \(finger); there are 0 to 9") }
            return "ENROLL_FP PIN=" + (try Self.id(pin)) + "\tFID=\(finger)\tRETRY=3\tOVERWRITE=1"
        case .clearLog: return "CLEAR LOG"
        case .setOption(let name, let value): return "SET OPTION " + (try Self.option(name, value))
        case .check: return "CHECK"
        case .queryLog(let from, let to): return "DATA QUERY ATTLOG " + (try Self.span(from, to))
        case .verifySum(let from, let to): return "VERIFY SUM ATTLOG " + (try Self.span(from, to))
        }
    }

    private func accessText() throws(PushCommandError) -> String {
        switch self {
        case .reboot: return "CONTROL DEVICE 03000000"
        // Door 1 for 5 seconds.
        case .unlock: return "CONTROL DEVICE 01010105"
        case .updateUser(let pin, let name, let privilege, let card, let group):
            let pairs = [
                "CardNo=" + (card == 0 ? "" : "\(card)"), "Pin=" + (try Self.id(pin)),
                "Group=" + (try Self.text(group, "group", max: 16)), "StartTime=0", "EndTime=0",
                "Name=" + (try Self.text(name, "name", max: 96)), "Privilege=\(privilege)",
            ]
            return "DATA UPDATE user " + pairs.joined(separator: "\t")
        case .deleteUser(let pin): return "DATA DELETE user Pin=" + (try Self.id(pin))
        case .queryUsers: return "DATA QUERY tablename=user,fielddesc=*,filter=*"
        case .queryLog: return "DATA QUERY tablename=transaction,fielddesc=*,filter=*"
        case .setOption(let name, let value):
            guard !value.contains(",") else { throw .invalid("the value has a comma") }
            return "SET OPTIONS " + (try Self.option(name, value))
        case .info: throw .unsupported("INFO")
        case .enrolFinger: throw .unsupported("enrolment")
        case .clearLog: throw .unsupported("clearing the log")
        case .check: throw .unsupported("CHECK")
        case .verifySum: throw .unsupported("VERIFY SUM")
        }
    }

    // MARK: Texts

    private static func option(
        _ name: String, _ value: String
    ) throws(PushCommandError) -> String {
        let isName =
            !name.isEmpty
            && name.utf8.allSatisfy {
                0x30...0x39 ~= $0 || 0x41...0x5A ~= $0 || 0x61...0x7A ~= $0 || $0 == 0x7E
                    || $0 == 0x5F
            }
        guard isName, name.utf8.count <= 64 else {
            throw .invalid("an option's name has letters, digits, `_` and `~` only")
        }
        return name + "=" + (try text(value, "value", max: 256))
    }

    private static func id(_ pin: String) throws(PushCommandError) -> String {
        let isID =
            1...24 ~= pin.utf8.count
            && pin.utf8.allSatisfy {
                0x30...0x39 ~= $0 || 0x41...0x5A ~= $0 || 0x61...0x7A ~= $0
            }
        guard isID else { throw .invalid("a PIN has 1 to 24 letters and digits") }
        return pin
    }

    /// Refuses what would end the field or the line, so that no text becomes a command.
    private static func text(
        _ text: String, _ what: String, max: Int
    ) throws(PushCommandError) -> String {
        guard text.utf8.count <= max else {
            throw .invalid("the \(what) has \(text.utf8.count) bytes; at most \(max)")
        }
        let isPlain = text.unicodeScalars.allSatisfy { scalar in
            scalar.value >= 0x20 && !(0x7F...0x9F ~= scalar.value)
                && scalar.value != 0x2028 && scalar.value != 0x2029
        }
        guard isPlain else { throw .invalid("the \(what) has a control character") }
        return text
    }

    private static func span(_ from: String, _ to: String) throws(PushCommandError) -> String {
        for text in [from, to] {
            let time = try? PushTime(Array(text.utf8)[...])
            guard case .wall? = time, text.utf8.count == 19, text.contains(" ") else {
                throw .invalid("`\(text.clipped(toBytes: 40))` is not YYYY-MM-DD hh:mm:ss")
            }
        }
        return "StartTime=\(from)\tEndTime=\(to)"
    }
}
