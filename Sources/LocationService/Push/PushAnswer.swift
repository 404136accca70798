/// What a terminal answered.
struct PushAnswer: Hashable, Sendable {
    /// The terminal's number; see ``PushReturn``.
    var code: Int64
    /// What else it said, as `name=value`.
    var details: [String]
    /// For an enrolment numbers above 0 are failures.
    var isEnrolment = false

    var isDone: Bool { isEnrolment ? code == 0 : code >= 0 }
    /// The number by its name.
    var name: String {
        isEnrolment ? PushReturn.enrolmentName(of: code) : PushReturn.name(of: code)
    }
}

/// The numbers with which terminals answer a command.
enum PushReturn {
    private static let names: [Int64: String] = [
        0: "done", -1: "wrong parameter", -2: "wrong photo size", -3: "input or output failed",
        -8: "not authorised", -9: "wrong template size", -10: "no such user",
        -11: "bad template", -12: "bad template", -13: "unknown command",
        -26: "empty template", -27: "no such user", -30: "other algorithm version",
        -100: "no such table", -621: "no such field", -629: "no such table name",
        -708: "unsupported", -801: "wrong format", -1001: "memory is full",
        -1002: "unsupported", -1003: "timed out", -1004: "does not fit its configuration",
        -1005: "busy", -1006: "too long", -1007: "out of memory", -1008: "download failed",
    ]

    /// What the number means; numbers above 0 are counts.
    static func name(of code: Int64) -> String {
        names[code] ?? (code > 0 ? "done (\(code))" : "error \(code)")
    }

    /// What the number means for an enrolment, which uses positive ones for failures.
    static func enrolmentName(of code: Int64) -> String {
        switch code {
        case 2: "exists already"
        case 4: "poor quality"
        case 5: "is another's"
        case 6: "cancelled at the terminal"
        case 7: "busy"
        default: name(of: code)
        }
    }
}
