import Glibc

/// Memory that the output buffers of one loop hand on to each other: a connection with nothing to
/// send has none.
@safe final class SpareMemory: @unchecked Sendable {
    // Safe because only the loop's thread uses it, and `storage` has `capacity` bytes from malloc,
    // owned by whoever holds the pointer.
    fileprivate var storage: UnsafeMutableRawPointer?
    fileprivate var capacity = 0

    /// What is larger goes back to the system.
    fileprivate static let limit = 512 << 10

    init() { unsafe storage = nil }

    deinit { unsafe free(storage) }
}

/// Bytes on their way to the kernel: appended at the end, written from the front.
@safe struct OutputBuffer: ~Copyable {
    private let spare: SpareMemory
    private var storage: UnsafeMutableRawPointer?
    private var capacity = 0
    private var start = 0
    private var end = 0
    /// How many bytes the kernel has taken in all.
    private(set) var sentCount: UInt64 = 0

    // Safe throughout because 0 ≤ start ≤ end ≤ capacity, and `storage` has `capacity` bytes
    // from malloc, freed once in `deinit` or when it is replaced or handed on.

    init(_ spare: SpareMemory) {
        self.spare = spare
        unsafe storage = nil
    }

    var count: Int { end - start }
    var isEmpty: Bool { start == end }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count)
        guard let storage = unsafe storage else { return }
        unsafe (storage + end).copyMemory(from: base, byteCount: bytes.count)
        end += bytes.count
    }

    private mutating func reserve(_ extra: Int) {
        if isEmpty { (start, end) = (0, 0) }
        if unsafe storage == nil, spare.capacity > 0 {
            unsafe (storage, capacity) = (spare.storage, spare.capacity)
            unsafe (spare.storage, spare.capacity) = (nil, 0)
        }
        if end + extra <= capacity { return }
        if start > 0, count + extra <= capacity, let storage = unsafe storage {
            unsafe memmove(storage, storage + start, count)
            (start, end) = (0, count)
            return
        }
        var size = max(capacity, 4096)
        while size < count + extra { size *= 2 }
        guard let grown = unsafe malloc(size) else { preconditionFailure("out of memory") }
        if let storage = unsafe storage {
            unsafe memcpy(grown, storage + start, count)
            unsafe free(storage)
        }
        (start, end) = (0, count)
        unsafe storage = grown
        capacity = size
    }

    /// Writes as much as the socket takes; an errno other than "would block" is returned.
    mutating func send(to descriptor: Int32) -> Int32 {
        while count > 0, let storage = unsafe storage {
            let sent = unsafe Glibc.send(
                descriptor, storage + start, count, Int32(MSG_NOSIGNAL))
            if sent >= 0 {
                start += sent
                sentCount &+= UInt64(sent)
            } else if errno == EAGAIN || errno == EWOULDBLOCK {
                return 0
            } else if errno != EINTR {
                return errno
            }
        }
        release()
        return 0
    }

    /// Forgets what was not sent, and hands the memory on.
    mutating func release() {
        if capacity > spare.capacity, capacity <= SpareMemory.limit {
            unsafe free(spare.storage)
            unsafe (spare.storage, spare.capacity) = (storage, capacity)
        } else {
            unsafe free(storage)
        }
        unsafe storage = nil
        (capacity, start, end) = (0, 0, 0)
    }

    deinit { unsafe free(storage) }
}
