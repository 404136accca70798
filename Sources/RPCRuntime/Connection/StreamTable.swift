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

    /// The slot of a stream, valid until one is inserted or removed.
    func slot(of id: UInt32) -> Int? {
        var slot = home(id)
        while ids[slot] != 0 {
            if ids[slot] == id { return slot }
            slot = (slot + 1) & (ids.count - 1)
        }
        return nil
    }

    /// The stream in a slot from ``slot(of:)``.
    subscript(slot: Int) -> Value {
        get { values[slot] }
        _modify { yield &values[slot] }
    }

    /// Adds a stream whose id is not in the table; ids are never 0.
    mutating func insert(_ id: UInt32, _ value: Value) {
        precondition(id != 0, "stream 0 is the connection")
        if count * 2 >= ids.count { grow() }
        var slot = home(id)
        while ids[slot] != 0 {
            precondition(ids[slot] != id, "a stream id is used once")
            slot = (slot + 1) & (ids.count - 1)
        }
        ids[slot] = id
        values[slot] = value
        count += 1
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

    /// Removes the stream in a slot from ``slot(of:)``.
    mutating func discard(slot: Int) {
        values[slot] = empty
        close(slot)
    }

    /// Closes the hole at a slot whose value is empty already.
    private mutating func close(_ slot: Int) {
        var hole = slot
        let mask = ids.count - 1
        var next = (hole + 1) & mask
        // Moves up what a search from its home would no longer find behind the hole.
        while ids[next] != 0 {
            if (next - home(ids[next])) & mask >= (next - hole) & mask {
                ids[hole] = ids[next]
                values.swapAt(hole, next)
                hole = next
            }
            next = (next + 1) & mask
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
            insert(oldIDs[slot], oldValues[slot])
        }
    }
}
