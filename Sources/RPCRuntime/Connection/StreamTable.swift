/// The open streams of a connection by id: open addressing with linear probing, so that finding,
/// adding and removing one costs no allocation.
struct StreamTable<Value> {
    private struct Slot {
        /// 0 for an empty slot.
        var id: UInt32 = 0
        var value: Value
    }

    private var slots: [Slot]
    /// What an empty slot holds.
    private let empty: Value
    private(set) var count = 0

    init(empty: Value) {
        self.empty = empty
        slots = Array(repeating: Slot(value: empty), count: 16)
    }

    var isEmpty: Bool { count == 0 }

    /// The ids of all streams, in no order.
    var all: [UInt32] { slots.map(\.id).filter { $0 != 0 } }

    /// Ids of one side grow by two: without the lowest bit they fill the slots without gaps.
    @inline(__always)
    private func home(_ id: UInt32) -> Int { Int(id >> 1) & (slots.count &- 1) }

    @inline(__always)
    private func after(_ slot: Int) -> Int { (slot &+ 1) & (slots.count &- 1) }

    /// How far the stream in a slot is from its home.
    private func distance(_ slot: Int) -> Int {
        (slot &- home(slots[slot].id)) & (slots.count &- 1)
    }

    // Streams that are displaced stand in the order of their homes, so that a search ends at the
    // first that is nearer to its own home, and a hole at the first that is at home: many streams
    // with ids in a row are one run of full slots, which nothing may have to walk through.

    /// The slot of a stream, valid until one is inserted or removed.
    @inline(__always)
    func slot(of id: UInt32) -> Int? {
        let slot = home(id)
        // Nearly all are at home.
        return slots[slot].id == id && id != 0 ? slot : displaced(id)
    }

    /// The slot of a stream that is not at home.
    private func displaced(_ id: UInt32) -> Int? {
        var slot = home(id)
        var away = 0
        while slots[slot].id != 0, distance(slot) >= away {
            if slots[slot].id == id { return slot }
            slot = after(slot)
            away += 1
        }
        return nil
    }

    /// The stream in a slot from ``slot(of:)``.
    subscript(slot: Int) -> Value {
        get { slots[slot].value }
        _modify { yield &slots[slot].value }
    }

    /// Adds a stream whose id is not in the table; ids are never 0.
    ///
    /// - Parameter fill: Gets what a stream of before has left in the slot: no references.
    /// - Returns: Its slot.
    @discardableResult
    mutating func insert(_ id: UInt32, _ fill: (inout Value) -> Void) -> Int {
        precondition(id != 0, "stream 0 is the connection")
        if count * 2 >= slots.count { grow() }
        var slot = home(id)
        var away = 0
        while slots[slot].id != 0, distance(slot) >= away {
            precondition(slots[slot].id != id, "a stream id is used once")
            slot = after(slot)
            away += 1
        }
        if slots[slot].id != 0 { open(slot) }
        Self.set(&slots[slot], id, fill)
        count += 1
        return slot
    }

    /// Changes a slot in one access to the array.
    @inline(__always)
    private static func set(_ slot: inout Slot, _ id: UInt32, _ change: (inout Value) -> Void) {
        slot.id = id
        change(&slot.value)
    }

    /// Empties a slot: those from there to the next empty one move up.
    private mutating func open(_ slot: Int) {
        var hole = slot
        while slots[hole].id != 0 { hole = after(hole) }
        while hole != slot {
            let before = (hole &- 1) & (slots.count &- 1)
            slots.swapAt(hole, before)
            hole = before
        }
    }

    @discardableResult
    mutating func remove(_ id: UInt32) -> Value? {
        guard let slot = slot(of: id) else { return nil }
        // Swapped, not copied: a copy would touch every reference in it twice.
        var removed = empty
        swap(&removed, &slots[slot].value)
        close(slot)
        return removed
    }

    /// Removes the stream in a slot from ``slot(of:)``; `clear` lets go of what it refers to.
    @inline(__always)
    mutating func discard(slot: Int, _ clear: (inout Value) -> Void) {
        let next = after(slot)
        if slots[next].id == 0 || next == home(slots[next].id) {
            // Nothing moves up.
            Self.set(&slots[slot], 0, clear)
            count -= 1
        } else {
            clear(&slots[slot].value)
            close(slot)
        }
    }

    /// Closes the hole at a slot whose value refers to nothing any more.
    private mutating func close(_ slot: Int) {
        var hole = slot
        var next = after(hole)
        while slots[next].id != 0, distance(next) > 0 {
            slots.swapAt(hole, next)
            hole = next
            next = after(hole)
        }
        slots[hole].id = 0
        count -= 1
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: Slot(value: empty), count: old.count * 2)
        count = 0
        for slot in old where slot.id != 0 { insert(slot.id) { $0 = slot.value } }
    }
}
