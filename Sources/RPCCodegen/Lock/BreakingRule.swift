/// Who is hurt by a change.
enum BreakingLevel: String, CaseIterable, Sendable {
    /// Programs that exchange the binary form.
    case wire
    /// Programs that exchange JSON, and callers over HTTP.
    case json
    /// Only programs that are compiled again.
    case source
    /// Nobody for certain; worth a look before programs of both ages run side by side.
    case advice

    /// Whether a lock can have it: advice never fails a build.
    var isFailing: Bool { self != .advice }

    /// Whether a change of the other level fails a build whose lock has this one.
    func fails(_ other: BreakingLevel) -> Bool {
        let order: [BreakingLevel] = [.wire, .json, .source]
        guard let own = order.firstIndex(of: self), let other = order.firstIndex(of: other) else {
            return false
        }
        return other <= own
    }
}

/// A change that breaks what a lock promises; its number never changes and never comes back.
enum BreakingRule: Int, NumberedRule {
    static let prefix = "LOCK"

    // Fields.
    case fieldRemoved = 1
    case fieldNameFreed = 2
    case fieldGone = 3
    case fieldRenumbered = 4
    case fieldNameMoved = 5
    case numberReused = 6
    case fieldRenamed = 7
    case typeChanged = 10
    case typeNarrowed = 11
    case typeInJSON = 12
    case enumReplaced = 13
    case messageReplaced = 14
    case presenceChanged = 15
    case repetitionChanged = 16
    case oneofChanged = 17
    case oneofRenamed = 18
    case limitTightened = 20
    case limitRaised = 21
    case reservedNumberFreed = 25
    case reservedNameFreed = 26

    // Enums.
    case valueRemoved = 30
    case valueNameRemoved = 31
    case valueRenumbered = 32
    case valueRenamed = 33

    // Declarations.
    case messageRemoved = 40
    case enumRemoved = 41
    case serviceRemoved = 42
    case servicePackage = 43
    case typePackage = 44

    // Methods.
    case methodRemoved = 50
    case methodStreams = 51
    case methodMessages = 52
    case roleRemoved = 53
    case idempotencyWeakened = 54
    case routeChanged = 55
    case timeShortened = 56

    var level: BreakingLevel {
        switch self {
        case .fieldRemoved, .fieldRenumbered, .numberReused, .typeChanged, .typeNarrowed,
            .presenceChanged, .repetitionChanged, .oneofChanged, .limitTightened,
            .reservedNumberFreed, .valueRemoved, .valueRenumbered, .serviceRemoved,
            .servicePackage, .methodRemoved, .methodStreams, .roleRemoved, .idempotencyWeakened:
            .wire
        case .fieldNameFreed, .fieldNameMoved, .fieldRenamed, .typeInJSON, .enumReplaced,
            .reservedNameFreed, .valueNameRemoved, .valueRenamed, .routeChanged:
            .json
        case .fieldGone, .messageReplaced, .oneofRenamed, .messageRemoved, .enumRemoved,
            .typePackage, .methodMessages:
            .source
        case .limitRaised, .timeShortened: .advice
        }
    }
}
