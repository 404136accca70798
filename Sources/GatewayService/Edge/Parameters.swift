import HTTP
import RPCRuntime

/// The query parameters of a request, of which every one must be known.
///
/// A misspelled filter that is ignored would return everybody's data.
struct Parameters: Sendable {
    private var values: [String: [String]] = [:]

    /// A parameter that a route takes.
    struct Name: Sendable {
        let text: String
        let isRepeatable: Bool

        static func one(_ text: String) -> Name { Name(text: text, isRepeatable: false) }
        static func many(_ text: String) -> Name { Name(text: text, isRepeatable: true) }
    }

    /// Values of a repeatable parameter, at most.
    private static let repetitionLimit = 1000

    init(_ query: [RequestTarget.QueryItem], known names: [Name]) throws(Problem) {
        for item in query {
            guard let name = names.first(where: { $0.text == item.name }) else {
                let known = names.map { "`\($0.text)`" }.joined(separator: ", ")
                throw Problem(
                    .unknownParameter,
                    "`\(item.name)` is not known here; "
                        + (known.isEmpty ? "there are no parameters" : "there are \(known)"))
            }
            guard !item.value.isEmpty else {
                throw Problem(.invalidParameter, "`\(item.name)` is empty")
            }
            let count = values[item.name]?.count ?? 0
            guard count < (name.isRepeatable ? Self.repetitionLimit : 1) else {
                throw Problem(.invalidParameter, "`\(item.name)` is given too often")
            }
            values[item.name, default: []].append(item.value)
        }
    }

    func list(_ name: String) -> [String] { values[name] ?? [] }

    func text(_ name: String) -> String? { values[name]?.first }

    func integer(_ name: String, in range: ClosedRange<UInt32>) throws(Problem) -> UInt32? {
        guard let text = text(name) else { return nil }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = UInt32(text),
            range.contains(value)
        else {
            throw Problem(
                .invalidParameter,
                "`\(name)` is `\(text)`; wanted is \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// An instant in RFC 3339.
    func instant(_ name: String) throws(Problem) -> Timestamp? {
        guard let text = text(name) else { return nil }
        // A `+` that was not percent-encoded has been read as a space; only an offset has one.
        guard let instant = Timestamp(text.replacing(" ", with: "+")) else {
            throw Problem(
                .invalidParameter,
                "`\(name)` is `\(text)`; wanted is an instant such as 2026-03-01T08:00:00Z "
                    + "or 2026-03-01T10:00:00+02:00")
        }
        return instant
    }
}
