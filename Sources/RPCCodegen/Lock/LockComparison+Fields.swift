// Fields of messages.

extension LockComparison {
    mutating func compareMessages(
        _ pair: Pair, _ before: MessagePromise, _ now: MessagePromise
    ) {
        compareReserved(pair, before.reserved, now.reserved)
        let byName = Dictionary(
            now.fields.values.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })
        var shared: [(before: FieldPromise, now: FieldPromise)] = []
        for (number, field) in before.fields.sorted(by: { $0.key < $1.key }) {
            if let other = byName[field.name], other.number != number {
                moved(pair, field, other, isReserved: now.reserved.contains(Int64(number)))
            } else if let other = now.fields[number] {
                shared.append((field, other))
                compare(pair, field, other)
            } else {
                removed(pair, field, now.reserved)
            }
        }
        compareOneofs(pair, shared)
    }

    private mutating func moved(
        _ pair: Pair, _ before: FieldPromise, _ now: FieldPromise, isReserved: Bool
    ) {
        report(
            isReserved ? .fieldNameMoved : .fieldRenumbered, .field(pair.old, before.number),
            .field(pair.new, now.number, .number),
            "field `\(before.name)` of \(shown(pair)) was \(before.number), is \(now.number)",
            remedy: isReserved ? nil : "write `= \(before.number)` again")
    }

    private mutating func removed(
        _ pair: Pair, _ field: FieldPromise, _ reserved: ReservedPromise
    ) {
        let isFree = !reserved.contains(Int64(field.number))
        let isNameFree = !reserved.names.contains(field.name)
        let missing = Self.missing(
            isFree ? Int64(field.number) : nil, isNameFree ? field.name : nil)
        report(
            isFree ? .fieldRemoved : isNameFree ? .fieldNameFreed : .fieldGone,
            .field(pair.old, field.number), .declaration(pair.new),
            "field \(field.number) of \(shown(pair)) was `\(field.name)`, and is gone",
            remedy: missing)
    }

    private mutating func compare(_ pair: Pair, _ before: FieldPromise, _ now: FieldPromise) {
        let what = "field \(before.number) of \(shown(pair))"
        if let change = form(before, now) {
            // Another name and another form: it is another field.
            let isOther = before.name != now.name && change.level == .wire
            report(
                isOther ? .numberReused : change, .field(pair.old, before.number),
                .field(pair.new, now.number, isOther ? .number : .type),
                "\(what) was `\(before.name): \(before.form)`, is `\(now.name): \(now.form)`",
                remedy: isOther
                    ? "give `\(now.name)` a new number, and write "
                        + "`reserved \(before.number), \"\(before.name)\"`"
                    : nil)
            if change.level == .wire { return }
        }
        if before.name != now.name {
            report(
                .fieldRenamed, .field(pair.old, before.number),
                .field(pair.new, now.number, .name),
                "\(what) was `\(before.name)`, is `\(now.name)`")
        }
        if before.hasPresence != now.hasPresence {
            report(
                .presenceChanged, .field(pair.old, before.number),
                .field(pair.new, now.number, .type),
                "\(what) was `\(before.form)`, is `\(now.form)`")
        }
        compareLimits(pair, now, now.type, before.limit, now.limit, what)
        if case .map(let keys, let limit) = before.cardinality,
            case .map(_, let newLimit) = now.cardinality
        {
            compareLimits(pair, now, .scalar(keys), limit, newLimit, "the keys of \(what)")
        }
        if let count = before.countMax, let newCount = now.countMax {
            compareLimits(
                pair, now, now.type, .length(0...count), .length(0...newCount),
                "the elements of \(what)")
        }
    }

    /// What is broken by a field's type and whether it is a list or map; nil where nothing is.
    private mutating func form(_ before: FieldPromise, _ now: FieldPromise) -> BreakingRule? {
        if before.repetition != now.repetition { return .repetitionChanged }
        if case .map(let keys, _) = before.cardinality, case .map(let newKeys, _) = now.cardinality,
            keys != newKeys
        {
            return change(.scalar(keys), .scalar(newKeys))
        }
        return change(before.type, now.type)
    }

    /// What is broken when a field has the other type; nil where nothing is.
    private mutating func change(_ before: FieldType, _ now: FieldType) -> BreakingRule? {
        switch (before, now) {
        case (.message(let old), .message(let new)):
            queue(old, new)
            return current(old) == new ? nil : .messageReplaced
        case (.enumeration(let old), .enumeration(let new)):
            queue(old, new)
            return current(old) == new ? nil : .enumReplaced
        case (.scalar(.int32), .enumeration), (.enumeration, .scalar(.int32)):
            return .typeInJSON
        case _ where before == now:
            return nil
        default:
            guard let form = before.wireForm, form == now.wireForm else { return .typeChanged }
            return .typeNarrowed
        }
    }

    // MARK: Oneofs

    /// Fields that both sides know must exclude the same others of these.
    private mutating func compareOneofs(
        _ pair: Pair, _ shared: [(before: FieldPromise, now: FieldPromise)]
    ) {
        var old: [String: Set<UInt32>] = [:]
        var new: [String: Set<UInt32>] = [:]
        for (before, now) in shared {
            if let oneof = before.oneof { old[oneof, default: []].insert(before.number) }
            if let oneof = now.oneof { new[oneof, default: []].insert(now.number) }
        }
        for (before, now) in shared where before.oneof != now.oneof || before.oneof != nil {
            let own: Set<UInt32> = [before.number]
            let mates = before.oneof.flatMap { old[$0] } ?? own
            let newMates = now.oneof.flatMap { new[$0] } ?? own
            let line = LockSubject.field(pair.old, before.number)
            let place = LockPlace.field(pair.new, now.number, .name)
            let what = "field \(before.number) of \(shown(pair))"
            let both = "was \(before.exclusion), is \(now.exclusion)"
            if mates != newMates {
                // A field that was left where it is has the others to blame.
                guard before.oneof != now.oneof else { continue }
                report(.oneofChanged, line, place, "\(what) \(both)")
            } else if before.oneof != now.oneof, before.hasPresence == now.hasPresence {
                report(.oneofRenamed, line, place, "\(what) \(both)")
            }
        }
    }
}

extension FieldPromise {
    enum Repetition {
        case one, list, map
    }

    var repetition: Repetition {
        switch cardinality {
        case .plain, .optional, .choice: .one
        case .list: .list
        case .map: .map
        }
    }

    /// Whether it can be absent, which differs from the default.
    var hasPresence: Bool {
        switch cardinality {
        case .optional, .choice: true
        case .plain, .list, .map: false
        }
    }

    var oneof: String? { if case .choice(let oneof) = cardinality { oneof } else { nil } }

    var exclusion: String { oneof.map { "a choice of `\($0)`" } ?? "in no oneof" }
}

/// Types whose values look alike on the wire.
private enum WireForm {
    case varint, text
}

extension FieldType {
    fileprivate var wireForm: WireForm? {
        switch self {
        case .scalar(.bool), .scalar(.int32), .scalar(.int64), .scalar(.uint32),
            .scalar(.uint64), .enumeration:
            .varint
        case .scalar(.string), .scalar(.bytes), .scalar(.uuid): .text
        case .scalar, .message: nil
        }
    }
}
