/// What a protobuf `FileDescriptorSet` says, as far as the wire form of calls depends on it.
///
/// It may come from a peer: nothing in it is believed, and its size is bounded.
public struct DescriptorSet: Sendable {
    /// The most bytes of a set.
    public static var bytesMax: Int { 1 << 20 }
    /// The most messages, enums and methods together.
    public static var declarationsMax: Int { 4096 }
    /// The most fields and values of enums together.
    public static var membersMax: Int { 65_536 }
    /// The most bytes of a name.
    public static var nameMax: Int { 512 }

    struct Field: Sendable, Equatable {
        var number: Int32 = 0
        var name = ""
        /// What the field is called in JSON; empty where the file does not say.
        var jsonName = ""
        /// As protobuf numbers them; 0 for none.
        var type: Int32 = 0
        /// The full name of the message or enum.
        var typeName = ""
        var isRepeated = false
        var isRequired = false
        /// Whether absent differs from the default.
        var hasPresence = false
        /// Which of the message's oneofs it is a choice of; nil for an optional field of its own.
        var oneof: Int32?
    }

    struct Method: Sendable, Equatable {
        var request = ""
        var response = ""
        var streamsRequests = false
        var streamsResponses = false
    }

    /// By full name; the fields of each in the order of their numbers.
    private(set) var messages: [String: [Field]] = [:]
    /// The messages that are the entries of maps.
    private(set) var mapEntries: Set<String> = []
    /// By full name; the names of the values by number.
    private(set) var enums: [String: [Int32: String]] = [:]
    /// By `package.Service/method`, with a small letter.
    private(set) var methods: [String: Method] = [:]

    private var declarationCount = 0
    private var memberCount = 0

    /// Reads a set; of two declarations with one name the first counts.
    public init(decoding bytes: Span<UInt8>) throws(DecodingFailure) {
        guard bytes.count <= Self.bytesMax else {
            throw DecodingFailure(
                .tooLong(length: bytes.count, limit: Self.bytesMax), offset: 0,
                message: "google.protobuf.FileDescriptorSet")
        }
        var reader = WireReader(bytes)
        do throws(DecodingFailure) {
            while let tag = try reader.next(bytes) {
                guard tag == 1 << 3 | 2 else {
                    try reader.skip(bytes, tag)
                    continue
                }
                try reader.inside(bytes) { (reader) throws(DecodingFailure) in
                    try file(bytes, reader)
                }
            }
        } catch {
            throw error.inside("google.protobuf.FileDescriptorSet")
        }
    }

    /// Reads a set; of two declarations with one name the first counts.
    public init(decoding bytes: [UInt8]) throws(DecodingFailure) {
        try self.init(decoding: bytes.span)
    }

    // MARK: Files

    private mutating func file(
        _ bytes: Span<UInt8>, _ start: WireReader
    ) throws(DecodingFailure) {
        // The package and syntax may stand behind the declarations, which need them.
        var package = ""
        var isProto3 = false
        var first = start
        while let tag = try first.next(bytes) {
            switch tag {
            case 2 << 3 | 2: package = try first.string(bytes, 0...Self.nameMax)
            case 12 << 3 | 2: isProto3 = try first.string(bytes, 0...Self.nameMax) == "proto3"
            default: try first.skip(bytes, tag)
            }
        }
        let scope = package.isEmpty ? "" : package + "."
        var reader = start
        while let tag = try reader.next(bytes) {
            switch tag {
            case 4 << 3 | 2:
                try reader.inside(bytes) { (reader) throws(DecodingFailure) in
                    try message(bytes, reader, scope, isProto3)
                }
            case 5 << 3 | 2:
                try reader.inside(bytes) { (reader) throws(DecodingFailure) in
                    try enumeration(bytes, &reader, scope)
                }
            case 6 << 3 | 2:
                try reader.inside(bytes) { (reader) throws(DecodingFailure) in
                    try service(bytes, &reader, scope)
                }
            default: try reader.skip(bytes, tag)
            }
        }
    }

    private mutating func declare(_ reader: WireReader) throws(DecodingFailure) {
        declarationCount += 1
        guard declarationCount <= Self.declarationsMax else {
            throw reader.failure(.tooMany(limit: Self.declarationsMax))
        }
    }

    private mutating func addMember(_ reader: WireReader) throws(DecodingFailure) {
        memberCount += 1
        guard memberCount <= Self.membersMax else {
            throw reader.failure(.tooMany(limit: Self.membersMax))
        }
    }

    /// The name in field 1, which may come last.
    private static func name(
        _ bytes: Span<UInt8>, _ start: WireReader
    ) throws(DecodingFailure) -> String {
        var reader = start
        var name = ""
        while let tag = try reader.next(bytes) {
            if tag == 1 << 3 | 2 {
                name = try reader.string(bytes, 0...nameMax)
            } else {
                try reader.skip(bytes, tag)
            }
        }
        return name
    }

    // MARK: Declarations

    private mutating func message(
        _ bytes: Span<UInt8>, _ start: WireReader, _ scope: String, _ isProto3: Bool
    ) throws(DecodingFailure) {
        try declare(start)
        let name = scope + (try Self.name(bytes, start))
        // Each message inside another makes a longer name of both.
        guard name.utf8.count <= Self.nameMax else {
            throw start.failure(.tooLong(length: name.utf8.count, limit: Self.nameMax))
        }
        var fields: [Field] = []
        var reader = start
        while let tag = try reader.next(bytes) {
            switch tag {
            case 2 << 3 | 2:
                try addMember(reader)
                try reader.inside(bytes) { (reader) throws(DecodingFailure) in
                    fields.append(try Self.field(bytes, &reader, isProto3))
                }
            case 3 << 3 | 2:
                try reader.inside(bytes) { (reader) throws(DecodingFailure) in
                    try message(bytes, reader, name + ".", isProto3)
                }
            case 4 << 3 | 2:
                try reader.inside(bytes) { (reader) throws(DecodingFailure) in
                    try enumeration(bytes, &reader, name + ".")
                }
            case 7 << 3 | 2:
                try reader.inside(bytes) { (reader) throws(DecodingFailure) in
                    if try Self.isMapEntry(bytes, &reader) { mapEntries.insert(name) }
                }
            default: try reader.skip(bytes, tag)
            }
        }
        guard messages[name] == nil else { return }
        messages[name] = fields.sorted { $0.number < $1.number }
    }

    /// What the options of a message say.
    private static func isMapEntry(
        _ bytes: Span<UInt8>, _ reader: inout WireReader
    ) throws(DecodingFailure) -> Bool {
        var isEntry = false
        while let tag = try reader.next(bytes) {
            if tag == 7 << 3 {
                isEntry = try reader.varint(bytes) != 0
            } else {
                try reader.skip(bytes, tag)
            }
        }
        return isEntry
    }

    private static func field(
        _ bytes: Span<UInt8>, _ reader: inout WireReader, _ isProto3: Bool
    ) throws(DecodingFailure) -> Field {
        var field = Field()
        var label: Int32 = 1
        var oneof: Int32?
        var isOptional = false
        while let tag = try reader.next(bytes) {
            switch tag {
            case 1 << 3 | 2: field.name = try reader.string(bytes, 0...nameMax)
            case 3 << 3: field.number = Int32(truncatingIfNeeded: try reader.varint(bytes))
            case 4 << 3: label = Int32(truncatingIfNeeded: try reader.varint(bytes))
            case 5 << 3: field.type = Int32(truncatingIfNeeded: try reader.varint(bytes))
            case 6 << 3 | 2: field.typeName = try typeName(bytes, &reader)
            case 9 << 3:
                // The choices of a oneof; proto3 gives each optional field one of its own.
                oneof = Int32(truncatingIfNeeded: try reader.varint(bytes))
            case 10 << 3 | 2: field.jsonName = try reader.string(bytes, 0...nameMax)
            case 17 << 3: isOptional = try reader.varint(bytes) != 0
            default: try reader.skip(bytes, tag)
            }
        }
        field.isRepeated = label == 3
        field.isRequired = label == 2
        field.hasPresence = label == 1 && (oneof != nil || !isProto3)
        field.oneof = isOptional ? nil : oneof
        return field
    }

    /// A full name, without the dot that protobuf puts before it.
    private static func typeName(
        _ bytes: Span<UInt8>, _ reader: inout WireReader
    ) throws(DecodingFailure) -> String {
        let name = try reader.string(bytes, 0...nameMax)
        return name.utf8.first == UInt8(ascii: ".") ? String(name.dropFirst()) : name
    }

    private mutating func enumeration(
        _ bytes: Span<UInt8>, _ reader: inout WireReader, _ scope: String
    ) throws(DecodingFailure) {
        try declare(reader)
        let name = scope + (try Self.name(bytes, reader))
        var values: [Int32: String] = [:]
        while let tag = try reader.next(bytes) {
            guard tag == 2 << 3 | 2 else {
                try reader.skip(bytes, tag)
                continue
            }
            try addMember(reader)
            try reader.inside(bytes) { (reader) throws(DecodingFailure) in
                var name = ""
                var number: Int32 = 0
                while let tag = try reader.next(bytes) {
                    switch tag {
                    case 1 << 3 | 2: name = try reader.string(bytes, 0...Self.nameMax)
                    case 2 << 3: number = Int32(truncatingIfNeeded: try reader.varint(bytes))
                    default: try reader.skip(bytes, tag)
                    }
                }
                if values[number] == nil { values[number] = name }
            }
        }
        if enums[name] == nil { enums[name] = values }
    }

    private mutating func service(
        _ bytes: Span<UInt8>, _ reader: inout WireReader, _ scope: String
    ) throws(DecodingFailure) {
        let service = scope + (try Self.name(bytes, reader))
        while let tag = try reader.next(bytes) {
            guard tag == 2 << 3 | 2 else {
                try reader.skip(bytes, tag)
                continue
            }
            try declare(reader)
            try reader.inside(bytes) { (reader) throws(DecodingFailure) in
                var name = ""
                var method = Method()
                while let tag = try reader.next(bytes) {
                    switch tag {
                    case 1 << 3 | 2: name = try reader.string(bytes, 0...Self.nameMax)
                    case 2 << 3 | 2: method.request = try Self.typeName(bytes, &reader)
                    case 3 << 3 | 2: method.response = try Self.typeName(bytes, &reader)
                    case 5 << 3: method.streamsRequests = try reader.varint(bytes) != 0
                    case 6 << 3: method.streamsResponses = try reader.varint(bytes) != 0
                    default: try reader.skip(bytes, tag)
                    }
                }
                let full = Self.methodName(service, name)
                if methods[full] == nil { methods[full] = method }
            }
        }
    }

    /// `package.Service/method`: schemas begin methods small, `.proto` files with a capital.
    private static func methodName(_ service: String, _ method: String) -> String {
        "\(service)/\(method.prefix(1).lowercased())\(method.dropFirst())"
    }
}
