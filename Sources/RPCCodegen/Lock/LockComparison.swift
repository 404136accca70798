/// Compares what was promised with what the schemas have now.
///
/// Declarations are compared by name; where a field or method has another message or enum than
/// before, that is compared with the one it takes the place of.
struct LockComparison {
    /// Who has more has another schema.
    static let countMax = 1000

    struct Pair: Hashable {
        var old: TypeName
        var new: TypeName
    }

    let old: Promise
    let new: Promise
    private(set) var findings: [LockFinding] = []
    private var seen: Set<Pair> = []
    private var waiting: [Pair] = []
    /// By the name without the package, which no two declarations of a module share.
    private var byLocalName: [String: TypeName] = [:]

    static func findings(from old: Promise, to new: Promise) -> [LockFinding] {
        var comparison = LockComparison(old: old, new: new)
        comparison.compare()
        return comparison.findings
    }

    private init(old: Promise, new: Promise) {
        self.old = old
        self.new = new
        let names =
            Array(new.messages.keys) + Array(new.enums.keys) + Array(new.services.keys)
        for name in names { byLocalName[name.name] = name }
    }

    mutating func report(
        _ rule: BreakingRule, _ promised: LockSubject, _ place: LockPlace, _ text: String,
        remedy: String? = nil
    ) {
        let finding = LockFinding(
            rule: rule, promised: promised, place: place, text: text,
            remedy: remedy ?? rule.remedy)
        if findings.count < Self.countMax { findings.append(finding) }
    }

    /// What a declaration is called now, or nil where there is none; only packages may differ.
    func current(_ name: TypeName) -> TypeName? { byLocalName[name.name] }

    // MARK: Declarations

    private mutating func compare() {
        var moves: [Pair: (hasService: Bool, first: TypeName)] = [:]
        func sorted(_ names: some Collection<TypeName>) -> [TypeName] {
            names.sorted { $0.description < $1.description }
        }
        for name in sorted(old.messages.keys) {
            if let now = current(name), new.messages[now] != nil {
                note(name, now, isService: false, &moves)
                queue(name, now)
            } else {
                removed(.messageRemoved, name, "message")
            }
        }
        for name in sorted(old.enums.keys) {
            if let now = current(name), new.enums[now] != nil {
                note(name, now, isService: false, &moves)
                queue(name, now)
            } else {
                removed(.enumRemoved, name, "enum")
            }
        }
        for name in sorted(old.services.keys) {
            if let now = current(name), new.services[now] != nil {
                note(name, now, isService: true, &moves)
                compareServices(name, now)
            } else {
                removed(.serviceRemoved, name, "service")
            }
        }
        // By place, not by hash, so that each run says the same.
        for (pair, move) in moves.sorted(by: { $0.key.old.package < $1.key.old.package }) {
            report(
                move.hasService ? .servicePackage : .typePackage, .declaration(move.first),
                .package(pair.new.package),
                "`\(move.first.name)` and what stands with it was in the package "
                    + "`\(pair.old.package)`, is in `\(pair.new.package)`")
        }
        while let pair = waiting.popLast() {
            if let before = old.messages[pair.old], let now = new.messages[pair.new] {
                compareMessages(pair, before, now)
            } else if let before = old.enums[pair.old], let now = new.enums[pair.new] {
                compareEnums(pair, before, now)
            }
        }
    }

    /// Notes a package that has changed; one finding stands for all that was in it.
    private func note(
        _ name: TypeName, _ now: TypeName, isService: Bool,
        _ moves: inout [Pair: (hasService: Bool, first: TypeName)]
    ) {
        guard name.package != now.package else { return }
        let pair = Pair(
            old: TypeName(package: name.package, name: ""),
            new: TypeName(package: now.package, name: ""))
        let move = moves[pair] ?? (isService, name)
        moves[pair] = isService && !move.hasService ? (true, name) : move
    }

    private mutating func removed(_ rule: BreakingRule, _ name: TypeName, _ kind: String) {
        report(
            rule, .declaration(name), .package(name.package),
            "the \(kind) `\(name)` was here, and is gone")
    }

    // MARK: Messages and enums in one another's place

    mutating func queue(_ old: TypeName, _ new: TypeName) {
        let pair = Pair(old: old, new: new)
        if seen.insert(pair).inserted { waiting.append(pair) }
    }

    /// How findings name a declaration: with the one it takes the place of, if it is another.
    func shown(_ pair: Pair) -> String {
        pair.old.name == pair.new.name
            ? "`\(pair.new.name)`" : "`\(pair.new.name)`, in the place of `\(pair.old.name)`,"
    }

    // MARK: Reserved

    mutating func compareReserved(
        _ pair: Pair, _ before: ReservedPromise, _ now: ReservedPromise
    ) {
        for range in before.numbers(missingIn: now) {
            report(
                .reservedNumberFreed, .declaration(pair.old), .declaration(pair.new),
                "in \(shown(pair)) \(range.schemaText) was reserved, and is free",
                remedy: "write `reserved \(range.schemaText)` again")
        }
        for name in before.names.subtracting(now.names).sorted() {
            report(
                .reservedNameFreed, .declaration(pair.old), .declaration(pair.new),
                "in \(shown(pair)) \"\(name)\" was reserved, and is free",
                remedy: "write `reserved \"\(name)\"` again")
        }
    }

    // MARK: Enums

    private mutating func compareEnums(_ pair: Pair, _ before: EnumPromise, _ now: EnumPromise) {
        compareReserved(pair, before.reserved, now.reserved)
        let numbers = Dictionary(now.values.map { ($1, $0) }, uniquingKeysWith: { a, _ in a })
        for (number, name) in before.values.sorted(by: { $0.key < $1.key }) {
            let line = LockSubject.value(pair.old, number)
            if let other = numbers[name] {
                if other == number { continue }
                report(
                    .valueRenumbered, line, .value(pair.new, other),
                    "value `\(name)` of \(shown(pair)) was \(number), is \(other)",
                    remedy: "write `\(name) = \(number)` again")
            } else if let other = now.values[number] {
                report(
                    .valueRenamed, line, .value(pair.new, number),
                    "value \(number) of \(shown(pair)) was `\(name)`, is `\(other)`")
            } else {
                let isFree = !now.reserved.contains(Int64(number))
                let missing = Self.missing(
                    isFree ? Int64(number) : nil, now.reserved.names.contains(name) ? nil : name)
                report(
                    isFree ? .valueRemoved : .valueNameRemoved, line, .declaration(pair.new),
                    "value \(number) of \(shown(pair)) was `\(name)`, and is gone",
                    remedy: missing ?? BreakingRule.valueNameRemoved.remedy)
            }
        }
    }

    /// What has to be reserved.
    static func missing(_ number: Int64?, _ name: String?) -> String? {
        let parts = [number.map { "\($0)" }, name.map { "\"\($0)\"" }].compactMap(\.self)
        return parts.isEmpty ? nil : "write `reserved \(parts.joined(separator: ", "))`"
    }
}
