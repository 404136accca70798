// What the emitters for readers say in words.

extension ValueLimit {
    /// `at most 64 bytes`, `4 to 8 bytes`, `0 to 999`; nil where there is no limit.
    var words: String? {
        switch self {
        case .none: nil
        case .length(let range) where range.lowerBound == 0: "at most \(range.upperBound) bytes"
        case .length(let range) where range.count == 1: "\(range.upperBound) bytes"
        case .length(let range): "\(range.lowerBound) to \(range.upperBound) bytes"
        case .range(let low, let high): "\(low) to \(high)"
        }
    }
}

extension FieldModel {
    /// Each limit that a value of the field has, such as `at most 8 elements`.
    var limitWords: [String] {
        let value = limit.words
        let words: [String?] =
            switch cardinality {
            case .plain, .optional, .choice:
                [value]
            case .list:
                ["at most \(countMax) elements", value.map { "each \($0)" }]
            case .map(_, let keyLimit):
                [
                    "at most \(countMax) entries", keyLimit.words.map { "keys: \($0)" },
                    value.map { "values: \($0)" },
                ]
            }
        return words.compactMap(\.self)
    }
}

extension MethodKind {
    var words: String {
        switch self {
        case .unary: "unary"
        case .serverStreaming: "server-streaming"
        case .clientStreaming: "client-streaming"
        case .bidirectional: "bidirectional"
        }
    }
}

extension Idempotency {
    /// A sentence without its dot; nil where nothing is known.
    var words: String? {
        switch self {
        case .unknown: nil
        case .safe: "Safe: no call changes anything"
        case .idempotent(nil): "Idempotent: a second call changes nothing more"
        case .idempotent(let key?):
            "Idempotent by `\(key)`: a second call with the same value changes nothing more"
        }
    }
}

extension MethodModel {
    /// `5s`, `none`.
    var deadlineWords: String { deadlineMilliseconds.map(Self.time) ?? "none" }

    /// In the largest unit that leaves no fraction.
    static func time(_ milliseconds: Int64) -> String {
        for (unit, size) in [("h", 3_600_000), ("m", 60_000), ("s", 1000)] as [(String, Int64)]
        where milliseconds % size == 0 {
            return "\(milliseconds / size)\(unit)"
        }
        return "\(milliseconds)ms"
    }
}

extension [String] {
    /// Lines of documentation without the space that all of them begin with.
    var withoutMargin: [String] {
        allSatisfy { $0.isEmpty || $0.hasPrefix(" ") } ? map { String($0.dropFirst()) } : self
    }
}
