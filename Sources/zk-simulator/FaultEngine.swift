import ZKProtocol

/// The faults that a device has now, and whose turn it is.
struct FaultEngine: Sendable {
    private struct Entry: Sendable {
        let fault: Fault
        var skipped = 0
        var struck = 0

        var isSpent: Bool { fault.times.map { struck >= $0 } ?? false }
    }
    private var entries: [Entry] = []
    private var random: SeededGenerator
    /// How often a fault struck since the start.
    private(set) var strikes = 0

    init(seed: UInt64) { random = SeededGenerator(seed: seed, part: 3) }

    var faults: [Fault] { entries.map(\.fault) }

    mutating func add(_ fault: Fault) { entries.append(Entry(fault: fault)) }

    mutating func clear() { entries = [] }

    /// The first fault of one of the `kinds` that strikes in `phase`; it has struck then.
    mutating func strike(_ kinds: Set<Fault.Kind>, _ phase: Fault.Phase) -> Fault? {
        for index in entries.indices {
            let fault = entries[index].fault
            guard kinds.contains(fault.kind), fault.phase.map({ $0 == phase }) ?? true,
                !entries[index].isSpent
            else { continue }
            if entries[index].skipped < fault.skip {
                entries[index].skipped += 1
                continue
            }
            entries[index].struck += 1
            strikes += 1
            return fault
        }
        return nil
    }

    /// Whether a fault of the kind strikes, by its percentage.
    mutating func isUnlucky(_ kind: Fault.Kind, _ phase: Fault.Phase) -> Bool {
        guard let entry = entries.first(where: { $0.fault.kind == kind }),
            entry.fault.phase.map({ $0 == phase }) ?? true, !entry.isSpent,
            random.chance(entry.fault.amount)
        else { return false }
        return strike([kind], phase) != nil
    }

    /// The amount of a fault that lasts; nil where there is none now.
    func lasting(_ kind: Fault.Kind, _ phase: Fault.Phase) -> Int? {
        entries.first {
            $0.fault.kind == kind && $0.fault.phase.map { $0 == phase } ?? true && !$0.isSpent
        }?.fault.amount
    }

    mutating func noise(_ count: Int) -> [UInt8] {
        (0..<max(0, count)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }
}

extension Fault.Phase {
    /// What the client does with a request: `before` is what it did with the one before.
    static func of(_ packet: Packet, before: Fault.Phase, isListening: Bool) -> Fault.Phase {
        switch packet.command {
        case .connect, .authenticate, .readOption, .version: return .connect
        case .prepareBuffer:
            let selector = try? BulkSelector(decoding: packet.data)
            return selector?.command == .readUsers ? .users : .log
        case .readUsers: return .users
        case .readAttendance: return .log
        case .readBuffer, .freeData, .prepareData, .data: return before
        case .event, .ok: return .live
        // The counters are asked for around each read.
        case .freeSizes where before == .users || before == .log: return before
        default: return isListening || before != .connect ? .idle : .connect
        }
    }
}
