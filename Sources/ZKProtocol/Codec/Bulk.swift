/// Reads of more than one packet: users and the attendance log.
public enum Bulk {
    /// The slice that clients in use ask for over TCP.
    public static let sliceBytes = 65_472

    /// The length that the first four bytes of a bulk read announce, checked against the rest.
    static func total(of blob: [UInt8], what: String) throws(FormatError) -> Int {
        guard blob.count >= 4 else {
            throw .length(what: what, bytes: blob.count, expected: "4 or more")
        }
        let total = Int(blob.span.u32(at: 0))
        guard total == blob.count - 4 else {
            throw .length(what: what, bytes: blob.count, expected: "4 + \(total) as it says")
        }
        return total
    }
}

/// What a ``Command/prepareBuffer`` asks for.
public struct BulkSelector: Sendable, Hashable {
    public var command: Command
    public var function: UInt32
    public var argument: UInt32

    public init(_ command: Command, function: UInt32 = 0, argument: UInt32 = 0) {
        self.command = command
        self.function = function
        self.argument = argument
    }

    public static let users = BulkSelector(.readUsers, function: 5)
    public static let attendance = BulkSelector(.readAttendance)
    public static let templates = BulkSelector(.readTable, function: 2)
    public static let operations = BulkSelector(.readOperations)

    /// The rows of a span of the device's time, both ends included; not all firmware knows it.
    public static func attendance(from: LocalTime, to: LocalTime) -> BulkSelector {
        BulkSelector(.readAttendanceRange, function: from.packed, argument: to.packed)
    }

    public init(decoding data: [UInt8]) throws(FormatError) {
        guard data.count == 11 else {
            throw .length(what: "a bulk selector", bytes: data.count, expected: "11")
        }
        let bytes = data.span
        self.init(
            Command(rawValue: bytes.u16(at: 1)), function: bytes.u32(at: 3),
            argument: bytes.u32(at: 7))
    }

    public func encoded() -> [UInt8] {
        var data: [UInt8] = [1]
        data.append(u16: command.rawValue)
        data.append(u32: function)
        data.append(u32: argument)
        return data
    }
}

/// The answer to ``Command/prepareBuffer`` where the bytes are read in slices.
public struct PreparedBuffer: Sendable, Hashable {
    public var bytes: Int

    public init(bytes: Int) { self.bytes = bytes }

    public init(decoding data: [UInt8]) throws(FormatError) {
        guard data.count >= 5 else {
            throw .length(what: "a prepared buffer", bytes: data.count, expected: "13")
        }
        bytes = Int(data.span.u32(at: 1))
    }

    public func encoded() -> [UInt8] {
        var data: [UInt8] = [0]
        data.append(u32: UInt32(clamping: bytes))
        data.append(u32: UInt32(clamping: bytes))
        data.append(u32: 0)
        return data
    }
}

/// What a ``Command/readBuffer`` asks for.
public struct BufferSlice: Sendable, Hashable {
    public var start: Int
    public var count: Int

    public init(start: Int, count: Int) {
        self.start = start
        self.count = count
    }

    public init(decoding data: [UInt8]) throws(FormatError) {
        guard data.count == 8 else {
            throw .length(what: "a buffer slice", bytes: data.count, expected: "8")
        }
        start = Int(Int32(bitPattern: data.span.u32(at: 0)))
        count = Int(Int32(bitPattern: data.span.u32(at: 4)))
        guard start >= 0, count >= 0 else {
            throw .value(what: "a buffer slice", found: "\(count) bytes at \(start)")
        }
    }

    public func encoded() -> [UInt8] {
        var data: [UInt8] = []
        data.append(u32: UInt32(clamping: start))
        data.append(u32: UInt32(clamping: count))
        return data
    }
}

/// The announcement of ``Command/data`` packets.
public struct PreparedData: Sendable, Hashable {
    public var bytes: Int
    public var packetBytesMax: Int

    public init(bytes: Int, packetBytesMax: Int = 4096) {
        self.bytes = bytes
        self.packetBytesMax = packetBytesMax
    }

    public init(decoding data: [UInt8]) throws(FormatError) {
        guard data.count >= 4 else {
            throw .length(what: "an announcement of data", bytes: data.count, expected: "8")
        }
        bytes = Int(data.span.u32(at: 0))
        packetBytesMax = data.count >= 8 ? Int(data.span.u32(at: 4)) : 0
    }

    public func encoded() -> [UInt8] {
        var data: [UInt8] = []
        data.append(u32: UInt32(clamping: bytes))
        data.append(u32: UInt32(clamping: packetBytesMax))
        return data
    }
}
