/// The file `schema.lock`: a promise as text, a line for each thing that can change.
///
/// ```
/// schema.lock 1
/// level json
///
/// message company.clock.v1.Alarm
///     1 label: string (max 64)
///     reserved 4
///     reserved "snooze"
/// ```
struct LockFile: Equatable, Sendable {
    static let name = "schema.lock"
    static let version = 1

    /// Which changes fail a build.
    var level = BreakingLevel.json
    var promise: Promise
}

/// A thing that a lock has a line for.
enum LockSubject: Hashable, Sendable {
    /// A message, enum or service.
    case declaration(TypeName)
    case field(TypeName, UInt32)
    case value(TypeName, Int32)
    case method(TypeName, String)
}

// MARK: - Writing

extension LockFile {
    var text: String {
        lines.map(\.text).joined(separator: "\n") + "\n"
    }

    /// The lines in their order, and what each is about.
    var lines: [(text: String, subject: LockSubject?)] {
        var lines: [(text: String, subject: LockSubject?)] = [
            ("\(Self.name) \(Self.version)", nil), ("level \(level.rawValue)", nil),
        ]
        let names =
            Array(promise.messages.keys) + Array(promise.enums.keys)
            + Array(promise.services.keys)
        for name in names.sorted(by: { $0.description < $1.description }) {
            lines.append(("", nil))
            if let message = promise.messages[name] {
                lines.append(("message \(name)", .declaration(name)))
                for field in message.fields.values.sorted(by: { $0.number < $1.number }) {
                    lines.append(("    \(field)", .field(name, field.number)))
                }
                lines += Self.lines(message.reserved)
            } else if let item = promise.enums[name] {
                lines.append(("enum \(name)", .declaration(name)))
                for (number, value) in item.values.sorted(by: { $0.key < $1.key }) {
                    lines.append(("    \(number) \(value)", .value(name, number)))
                }
                lines += Self.lines(item.reserved)
            } else if let service = promise.services[name] {
                lines.append(("service \(name)", .declaration(name)))
                for (method, value) in service.methods.sorted(by: { $0.key < $1.key }) {
                    lines.append(("    \(method)\(value)", .method(name, method)))
                }
            }
        }
        return lines
    }

    private static func lines(
        _ reserved: ReservedPromise
    ) -> [(text: String, subject: LockSubject?)] {
        reserved.numbers.map { ("    reserved \($0.schemaText)", nil) }
            + reserved.names.sorted().map { ("    reserved \"\($0)\"", nil) }
    }
}

extension ClosedRange<Int64> {
    /// `3` or `3...5`.
    var schemaText: String {
        lowerBound == upperBound ? "\(lowerBound)" : "\(lowerBound)...\(upperBound)"
    }
}

extension FieldType {
    /// `string`, `company.clock.v1.Alarm`.
    var schemaText: String {
        switch self {
        case .scalar(let scalar): scalar.rawValue
        case .message(let name), .enumeration(let name): name.description
        }
    }
}

extension ValueLimit {
    /// ` (max 64)`; empty where there is none.
    var schemaText: String {
        switch self {
        case .none: ""
        case .length(let range):
            range.lowerBound > 0
                ? " (min \(range.lowerBound), max \(range.upperBound))"
                : " (max \(range.upperBound))"
        case .range(let low, let high): " (range \(low)...\(high))"
        }
    }
}

extension FieldPromise: CustomStringConvertible {
    /// `3 volumes: list<company.clock.v1.Volume> (max 8)`.
    var description: String { "\(number) \(name): \(form)" }

    /// What stands behind the name.
    var form: String {
        let element = "\(type.schemaText)\(limit.schemaText)"
        let count = countMax.map { " (max \($0))" } ?? ""
        return switch cardinality {
        case .plain: element
        case .optional: "\(type.schemaText)?\(limit.schemaText)"
        case .list: "list<\(element)>\(count)"
        case .map(let key, let limit):
            "map<\(key.rawValue)\(limit.schemaText), \(element)>\(count)"
        case .choice(let oneof): "\(element) oneof \(oneof)"
        }
    }
}

extension MethodPromise: CustomStringConvertible {
    /// `(A) -> stream B deadline none idle 60s role ctl, gateway`; the name is not in it.
    var description: String {
        let parts: [String?] = [
            "\(signature) deadline \(deadlineMilliseconds.map(MethodModel.time) ?? "none")",
            idleMilliseconds.map { "idle \(MethodModel.time($0))" },
            idempotency.schemaText,
            route.map(\.schemaText),
            "role \(roles.sorted().joined(separator: ", "))",
        ]
        return parts.compactMap(\.self).joined(separator: " ")
    }

    /// `(A) -> stream B`.
    var signature: String {
        let request = kind.streamsRequests ? "stream " : ""
        let response = kind.streamsResponses ? "stream " : ""
        return "(\(request)\(self.request)) -> \(response)\(self.response)"
    }
}

extension Idempotency {
    /// Nil where a schema says nothing.
    var schemaText: String? {
        switch self {
        case .unknown: nil
        case .safe: "safe"
        case .idempotent(nil): "idempotent"
        case .idempotent(let key?): "idempotent by \(key)"
        }
    }
}

extension HTTPRoute {
    /// `get "/v1/live" resume cursor from nextCursor`.
    var schemaText: String {
        let body = if case .field(let name) = body { " body \(name)" } else { "" }
        let resume = resume.map { " resume \($0.request) from \($0.response)" } ?? ""
        return "\(verb.lowercased()) \"\(pattern)\"\(body)\(resume)"
    }
}
