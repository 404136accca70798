import Synchronization
import Transport

/// What happened, as lines where they are kept, and as a hash (FNV-1a, 64 bits) always.
final class Trace: Sendable {
    private struct State: Sendable {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        var lines: [String] = []
    }

    private let state = Lock(State())
    private let keepsLines: Bool

    init(keepsLines: Bool) { self.keepsLines = keepsLines }

    var hash: UInt64 { state.withLock { $0.hash } }
    var lines: [String] { state.withLock { $0.lines } }

    func note(_ event: LinkEvent) {
        if keepsLines { return note(event.description) }
        // Without the text, which costs more than all the rest of a simulation.
        let kind: UInt64 =
            switch event.kind {
            case .opened: 1
            case .bytes(let count, let hash): hash &+ UInt64(count) &* 7919
            case .end: 2
            case .reset: 3
            case .fault: 4
            }
        let direction: UInt64 = event.direction == .fromDialler ? 5 : 6
        state.withLock { state in
            for word in [event.time, direction, kind] { mix(word, &state.hash) }
        }
    }

    func note(_ line: String) {
        state.withLock { state in
            for byte in line.utf8 { mix(UInt64(byte), &state.hash) }
            if keepsLines { state.lines.append(line) }
        }
    }

    private func mix(_ word: UInt64, _ hash: inout UInt64) {
        hash = (hash ^ word) &* 0x100_0000_01B3
        hash ^= hash >> 29
    }
}
