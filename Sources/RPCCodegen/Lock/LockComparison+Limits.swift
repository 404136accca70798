// Limits of values and counts.

extension LockComparison {
    mutating func compareLimits(
        _ pair: Pair, _ now: FieldPromise, _ type: FieldType, _ before: ValueLimit,
        _ limit: ValueLimit, _ what: String
    ) {
        let low = type.order(before.low ?? type.lowest, limit.low ?? type.lowest)
        let high = type.order(before.high ?? type.highest, limit.high ?? type.highest)
        let rule: BreakingRule
        switch (low, high) {
        case (.same, .same): return
        // No limit at all is outside every limit.
        case (.up, _), (.appears, _), (_, .down), (_, .appears): rule = .limitTightened
        default: rule = .limitRaised
        }
        report(
            rule, .field(pair.old, now.number), .field(pair.new, now.number, .limit),
            "\(what) had \(before.lockText), has \(limit.lockText)")
    }
}

/// Where the end of a range has gone.
private enum Shift {
    case down, same, up, appears, vanishes
}

extension ValueLimit {
    fileprivate var low: String? {
        switch self {
        case .none: nil
        case .length(let range): "\(range.lowerBound)"
        case .range(let low, _): low
        }
    }

    fileprivate var high: String? {
        switch self {
        case .none: nil
        case .length(let range): "\(range.upperBound)"
        case .range(_, let high): high
        }
    }

    /// `(max 64)`, or that there is none.
    fileprivate var lockText: String {
        self == .none ? "no limit" : String(schemaText.dropFirst())
    }
}

extension FieldType {
    fileprivate var lowest: String? {
        switch self {
        case .scalar(.int32), .enumeration: "\(Int32.min)"
        case .scalar(.int64): "\(Int64.min)"
        case .scalar(.uint32), .scalar(.uint64): "0"
        case .scalar, .message: nil
        }
    }

    fileprivate var highest: String? {
        switch self {
        case .scalar(.int32), .enumeration: "\(Int32.max)"
        case .scalar(.int64): "\(Int64.max)"
        case .scalar(.uint32): "\(UInt32.max)"
        case .scalar(.uint64): "\(UInt64.max)"
        case .scalar, .message: nil
        }
    }

    /// Compares two numbers as schemas write them.
    fileprivate func order(_ before: String?, _ now: String?) -> Shift {
        guard let before else { return now == nil ? .same : .appears }
        guard let now else { return .vanishes }
        return switch self {
        case .scalar(.float), .scalar(.double): Self.order(Double(before), Double(now))
        case .scalar(.uint64): Self.order(UInt64(before), UInt64(now))
        default: Self.order(Int64(before), Int64(now))
        }
    }

    private static func order<Number: Comparable>(_ before: Number?, _ now: Number?) -> Shift {
        guard let before, let now, before != now else { return .same }
        return now < before ? .down : .up
    }
}
