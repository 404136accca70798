import MeshAPI
import RPCRuntime

/// Says which locations an answer lacks data of, one sentence each; none for a complete answer.
///
/// - Parameters:
///   - to: The end of the range asked for; nil for an open one.
///   - asOf: When the answer was made.
func warnings(
    complete: Bool, _ sources: [Source], to: Timestamp?, asOf: Timestamp, _ times: Times
) -> [String] {
    if complete { return [] }
    var stale = sources.filter { isStale($0, to: to) }
    // Every link is up: a log or a terminal lags, and the answer does not say which.
    let isLagging = stale.isEmpty
    if isLagging { stale = sources }
    let lines = stale.map { source in
        let reason =
            switch source.state {
            case .linked: isLagging ? "may lag" : "lags"
            case .conflict: "is claimed by two logs"
            default: "is \(source.state.word)"
            }
        guard let through = source.completeThrough else {
            return "warning: \(source.location) \(reason): nothing of it is known to be complete"
        }
        let age = Times.age(asOf.since(through))
        return
            "warning: \(source.location) \(reason): complete through "
            + "\(times.text(through, at: source.location)) (\(age) ago)"
    }
    let count =
        sources.isEmpty
        ? "the gateway knows no location"
        : isLagging
            ? "a log or a device lags"
            : "\(stale.count) of \(sources.count) locations lack data"
    return lines + ["warning: the answer is incomplete: \(count)"]
}

/// Whether the source is why an answer is incomplete, as far as the answer tells.
func isStale(_ source: Source, to: Timestamp?) -> Bool {
    guard let to else { return source.state != .linked }
    guard let through = source.completeThrough else { return true }
    return through < to
}
