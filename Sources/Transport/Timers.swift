/// Names a timer of one loop.
public struct TimerID: Hashable, Sendable {
    let raw: UInt64
}

/// A loop's timers: a binary heap by deadline; cancelled ones stay until they come up.
///
/// Those of one deadline come in the order in which they were set.
struct TimerHeap {
    private struct Entry: Comparable {
        let deadline: UInt64
        let id: UInt64

        static func < (left: Entry, right: Entry) -> Bool {
            left.deadline == right.deadline
                ? left.id < right.id : left.deadline < right.deadline
        }
    }

    private var heap: [Entry] = []
    private var bodies: [UInt64: () -> Void] = [:]
    private var lastID: UInt64 = 0

    /// Those that are set, without the cancelled ones.
    var count: Int { bodies.count }

    /// The deadline of the first timer, which may be a cancelled one.
    var next: UInt64? { heap.first?.deadline }

    /// The deadline of the first timer that is not cancelled.
    mutating func nextSet() -> UInt64? {
        while let first = heap.first {
            if bodies[first.id] != nil { return first.deadline }
            _ = popFirst()
        }
        return nil
    }

    mutating func insert(_ deadline: UInt64, _ body: @escaping () -> Void) -> TimerID {
        lastID += 1
        bodies[lastID] = body
        heap.append(Entry(deadline: deadline, id: lastID))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            if heap[parent] < heap[child] { break }
            heap.swapAt(parent, child)
            child = parent
        }
        return TimerID(raw: lastID)
    }

    mutating func cancel(_ timer: TimerID) {
        guard bodies.removeValue(forKey: timer.raw) != nil else { return }
        // Cancelled timers with far deadlines must not pile up: rebuild when most are dead.
        if heap.count > 64, bodies.count * 4 < heap.count {
            let live = heap.filter { bodies[$0.id] != nil }
            heap = live.sorted()
        }
    }

    private mutating func popFirst() -> Entry {
        let first = heap[0]
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var parent = 0
        while true {
            var child = 2 * parent + 1
            if child >= heap.count { break }
            if child + 1 < heap.count, heap[child + 1] < heap[child] {
                child += 1
            }
            if heap[parent] < heap[child] { break }
            heap.swapAt(parent, child)
            parent = child
        }
        return first
    }

    /// The next body that is due at `now`, taken out.
    mutating func takeDue(_ now: UInt64) -> (() -> Void)? {
        while let first = heap.first, first.deadline <= now {
            if let body = bodies.removeValue(forKey: popFirst().id) { return body }
        }
        return nil
    }
}
