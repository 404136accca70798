/// The open streams of a connection by id: open addressing with linear probing, so that finding,
/// adding and removing one costs no allocation.
struct StreamTable<Value> {
    private var ids: [UInt32]
    private var values: [Value]
    /// What an empty slot holds.
    private let empty: Value
    private(set) var count = 0

    init(empty: Value) {
        self.empty = empty
        ids = Array(repeating: 0, count: 16)
        values = Array(repeating: empty, count: 16)
    }

    var isEmpty: Bool { count == 0 }

    /// The ids of all streams, in no order.
    var all: [UInt32] { ids.filter { $0 != 0 } }

    /// Ids of one side grow by two: without the lowest bit they fill the slots without gaps.
    private func home(_ id: UInt32) -> Int { Int(id >> 1) & (ids.count - 1) }

    /// How far the stream in a slot is from its home.
    private func distance(_ slot: Int) -> Int { (slot - home(ids[slot])) & (ids.count - 1) }

    // Streams that are displaced stand in the order of their homes, so that a search ends at the
    // first that is nearer to its own home, and a hole at the first that is at home: many streams
    // with ids in a row are one run of full slots, which nothing may have to walk through.

    /// The slot of a stream, valid until one is inserted or removed.
    @inline(__always)
    func slot(of id: UInt32) -> Int? {
        let slot = home(id)
        // Nearly all are at home.
        return ids[slot] == id && id != 0 ? slot : displaced(id)
    }

    /// The slot of a stream that is not at home.
    private func displaced(_ id: UInt32) -> Int? {
        var slot = home(id)
        var away = 0
        while ids[slot] != 0, distance(slot) >= away {
            if ids[slot] == id { return slot }
            slot = (slot + 1) & (ids.count - 1)
            away += 1
        }
        return nil
    }

    /// The stream in a slot from ``slot(of:)``.
    subscript(slot: Int) -> Value {
        get { values[slot] }
        _modify { yield &values[slot] }
    }

    /// Adds a stream whose id is not in the table; ids are never 0.
    ///
    /// - Returns: Its slot, whose value is what a stream of before has left: no references.
    mutating func insert(_ id: UInt32) -> Int {
        precondition(id != 0, "stream 0 is the connection")
        if count * 2 >= ids.count { grow() }
        var slot = home(id)
        var away = 0
        while ids[slot] != 0, distance(slot) >= away {
            precondition(ids[slot] != id, "a stream id is used once")
            slot = (slot + 1) & (ids.count - 1)
            away += 1
        }
        if ids[slot] != 0 { open(slot) }
        ids[slot] = id
        count += 1
        return slot
    }

    /// Empties a slot: those from there to the next empty one move up.
    private mutating func open(_ slot: Int) {
        var hole = slot
        while ids[hole] != 0 { hole = (hole + 1) & (ids.count - 1) }
        while hole != slot {
            let before = (hole - 1) & (ids.count - 1)
            ids[hole] = ids[before]
            values.swapAt(hole, before)
            hole = before
        }
    }

    @discardableResult
    mutating func remove(_ id: UInt32) -> Value? {
        guard let slot = slot(of: id) else { return nil }
        // Swapped, not copied: a copy would touch every reference in it twice.
        var removed = empty
        swap(&removed, &values[slot])
        close(slot)
        return removed
    }

    /// Removes the stream in a slot from ``slot(of:)``; `clear` lets go of what it refers to.
    mutating func discard(slot: Int, _ clear: (inout Value) -> Void) {
        clear(&values[slot])
        close(slot)
    }

    /// Closes the hole at a slot whose value refers to nothing any more.
    private mutating func close(_ slot: Int) {
        var hole = slot
        var next = (hole + 1) & (ids.count - 1)
        while ids[next] != 0, distance(next) > 0 {
            ids[hole] = ids[next]
            values.swapAt(hole, next)
            hole = next
            next = (next + 1) & (ids.count - 1)
        }
        ids[hole] = 0
        count -= 1
    }

    private mutating func grow() {
        let (oldIDs, oldValues) = (ids, values)
        ids = Array(repeating: 0, count: oldIDs.count * 2)
        values = Array(repeating: empty, count: oldIDs.count * 2)
        count = 0
        for slot in oldIDs.indices where oldIDs[slot] != 0 {
            values[insert(oldIDs[slot])] = oldValues[slot]
        }
    }
}
