import ServiceKit

/// Something that goes wrong with a simulated device.
///
/// As text it is `KIND[=VALUE][@PHASE][+SKIP][xTIMES]`, for example `cut=5000@log`, `lose=20` or
/// `silence@live x3` without the space.
struct Fault: Sendable, Hashable {
    enum Kind: String, Sendable, CaseIterable {
        /// The connection ends after VALUE bytes of an answer (20).
        case cut
        /// Requests get no answer.
        case silence
        /// The connection is reset, and over UDP the session forgotten.
        case reset
        /// VALUE random bytes come in the place of an answer (64).
        case garbage
        /// Answers come VALUE milliseconds late (50).
        case slow
        /// The counter of records is wrong by VALUE (1).
        case count
        /// VALUE people punch while a log is read (3).
        case race
        /// The log is sent without its last VALUE rows (1).
        case short
        /// A slice lacks its last VALUE bytes (1).
        case clip
        /// The log has its last VALUE rows twice (1).
        case twice
        /// VALUE of a hundred datagrams are lost (20).
        case lose
        /// VALUE of a hundred datagrams come twice (20).
        case `repeat`
        /// VALUE of a hundred datagrams come behind the next (20).
        case reorder
        /// The clock jumps by VALUE seconds (3600).
        case clock
        /// The clock gains VALUE millionths from now on (1000).
        case drift
        /// The memory is full from now on.
        case full
        /// Events are announced no more.
        case deaf
        /// The comm key is another one.
        case key
        /// Another client takes the session.
        case steal
        /// Requests for long answers are refused.
        case refuse
    }

    /// What the client is doing.
    enum Phase: String, Sendable, CaseIterable {
        /// Until the session stands and the device has told who it is.
        case connect
        /// While users are read.
        case users
        /// While the log is read.
        case log
        /// Once it listens: events and what asks for them.
        case live
        /// Questions between reads: the time, the counters.
        case idle
    }

    var kind: Kind
    var value: Int?
    /// nil for any.
    var phase: Phase?
    /// How many chances it lets pass.
    var skip = 0
    /// How often it strikes; nil for always.
    var times: Int?

    init(
        _ kind: Kind, value: Int? = nil, phase: Phase? = nil, skip: Int = 0, times: Int? = nil
    ) {
        self.kind = kind
        self.value = value
        self.phase = phase
        self.skip = skip
        self.times = times
    }

    /// The value, or what it is where none is given.
    var amount: Int {
        if let value { return value }
        switch kind {
        case .cut, .lose, .repeat, .reorder: return 20
        case .garbage: return 64
        case .slow: return 50
        case .race: return 3
        case .clock: return 3600
        case .drift: return 1000
        case .count, .short, .clip, .twice: return 1
        case .silence, .reset, .full, .deaf, .key, .steal, .refuse: return 0
        }
    }
}

extension Fault: CustomStringConvertible {
    init(_ text: String) throws(UsageError) {
        var rest = Substring(text)
        func number(after mark: Character) throws(UsageError) -> Int? {
            guard let place = rest.lastIndex(of: mark) else { return nil }
            let digits = rest[rest.index(after: place)...]
            guard let value = Int(digits), value.magnitude <= 1_000_000_000 else {
                if mark == "x" { return nil }
                throw UsageError("the fault `\(text)` has no number behind `\(mark)`")
            }
            rest = rest[..<place]
            return value
        }
        times = try number(after: "x")
        skip = max(0, try number(after: "+") ?? 0)
        phase = nil
        if let mark = rest.lastIndex(of: "@") {
            let name = String(rest[rest.index(after: mark)...])
            guard let found = Phase(rawValue: name) else {
                throw UsageError(
                    "the fault `\(text)` names the phase `\(name)`; known are "
                        + Phase.allCases.map(\.rawValue).joined(separator: ", "))
            }
            phase = found
            rest = rest[..<mark]
        }
        value = try number(after: "=")
        guard let found = Kind(rawValue: String(rest)) else {
            throw UsageError(
                "the fault `\(text)` is of no known kind; known are "
                    + Kind.allCases.map(\.rawValue).joined(separator: ", "))
        }
        kind = found
    }

    var description: String {
        kind.rawValue + (value.map { "=\($0)" } ?? "") + (phase.map { "@\($0.rawValue)" } ?? "")
            + (skip > 0 ? "+\(skip)" : "") + (times.map { "x\($0)" } ?? "")
    }
}
