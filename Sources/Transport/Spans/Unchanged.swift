// One list of a value's parts for code that reads them and for code that changes them: such a list
// needs a value that may be changed, and what is only read is lent to it without a copy.

/// Lends a value to `body`, which could change it and must not.
///
/// A value that stands in a `let`, or in an array that others share, changes for all of them; one that
/// holds references loses count of them.
@inlinable @inline(__always)
public func withUnchanged<Value>(_ value: borrowing Value, _ body: (inout Value) -> Void) {
    // Safe because `body` writes nothing, and the value outlives the call.
    unsafe withUnsafePointer(to: value) { place in
        unsafe body(&UnsafeMutablePointer(mutating: place).pointee)
    }
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
            // Safe because the index is checked and `body` writes nothing.
            unsafe body(&UnsafeMutablePointer(mutating: start + index).pointee)
        }
    }
}
