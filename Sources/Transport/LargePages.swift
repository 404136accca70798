import Glibc

/// Asks the kernel for large pages behind an array's memory, used or not, where they fit: a fault
/// for each small one of 64 MiB takes longer than filling them.
public func preferLargePages(_ array: inout [UInt8]) {
    let page = 2 << 20
    let capacity = array.capacity
    guard capacity >= 2 * page else { return }
    // Safe because advice changes no contents, and the range lies within the array's memory.
    unsafe array.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return }
        let start = (Int(bitPattern: base) + page - 1) / page * page
        let end = (Int(bitPattern: base) + capacity) / page * page
        guard end > start, let first = unsafe UnsafeMutableRawPointer(bitPattern: start) else {
            return
        }
        _ = unsafe madvise(first, end - start, Int32(MADV_HUGEPAGE))
    }
}
