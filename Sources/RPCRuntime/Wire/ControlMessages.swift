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

    func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
        writer.field(1, "protocolName", protocolName)
        writer.field(2, "versionMin", versionMin)
        writer.field(3, "versionMax", versionMax)
        writer.field(4, "frameBytesMax", frameBytesMax)
        writer.field(5, "messageBytesMax", messageBytesMax)
        writer.field(6, "streamWindow", streamWindow)
        writer.field(7, "connectionWindow", connectionWindow)
        writer.field(8, "streamsMax", streamsMax)
        writer.field(9, "keepaliveMinMilliseconds", keepaliveMinMilliseconds)
        writer.field(10, "services", services)
        writer.field(11, "agent", agent)
        writer.field(12, "metadataBytesMax", metadataBytesMax)
        writer.field(13, "compressions", compressions)
    }

    mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        try reader.field(bytes, 1, "protocolName", &protocolName, 0...64)
        try reader.field(bytes, 2, "versionMin", &versionMin)
        try reader.field(bytes, 3, "versionMax", &versionMax)
        try reader.field(bytes, 4, "frameBytesMax", &frameBytesMax)
        try reader.field(bytes, 5, "messageBytesMax", &messageBytesMax)
        try reader.field(bytes, 6, "streamWindow", &streamWindow)
        try reader.field(bytes, 7, "connectionWindow", &connectionWindow)
        try reader.field(bytes, 8, "streamsMax", &streamsMax)
        try reader.field(bytes, 9, "keepaliveMinMilliseconds", &keepaliveMinMilliseconds)
        try reader.field(bytes, 10, "services", &services, count: 1000)
        try reader.field(bytes, 11, "agent", &agent, 0...256)
        try reader.field(bytes, 12, "metadataBytesMax", &metadataBytesMax)
        try reader.field(bytes, 13, "compressions", &compressions, count: 16)
        try reader.rest(bytes)
    }
}

/// A service as a hello names it.
struct ServiceNotice: Message {
    static let typeName = "biometricflow.mesh.ServiceNotice"

    var name = ""
    var fingerprint: UInt64 = 0
    /// A fingerprint for each method.
    var methods: [MethodNotice] = []

    func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
        writer.field(1, "name", name)
        writer.field(2, "fingerprint", fingerprint)
        writer.field(3, "methods", methods)
    }

    mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        try reader.field(bytes, 1, "name", &name, 0...256)
        try reader.field(bytes, 2, "fingerprint", &fingerprint)
        try reader.field(bytes, 3, "methods", &methods, count: 1000)
        try reader.rest(bytes)
    }
}

/// A method as a hello names it.
struct MethodNotice: Message {
    static let typeName = "biometricflow.mesh.MethodNotice"

    var method: UInt32 = 0
    var fingerprint: UInt64 = 0

    func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
        writer.field(1, "method", method)
        writer.field(2, "fingerprint", fingerprint)
    }

    mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        try reader.field(bytes, 1, "method", &method)
        try reader.field(bytes, 2, "fingerprint", &fingerprint)
        try reader.rest(bytes)
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
            // A copy of the array, or an iterator, would count its references.
            let bytes = bytes.span
            output.append(addingCapacity: bytes.count) { output in
                for index in bytes.indices { output.append(bytes[index]) }
            }
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

    func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
        writer.field(1, "method", method)
        writer.field(2, "timeoutMicroseconds", timeoutMicroseconds)
        writer.field(3, "heartbeatMilliseconds", heartbeatMilliseconds)
        if !metadata.isEmpty { writer.field(4, "metadata", metadata.entries) }
    }

    mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        try reader.field(bytes, 1, "method", &method)
        try reader.field(bytes, 2, "timeoutMicroseconds", &timeoutMicroseconds)
        try reader.field(bytes, 3, "heartbeatMilliseconds", &heartbeatMilliseconds)
        try reader.field(bytes, 4, "metadata", &metadata.entries, count: Metadata.countMax)
        try reader.rest(bytes)
    }
}

/// What stands before the first message of an answer, where there is anything to say.
struct AnswerHead: Message {
    static let typeName = "biometricflow.mesh.AnswerHead"

    var metadata = Metadata()

    func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
        writer.field(1, "metadata", metadata.entries)
    }

    mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        try reader.field(bytes, 1, "metadata", &metadata.entries, count: Metadata.countMax)
        try reader.rest(bytes)
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

    func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
        writer.field(1, "lastStream", lastStream)
        writer.field(2, "reason", reason)
    }

    mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        try reader.field(bytes, 1, "lastStream", &lastStream)
        try reader.field(bytes, 2, "reason", &reason, 0...1024)
        try reader.rest(bytes)
    }
}

/// Changes what a hello said.
struct LimitsNotice: Message {
    static let typeName = "biometricflow.mesh.LimitsNotice"

    var streamsMax: UInt32 = 0

    func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
        writer.field(1, "streamsMax", streamsMax)
    }

    mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        try reader.field(bytes, 1, "streamsMax", &streamsMax)
        try reader.rest(bytes)
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
