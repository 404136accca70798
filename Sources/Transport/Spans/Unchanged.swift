// One list of a value's parts for code that reads them and for code that changes them: such a list
// needs a value that may be changed, and what is only read is lent to it without counting references.

/// Lends a value to `body`, which could change it and must not.
///
/// What is lent is a place of its own with the same bytes, so that any number of threads may lend one
/// value at a time. References in it are not counted: one that `body` puts in place of another is lost, and
/// the other is counted down for the value that it came from.
@inlinable @inline(__always)
public func withUnchanged<Value>(_ value: borrowing Value, _ body: (inout Value) -> Void) {
    // Safe because the value outlives the call, and `body` leaves its bytes as they are.
    unsafe withUnsafePointer(to: value) { unsafe lend($0, body) }
}

extension Span {
    /// Lends an element to `body`, which could change it and must not.
    ///
    /// See ``withUnchanged(_:_:)``. Traps where there is no such element.
    @inlinable @inline(__always)
    public func withUnchanged(at index: Int, _ body: (inout Element) -> Void) {
        precondition(index >= 0 && index < count, "there is no such element")
        unsafe withUnsafeBufferPointer { elements in
            guard let start = elements.baseAddress else { return }
            // Safe because the index is checked, and for the same reasons.
            unsafe lend(start + index, body)
        }
    }
}

/// Lends a copy of the bytes at a place, which is not destroyed.
@inlinable @inline(__always)
@unsafe func lend<Value>(_ place: UnsafePointer<Value>, _ body: (inout Value) -> Void) {
    unsafe withUnsafeTemporaryAllocation(of: Value.self, capacity: 1) { room in
        guard let copy = room.baseAddress else { return }
        unsafe UnsafeMutableRawPointer(copy).copyMemory(
            from: place, byteCount: MemoryLayout<Value>.size)
        unsafe body(&copy.pointee)
    }
}
