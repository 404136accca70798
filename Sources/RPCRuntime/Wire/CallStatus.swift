/// How a stream or a connection ended.
struct CallStatus: Message {
    static let typeName = "biometricflow.mesh.CallStatus"
    static let messageBytesMax = 4096
    static let detailsMax = 16
    static let hopsMax = 16
    /// All hops of an error together.
    static let hopBytesMax = 1024
    /// The most bytes of a status, which every peer's frames have room for.
    static let bytesMax = 16 << 10
    /// What of it is for trailers and details.
    static let trailerBytesMax = bytesMax - messageBytesMax - hopBytesMax - 256

    /// 0 for success, else ``RPCError/Code``.
    var code: UInt32 = 0
    var message = ""
    /// ``RPCError/Certainty``; 0 where it was not said.
    var certainty: UInt32 = 0
    var details: [ErrorDetail] = []
    /// The trailers.
    var metadata = Metadata()
    var hops: [Hop] = []
    var isResumable = false

    init() {}

    init(_ error: RPCError?, trailers: Metadata = Metadata()) {
        metadata = trailers
        guard let error else { return }
        code = UInt32(error.code.rawValue)
        message = error.message.truncated(toUTF8: Self.messageBytesMax)
        certainty = UInt32(error.certainty.rawValue)
        if error.hasMore {
            details = error.details
            metadata.entries += error.metadata.entries
            hops = Self.bounded(error.hops)
            isResumable = error.isResumable
        }
        shorten()
    }

    /// The hops nearest to the failure, as far as there is room.
    private static func bounded(_ hops: [Hop]) -> [Hop] {
        var room = hopBytesMax
        var kept: [Hop] = []
        for hop in hops.reversed() {
            room -= hop.encoded().count + 3
            if room < 0 || kept.count == hopsMax { break }
            kept.append(hop)
        }
        return kept.reversed()
    }

    /// Leaves out what would not fit, and says so.
    private mutating func shorten() {
        if metadata.isEmpty, details.isEmpty { return }
        let detailBytes = details.reduce(0) { $0 + $1.typeName.utf8.count + $1.bytes.count + 16 }
        let room = Self.trailerBytesMax
        var dropped: [String] = []
        if metadata.byteCount > room || metadata.flaw(limit: .max) != nil {
            dropped.append("trailers of \(metadata.byteCount) bytes")
            metadata = Metadata()
        }
        if detailBytes + metadata.byteCount > room || details.count > Self.detailsMax {
            dropped.append("details of \(detailBytes) bytes")
            details = []
        }
        if dropped.isEmpty { return }
        let what = dropped.joined(separator: " and ")
        let note = " (left out: \(what); a status has room for \(room))"
        message = message.truncated(toUTF8: Self.messageBytesMax - note.utf8.count) + note
    }

    /// The error that this status tells of; nil for success.
    ///
    /// Codes of later versions read as `unknown`.
    var error: RPCError? {
        if code == 0 { return nil }
        var error = RPCError(
            UInt8(exactly: code).flatMap { RPCError.Code(rawValue: $0) } ?? .unknown, message,
            certainty: UInt8(exactly: certainty).flatMap { RPCError.Certainty(rawValue: $0) }
                ?? .maybeProcessed)
        if !details.isEmpty { error.details = details }
        if !metadata.isEmpty { error.metadata = metadata }
        if !hops.isEmpty { error.hops = hops }
        if isResumable { error.isResumable = true }
        return error
    }

    func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
        writer.field(1, "code", code)
        writer.field(2, "message", message)
        writer.field(3, "certainty", certainty)
        writer.field(4, "details", details)
        writer.field(5, "metadata", metadata.entries)
        writer.field(6, "hops", hops)
        writer.field(7, "isResumable", isResumable)
    }

    mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        try reader.field(bytes, 1, "code", &code)
        try reader.field(bytes, 2, "message", &message, 0...Self.messageBytesMax)
        try reader.field(bytes, 3, "certainty", &certainty)
        try reader.field(bytes, 4, "details", &details, count: Self.detailsMax)
        try reader.field(bytes, 5, "metadata", &metadata.entries, count: Metadata.countMax)
        try reader.field(bytes, 6, "hops", &hops, count: Self.hopsMax)
        try reader.field(bytes, 7, "isResumable", &isResumable)
        try reader.rest(bytes)
    }
}

extension ErrorDetail: Message {
    public static let typeName = "biometricflow.mesh.ErrorDetail"

    public init() { self.init(typeName: "", bytes: []) }

    public func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
        writer.field(1, "typeName", typeName)
        writer.field(2, "bytes", bytes)
    }

    public mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        try reader.field(bytes, 1, "typeName", &typeName, 0...256)
        try reader.field(bytes, 2, "bytes", &self.bytes, 0...CallStatus.bytesMax)
        try reader.rest(bytes)
    }
}

extension Hop: Message {
    public static let typeName = "biometricflow.mesh.Hop"

    public init() { self.init(peer: "", method: "", stage: .handler, attempts: 0) }

    public func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
        writer.field(1, "peer", peer.truncated(toUTF8: 256))
        writer.field(2, "method", method.truncated(toUTF8: 256))
        writer.field(3, "stage", UInt32(stage.rawValue))
        writer.field(4, "attempts", UInt32(clamping: attempts))
        writer.field(5, "times", times)
    }

    public mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        var stage = UInt32(self.stage.rawValue)
        var attempts = UInt32(clamping: self.attempts)
        try reader.field(bytes, 1, "peer", &peer, 0...256)
        try reader.field(bytes, 2, "method", &method, 0...256)
        try reader.field(bytes, 3, "stage", &stage)
        try reader.field(bytes, 4, "attempts", &attempts)
        try reader.field(bytes, 5, "times", &times, count: 16)
        try reader.rest(bytes)
        self.stage = Stage(number: stage)
        self.attempts = Int(attempts)
    }
}

extension Hop.Stage {
    /// A stage that this program does not know reads as the handler's.
    init(number: UInt32) {
        self = UInt8(exactly: number).flatMap { Self(rawValue: $0) } ?? .handler
    }
}

extension Hop.Time: Message {
    public static let typeName = "biometricflow.mesh.HopTime"

    public init() { self.init(.handler, microseconds: 0) }

    public func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
        writer.field(1, "stage", UInt32(stage.rawValue))
        writer.field(2, "microseconds", microseconds)
    }

    public mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        var stage = UInt32(self.stage.rawValue)
        try reader.field(bytes, 1, "stage", &stage)
        try reader.field(bytes, 2, "microseconds", &microseconds)
        try reader.rest(bytes)
        self.stage = Hop.Stage(number: stage)
    }
}
