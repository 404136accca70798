import RPCRuntime
import RPCServices

/// A method of a server, in a list of all.
struct MethodRow: Row {
    static let plural = "methods"
    static let columns = [
        Column("METHOD"), Column("KIND"), Column("DEADLINE", isNumber: true), Column("ROLES"),
    ]
    static let fields = ["method", "kind", "deadline_milliseconds", "roles"]

    private let method: ServedMethod

    init(_ method: ServedMethod) { self.method = method }

    private var kind: String {
        switch method.kind {
        case .unary: "unary"
        case .serverStreaming: "server_streaming"
        case .clientStreaming: "client_streaming"
        case .bidirectional: "bidirectional"
        }
    }

    func cells(_ times: Times) -> [Cell] {
        [
            Cell(method.name), Cell(kind.replacing("_", with: " ")),
            Cell(method.deadlineText),
            Cell(method.roles.joined(separator: ", ")),
        ]
    }

    func values(_ times: Times) -> [String] {
        [
            method.name, kind, method.deadlineMilliseconds.map { "\($0)" } ?? "",
            method.roles.joined(separator: " "),
        ]
    }

    var json: [UInt8] { method.encodedJSON(.document) }
}

extension ServedMethod {
    var deadlineMilliseconds: Int64? {
        deadline.map { $0.components.seconds * 1000 + $0.components.attoseconds / Self.millisecond }
    }

    /// As a schema says it.
    var deadlineText: String {
        guard let milliseconds = deadlineMilliseconds else { return "none" }
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }

    /// In attoseconds.
    private static let millisecond: Int64 = 1_000_000_000_000_000
}
