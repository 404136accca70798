import HTTP
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

    private var deadlineMilliseconds: Int64? {
        method.deadline.map { $0.components.seconds * 1000 + $0.components.attoseconds / 1_000_000_000_000_000 }
    }

    func cells(_ times: Times) -> [Cell] {
        [
            Cell(method.name), Cell(kind.replacing("_", with: " ")),
            Cell(deadlineMilliseconds.map { "\($0)ms" } ?? "none"),
            Cell(method.roles.joined(separator: ", ")),
        ]
    }

    func values(_ times: Times) -> [String] {
        [
            method.name, kind, deadlineMilliseconds.map { "\($0)" } ?? "",
            method.roles.joined(separator: " "),
        ]
    }

    func write(to json: inout DocumentWriter) {
        json.object { json in
            json.member("method", method.name)
            json.member("kind", kind)
            json.key("deadline_milliseconds")
            if let value = deadlineMilliseconds { json.number(value) } else { json.null() }
            json.key("roles")
            json.array { json in for role in method.roles { json.string(role) } }
        }
    }
}
