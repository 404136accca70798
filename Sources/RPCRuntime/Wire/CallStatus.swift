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

    func encode(into writer: inout WireWriter) {
        writer.uint32(1, code)
        writer.string(2, message)
        writer.uint32(3, certainty)
        writer.message(4, details)
        writer.message(5, metadata.entries)
        writer.message(6, hops)
        writer.bool(7, isResumable)
    }

    mutating func decode(from bytes: Span<UInt8>, _ reader: inout WireReader)
        throws(DecodingFailure)
    {
        while let tag = try reader.next(bytes) {
            switch tag {
            case 1 << 3: code = try reader.uint32(bytes)
            case 2 << 3 | 2: message = try reader.string(bytes, max: Self.messageBytesMax)
            case 3 << 3: certainty = try reader.uint32(bytes)
            case 4 << 3 | 2:
                try reader.message(bytes, appendingTo: &details, count: Self.detailsMax)
            case 5 << 3 | 2:
                try reader.message(
                    bytes, appendingTo: &metadata.entries, count: Metadata.countMax)
            case 6 << 3 | 2: try reader.message(bytes, appendingTo: &hops, count: Self.hopsMax)
            case 7 << 3: isResumable = try reader.bool(bytes)
            default: try reader.ignore(bytes, tag)
            }
        }
    }
}

extension ErrorDetail: Message {
    public static let typeName = "biometricflow.mesh.ErrorDetail"

    public init() { self.init(typeName: "", bytes: []) }

    public func encode(into writer: inout WireWriter) {
        writer.string(1, typeName)
        writer.bytes(2, bytes)
    }

    public mutating func decode(from bytes: Span<UInt8>, _ reader: inout WireReader)
        throws(DecodingFailure)
    {
        while let tag = try reader.next(bytes) {
            switch tag {
            case 1 << 3 | 2: typeName = try reader.string(bytes, max: 256)
            case 2 << 3 | 2: self.bytes = try reader.bytes(bytes, max: CallStatus.bytesMax)
            default: try reader.ignore(bytes, tag)
            }
        }
    }
}

extension Hop: Message {
    public static let typeName = "biometricflow.mesh.Hop"

    public init() { self.init(peer: "", method: "", stage: .handler, attempts: 0) }

    public func encode(into writer: inout WireWriter) {
        writer.string(1, peer.truncated(toUTF8: 256))
        writer.string(2, method.truncated(toUTF8: 256))
        writer.uint32(3, UInt32(stage.rawValue))
        writer.uint32(4, UInt32(clamping: attempts))
        writer.message(5, times)
    }

    public mutating func decode(from bytes: Span<UInt8>, _ reader: inout WireReader)
        throws(DecodingFailure)
    {
        while let tag = try reader.next(bytes) {
            switch tag {
            case 1 << 3 | 2: peer = try reader.string(bytes, max: 256)
            case 2 << 3 | 2: method = try reader.string(bytes, max: 256)
            case 3 << 3: stage = Stage(number: try reader.uint32(bytes))
            case 4 << 3: attempts = Int(try reader.uint32(bytes))
            case 5 << 3 | 2: try reader.message(bytes, appendingTo: &times, count: 16)
            default: try reader.ignore(bytes, tag)
            }
        }
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

    public func encode(into writer: inout WireWriter) {
        writer.uint32(1, UInt32(stage.rawValue))
        writer.uint64(2, microseconds)
    }

    public mutating func decode(from bytes: Span<UInt8>, _ reader: inout WireReader)
        throws(DecodingFailure)
    {
        while let tag = try reader.next(bytes) {
            switch tag {
            case 1 << 3: stage = Hop.Stage(number: try reader.uint32(bytes))
            case 2 << 3: microseconds = try reader.uint64(bytes)
            default: try reader.ignore(bytes, tag)
            }
        }
    }
}
