import CZlib

/// Why a compressed message was not expanded.
public enum CompressionError: Error, Sendable {
    /// It is not zlib's format, or ends too early.
    case damaged
    /// It has more bytes than allowed.
    case tooLarge
    /// It has more bytes for each that came than honest data has.
    case tooDense
}

/// Compresses messages to zlib's format (RFC 1950), each by itself.
@safe public final class Deflater {
    // Safe because the stream's pointers are set anew for each step, to buffers that outlive it.
    private var stream = unsafe z_stream()

    public init() {
        // Level 1: what a network saves at higher levels is little, and the cost is double.
        let status = unsafe CZlib_deflate_init(&stream, 1)
        precondition(status == Z_OK, "zlib is out of memory")
    }

    deinit { unsafe deflateEnd(&stream) }

    public func compress(_ plain: Span<UInt8>) -> [UInt8] {
        unsafe deflateReset(&stream)
        let room = Int(unsafe deflateBound(&stream, UInt(plain.count)))
        return unsafe [UInt8](unsafeUninitializedCapacity: room) { target, count in
            unsafe plain.withUnsafeBufferPointer { source in
                unsafe stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                unsafe stream.avail_in = UInt32(clamping: source.count)
                unsafe stream.next_out = target.baseAddress
                unsafe stream.avail_out = UInt32(clamping: room)
                let status = unsafe deflate(&stream, Z_FINISH)
                precondition(status == Z_STREAM_END, "zlib has room for all by its own bound")
                count = unsafe room - Int(stream.avail_out)
            }
        }
    }
}

/// Expands messages of zlib's format, in steps, so that a bomb costs no more than its limit.
@safe public final class Inflater {
    // Safe as Deflater is.
    private var stream = unsafe z_stream()

    /// How many bytes one byte may become, behind the first MiB.
    public static var ratioMax: Int { 100 }

    public init() {
        let status = unsafe CZlib_inflate_init(&stream)
        precondition(status == Z_OK, "zlib is out of memory")
    }

    deinit { unsafe inflateEnd(&stream) }

    /// The message in `compressed`, which must be all of it.
    public func expand(_ compressed: Span<UInt8>, max limit: Int) throws(CompressionError)
        -> [UInt8]
    {
        unsafe inflateReset(&stream)
        var plain: [UInt8] = []
        let dense = Swift.max(
            1 << 20, compressed.count.multipliedReportingOverflow(by: Self.ratioMax).partialValue)
        let most = min(limit, dense)
        var isDone = false
        unsafe compressed.withUnsafeBufferPointer { source in
            unsafe stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
            unsafe stream.avail_in = UInt32(clamping: source.count)
            // One byte over the limit tells that there is more.
            while !isDone, plain.count <= most {
                let room = min(Swift.max(plain.count, 4096), most + 1 - plain.count)
                var status = Z_OK
                let more = unsafe [UInt8](unsafeUninitializedCapacity: room) { target, count in
                    unsafe stream.next_out = target.baseAddress
                    unsafe stream.avail_out = UInt32(clamping: room)
                    status = unsafe inflate(&stream, Z_NO_FLUSH)
                    count = unsafe room - Int(stream.avail_out)
                }
                plain += more
                if status == Z_STREAM_END { isDone = true }
                if status != Z_OK, status != Z_STREAM_END { break }
                if more.isEmpty, !isDone { break }
            }
        }
        if plain.count > most { throw most == limit ? .tooLarge : .tooDense }
        guard isDone, unsafe stream.avail_in == 0 else { throw .damaged }
        return plain
    }
}
