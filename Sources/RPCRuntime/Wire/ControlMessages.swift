// The payloads of control frames. They are protobuf messages, so that any protobuf tool reads
// them and fields may be added: docs/WIRE.md §4.

/// The first frame of either side: what it speaks, serves and bears.
struct Hello: Message {
    static let typeName = "biometricflow.mesh.Hello"
    static let protocolName = "biometricflow-mesh"

    var protocolName = ""
    var versionMin: UInt32 = 0
    var versionMax: UInt32 = 0
    /// The longest payload of one frame that this side takes.
    var frameBytesMax: UInt64 = 0
    /// The longest message that this side takes.
    var messageBytesMax: UInt64 = 0
    /// Credit that each stream begins with, towards this side.
    var streamWindow: UInt64 = 0
    /// Credit that the connection begins with, towards this side.
    var connectionWindow: UInt64 = 0
    /// How many calls this side serves at once.
    var streamsMax: UInt32 = 0
    /// The shortest time between two pings that this side bears, in milliseconds.
    var keepaliveMinMilliseconds: UInt32 = 0
    /// The services that this side serves.
    var services: [ServiceNotice] = []
    /// Program and version, for logs.
    var agent = ""
    /// The most bytes of a call's metadata that this side takes, at its head or its end.
    var metadataBytesMax: UInt32 = 0
    /// How messages to this side may be compressed: 1 is zlib's format.
    var compressions: [UInt32] = []

    static let zlib: UInt32 = 1

    func encode(into writer: inout WireWriter) {
        writer.string(1, protocolName)
        writer.uint32(2, versionMin)
        writer.uint32(3, versionMax)
        writer.uint64(4, frameBytesMax)
        writer.uint64(5, messageBytesMax)
        writer.uint64(6, streamWindow)
        writer.uint64(7, connectionWindow)
        writer.uint32(8, streamsMax)
        writer.uint32(9, keepaliveMinMilliseconds)
        writer.message(10, services)
        writer.string(11, agent)
        writer.uint32(12, metadataBytesMax)
        writer.uint32(13, compressions)
    }

    mutating func decode(from bytes: Span<UInt8>, _ reader: inout WireReader)
        throws(DecodingFailure)
    {
        while let tag = try reader.next(bytes) {
            switch tag {
            case 1 << 3 | 2: protocolName = try reader.string(bytes, max: 64)
            case 2 << 3: versionMin = try reader.uint32(bytes)
            case 3 << 3: versionMax = try reader.uint32(bytes)
            case 4 << 3: frameBytesMax = try reader.uint64(bytes)
            case 5 << 3: messageBytesMax = try reader.uint64(bytes)
            case 6 << 3: streamWindow = try reader.uint64(bytes)
            case 7 << 3: connectionWindow = try reader.uint64(bytes)
            case 8 << 3: streamsMax = try reader.uint32(bytes)
            case 9 << 3: keepaliveMinMilliseconds = try reader.uint32(bytes)
            case 10 << 3 | 2: try reader.message(bytes, appendingTo: &services, count: 1000)
            case 11 << 3 | 2: agent = try reader.string(bytes, max: 256)
            case 12 << 3: metadataBytesMax = try reader.uint32(bytes)
            case 13 << 3: try reader.uint32(bytes, appendingTo: &compressions, count: 16)
            case 13 << 3 | 2: try reader.uint32(bytes, unpackingInto: &compressions, count: 16)
            default: try reader.ignore(bytes, tag)
            }
        }
    }
}

/// A service as a hello names it.
struct ServiceNotice: Message {
    static let typeName = "biometricflow.mesh.ServiceNotice"

    var name = ""
    var fingerprint: UInt64 = 0
    /// A fingerprint for each method.
    var methods: [MethodNotice] = []

    func encode(into writer: inout WireWriter) {
        writer.string(1, name)
        writer.uint64(2, fingerprint)
        writer.message(3, methods)
    }

    mutating func decode(from bytes: Span<UInt8>, _ reader: inout WireReader)
        throws(DecodingFailure)
    {
        while let tag = try reader.next(bytes) {
            switch tag {
            case 1 << 3 | 2: name = try reader.string(bytes, max: 256)
            case 2 << 3: fingerprint = try reader.uint64(bytes)
            case 3 << 3 | 2: try reader.message(bytes, appendingTo: &methods, count: 1000)
            default: try reader.ignore(bytes, tag)
            }
        }
    }
}

/// A method as a hello names it.
struct MethodNotice: Message {
    static let typeName = "biometricflow.mesh.MethodNotice"

    var method: UInt32 = 0
    var fingerprint: UInt64 = 0

    func encode(into writer: inout WireWriter) {
        writer.uint32(1, method)
        writer.uint64(2, fingerprint)
    }

    mutating func decode(from bytes: Span<UInt8>, _ reader: inout WireReader)
        throws(DecodingFailure)
    {
        while let tag = try reader.next(bytes) {
            switch tag {
            case 1 << 3: method = try reader.uint32(bytes)
            case 2 << 3: fingerprint = try reader.uint64(bytes)
            default: try reader.ignore(bytes, tag)
            }
        }
    }
}

/// What stands before the message of a request.
struct CallHead: Message {
    static let typeName = "biometricflow.mesh.CallHead"

    /// FNV-1a (32 bits) of `package.Service/method`.
    var method: UInt32 = 0
    /// The time that the caller still has, in microseconds; 0 for none.
    var timeoutMicroseconds: UInt64 = 0
    /// How often the caller wants to hear of an open-ended call, in milliseconds; 0 for never.
    var heartbeatMilliseconds: UInt32 = 0
    var metadata = Metadata()

    /// A head without metadata that has been written: calls of one method with the schema's
    /// deadline all have the same.
    struct Last {
        private var method: UInt32 = 0
        private var timeoutMicroseconds: UInt64 = 0
        private var heartbeatMilliseconds: UInt32 = 0
        /// Room for a frame's header, and the head.
        private var bytes = [UInt8](repeating: 0, count: FrameHeader.size)

        /// Appends room for a frame's header, and a head.
        mutating func append(
            method: UInt32, timeoutMicroseconds: UInt64, heartbeatMilliseconds: UInt32,
            to output: inout [UInt8]
        ) {
            if method != self.method || timeoutMicroseconds != self.timeoutMicroseconds
                || heartbeatMilliseconds != self.heartbeatMilliseconds
            {
                (self.method, self.timeoutMicroseconds) = (method, timeoutMicroseconds)
                self.heartbeatMilliseconds = heartbeatMilliseconds
                write()
            }
            output.append(contentsOf: bytes)
        }

        private mutating func write() {
            var head = CallHead()
            head.method = method
            head.timeoutMicroseconds = timeoutMicroseconds
            head.heartbeatMilliseconds = heartbeatMilliseconds
            bytes.removeLast(bytes.count - FrameHeader.size)
            var writer = WireWriter(exchange(&bytes, with: []))
            head.encode(into: &writer)
            bytes = writer.bytes
        }
    }

    /// The timeout that a head without anything else than a method and that says, 0 for none; nil
    /// when it is another head.
    static func timeout(of method: UInt32, _ bytes: Span<UInt8>, _ range: Range<Int>) -> UInt64? {
        let head = bytes.extracting(range)
        var index = 0
        guard number(1 << 3, head, &index) == UInt64(method) else { return nil }
        if index == head.count { return 0 }
        guard let timeout = number(2 << 3, head, &index), index == head.count else { return nil }
        return timeout
    }

    /// The number behind a tag, if that is what stands at `index`.
    @inline(__always)
    private static func number(_ tag: UInt8, _ head: Span<UInt8>, _ index: inout Int) -> UInt64? {
        guard index < head.count, head[index] == tag else { return nil }
        index += 1
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while index < head.count, shift < 63 {
            let byte = head[index]
            index += 1
            value |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }

    func encode(into writer: inout WireWriter) {
        writer.uint32(1, method)
        writer.uint64(2, timeoutMicroseconds)
        writer.uint32(3, heartbeatMilliseconds)
        if !metadata.isEmpty { writer.message(4, metadata.entries) }
    }

    mutating func decode(from bytes: Span<UInt8>, _ reader: inout WireReader)
        throws(DecodingFailure)
    {
        while let tag = try reader.next(bytes) {
            switch tag {
            case 1 << 3: method = try reader.uint32(bytes)
            case 2 << 3: timeoutMicroseconds = try reader.uint64(bytes)
            case 3 << 3: heartbeatMilliseconds = try reader.uint32(bytes)
            case 4 << 3 | 2:
                try reader.message(
                    bytes, appendingTo: &metadata.entries, count: Metadata.countMax)
            default: try reader.ignore(bytes, tag)
            }
        }
    }
}

/// What stands before the first message of an answer, where there is anything to say.
struct AnswerHead: Message {
    static let typeName = "biometricflow.mesh.AnswerHead"

    var metadata = Metadata()

    func encode(into writer: inout WireWriter) { writer.message(1, metadata.entries) }

    mutating func decode(from bytes: Span<UInt8>, _ reader: inout WireReader)
        throws(DecodingFailure)
    {
        while let tag = try reader.next(bytes) {
            switch tag {
            case 1 << 3 | 2:
                try reader.message(
                    bytes, appendingTo: &metadata.entries, count: Metadata.countMax)
            default: try reader.ignore(bytes, tag)
            }
        }
    }
}

/// Says that no further calls are taken, or soon will not be.
struct DrainNotice: Message {
    static let typeName = "biometricflow.mesh.DrainNotice"
    /// The stream of a first notice: nothing is refused yet.
    static let announcement: UInt32 = 1 << 31 - 1

    /// The last stream of the receiver's that is served; later ones are refused.
    var lastStream: UInt32 = 0
    var reason = ""

    func encode(into writer: inout WireWriter) {
        writer.uint32(1, lastStream)
        writer.string(2, reason)
    }

    mutating func decode(from bytes: Span<UInt8>, _ reader: inout WireReader)
        throws(DecodingFailure)
    {
        while let tag = try reader.next(bytes) {
            switch tag {
            case 1 << 3: lastStream = try reader.uint32(bytes)
            case 2 << 3 | 2: reason = try reader.string(bytes, max: 1024)
            default: try reader.ignore(bytes, tag)
            }
        }
    }
}

/// Changes what a hello said.
struct LimitsNotice: Message {
    static let typeName = "biometricflow.mesh.LimitsNotice"

    var streamsMax: UInt32 = 0

    func encode(into writer: inout WireWriter) { writer.uint32(1, streamsMax) }

    mutating func decode(from bytes: Span<UInt8>, _ reader: inout WireReader)
        throws(DecodingFailure)
    {
        while let tag = try reader.next(bytes) {
            switch tag {
            case 1 << 3: streamsMax = try reader.uint32(bytes)
            default: try reader.ignore(bytes, tag)
            }
        }
    }
}

extension WireReader {
    /// Passes over the field of `tag`.
    mutating func ignore(_ bytes: Span<UInt8>, _ tag: UInt32) throws(DecodingFailure) {
        var unused: [UInt8] = []
        try unknown(bytes, tag, &unused)
    }
}

extension String {
    /// The longest prefix of whole characters within `limit` bytes of UTF-8.
    func truncated(toUTF8 limit: Int) -> String {
        if utf8.count <= limit { return self }
        var end = utf8.index(startIndex, offsetBy: limit)
        while end > startIndex, String.Index(end, within: self) == nil {
            end = utf8.index(before: end)
        }
        return String(self[..<end])
    }
}
