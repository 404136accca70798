import Glibc

/// Bytes on their way to the kernel: appended at the end, written from the front.
@safe struct OutputBuffer: ~Copyable {
    private var storage: UnsafeMutableRawPointer?
    private var capacity = 0
    private var start = 0
    private var end = 0
    /// How many bytes the kernel has taken in all.
    private(set) var sentCount: UInt64 = 0

    // Safe throughout because 0 ≤ start ≤ end ≤ capacity, and `storage` has `capacity` bytes
    // from malloc, freed once in `deinit` or when it is replaced.

    init() { unsafe storage = nil }

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
        // A buffer that once was large is not kept for an idle connection.
        if capacity > 64 << 10 { release() }
        return 0
    }

    mutating func release() {
        unsafe free(storage)
        unsafe storage = nil
        (capacity, start, end) = (0, 0, 0)
    }

    deinit { unsafe free(storage) }
}
