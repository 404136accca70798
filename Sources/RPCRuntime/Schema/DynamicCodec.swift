/// Turns messages of a schema that the program was not built with into JSON, and JSON into them.
///
/// What it writes any end reads, but not always in the canonical form: fields that a text spells
/// out are written at their default too, and lists of numbers one by one.
public struct DynamicCodec: Sendable {
    private let schema: DescriptorSet
    /// The names of the values of each enum.
    private let enums: [String: EnumNames]

    public init(_ schema: DescriptorSet) {
        self.schema = schema
        enums = schema.enums.reduce(into: [:]) { names, item in
            names[item.key] = EnumNames(item.key, names: item.value.map { ($0.key, $0.value) })
        }
    }

    /// Whether a message can be read and written: it and all its fields are in the schema.
    public func hasMessage(_ name: String) -> Bool { schema.messages[name] != nil }

    // MARK: From JSON

    /// The binary form of a message that a text of JSON says.
    public func encode(_ json: [UInt8], as message: String) throws(DecodingFailure) -> RawMessage {
        var reader = JSONReader()
        let bytes = json.span
        do throws(DecodingFailure) {
            let encoded = try self.message(message, bytes, &reader)
            try reader.finish(bytes)
            return RawMessage(encoded)
        } catch {
            throw error.inside(message)
        }
    }

    private func message(
        _ name: String, _ bytes: Span<UInt8>, _ reader: inout JSONReader
    ) throws(DecodingFailure) -> [UInt8] {
        switch name {
        case Timestamp.typeName: return try Self.whole(Timestamp.self, bytes, &reader)
        case WireDuration.typeName:
            var value = Duration.zero
            try value.decodeValue(from: bytes, &reader, Unlimited())
            return WireDuration(value).encoded()
        default: break
        }
        let fields = (schema.messages[name] ?? []).filter { $0.isSupported }
        var parts: [Int32: [UInt8]] = [:]
        var oneofs: Set<Int32> = []
        let outside = try reader.enter(bytes)
        while try reader.more(bytes) {
            for field in fields where reader.isNext(bytes, field.jsonName) {
                try reader.member(bytes, field.jsonName) { reader throws(DecodingFailure) in
                    if try reader.null(bytes) { return }
                    if let oneof = field.oneof, !oneofs.insert(oneof).inserted {
                        throw reader.failure(.json(.secondChoice(field.jsonName)))
                    }
                    parts[field.number] = try member(field, bytes, &reader)
                }
            }
            try reader.rest(bytes)
        }
        reader.leave(outside)
        return parts.sorted { $0.key < $1.key }.flatMap(\.value)
    }

    private static func whole<M: Message>(
        _: M.Type, _ bytes: Span<UInt8>, _ reader: inout JSONReader
    ) throws(DecodingFailure) -> [UInt8] {
        var value = M()
        try value.decodeValue(from: bytes, &reader, Unlimited())
        return value.encoded()
    }

    /// A member's value, list or map, with its tags.
    private func member(
        _ field: DescriptorSet.Field, _ bytes: Span<UInt8>, _ reader: inout JSONReader
    ) throws(DecodingFailure) -> [UInt8] {
        var writer = WireWriter()
        if let (key, value) = entry(field) {
            var keys: Set<[UInt8]> = []
            try reader.entries(bytes) { reader throws(DecodingFailure) in
                var entry = WireWriter()
                try self.key(key, bytes, &reader, &entry)
                guard keys.insert(entry.bytes).inserted else { throw reader.duplicate(bytes) }
                try reader.take(bytes, ":")
                try self.value(value, bytes, &reader, &entry)
                writer.field(field.wireNumber, "", Optional(RawMessage(entry.bytes)))
            }
        } else if field.isRepeated {
            try reader.elements(bytes) { reader throws(DecodingFailure) in
                try self.value(field, bytes, &reader, &writer)
            }
        } else {
            try value(field, bytes, &reader, &writer)
        }
        return writer.bytes
    }

    private func value(
        _ field: DescriptorSet.Field, _ bytes: Span<UInt8>, _ reader: inout JSONReader,
        _ writer: inout WireWriter
    ) throws(DecodingFailure) {
        func take<V: FieldValue>(_: V.Type) throws(DecodingFailure) {
            var value = V.fieldDefault
            try value.decodeValue(from: bytes, &reader, V.unlimited)
            writer.field(field.wireNumber, "", Optional(value))
        }
        switch field.kind {
        case .scalar(let type): try take(type)
        case .enumeration:
            guard let names = enums[field.typeName] else { return try take(Int32.self) }
            let number = try reader.enumeration(bytes, names)
            writer.field(field.wireNumber, "", Optional(number))
        case .message:
            let inner = try message(field.typeName, bytes, &reader)
            writer.field(field.wireNumber, "", Optional(RawMessage(inner)))
        case nil: break
        }
    }

    private func key(
        _ field: DescriptorSet.Field, _ bytes: Span<UInt8>, _ reader: inout JSONReader,
        _ writer: inout WireWriter
    ) throws(DecodingFailure) {
        func take<K: MapKey>(_: K.Type) throws(DecodingFailure) {
            var key = K.fieldDefault
            try key.decodeKey(from: bytes, &reader, K.unlimited)
            writer.field(1, "", Optional(key))
        }
        if case .scalar(let type as any MapKey.Type) = field.kind { try take(type) }
    }

    // MARK: To JSON

    /// The JSON form of a message; fields that the schema does not have are left out.
    public func json(
        _ message: RawMessage, as name: String, writesDefaults: Bool = false
    ) throws(DecodingFailure) -> [UInt8] {
        var writer = JSONWriter(form: writesDefaults ? .full : .compact)
        do throws(DecodingFailure) {
            try write(message.bytes, name, &writer, 0)
        } catch {
            throw error.inside(name)
        }
        return writer.bytes
    }

    private func write(
        _ bytes: [UInt8], _ name: String, _ writer: inout JSONWriter, _ depth: Int
    ) throws(DecodingFailure) {
        guard depth <= WireReader.depthLimit else {
            throw DecodingFailure(.tooDeep(limit: WireReader.depthLimit), offset: 0)
        }
        switch name {
        case Timestamp.typeName:
            return try Timestamp(decoding: bytes).encodeValue(into: &writer)
        case WireDuration.typeName:
            return try WireDuration(decoding: bytes).duration.encodeValue(into: &writer)
        default: break
        }
        var parts = try Self.parts(bytes)
        writer.bytes.append(UInt8(ascii: "{"))
        for field in schema.messages[name] ?? [] where field.isSupported {
            let part = parts.removeValue(forKey: field.wireNumber) ?? []
            try write(part, field, &writer, depth)
        }
        writer.bytes.append(UInt8(ascii: "}"))
    }

    /// The fields of a message by their numbers, each as it stands, tags included.
    private static func parts(_ bytes: [UInt8]) throws(DecodingFailure) -> [UInt32: [UInt8]] {
        var parts: [UInt32: [UInt8]] = [:]
        var reader = WireReader(bytes.span)
        while let tag = try reader.next(bytes.span) {
            let start = reader.fieldStart
            try reader.skip(bytes.span, tag)
            parts[tag >> 3, default: []] += bytes[start..<reader.position]
        }
        return parts
    }

    private func write(
        _ part: [UInt8], _ field: DescriptorSet.Field, _ writer: inout JSONWriter, _ depth: Int
    ) throws(DecodingFailure) {
        func put<V: FieldValue>(_: V.Type) throws(DecodingFailure) {
            let values = try Self.values(V.self, part, field)
            if field.isRepeated {
                writer.field(field.wireNumber, field.jsonName, values)
            } else if field.hasPresence {
                writer.field(field.wireNumber, field.jsonName, values.last)
            } else {
                writer.field(field.wireNumber, field.jsonName, values.last ?? V.fieldDefault)
            }
        }
        switch field.kind {
        case .scalar(let type): try put(type)
        case .enumeration:
            let numbers = try Self.values(Int32.self, part, field)
            let plain = numbers.isEmpty && !field.isRepeated && !field.hasPresence
            // A plain enum is left out at 0, like other scalars.
            let shown = plain && writer.writesDefaults ? [0] : numbers
            list(field, shown, &writer) { number, writer in write(number, field, &writer) }
        case .message where entry(field) != nil:
            try writeMap(part, field, &writer, depth)
        case .message:
            var messages = try Self.values(RawMessage.self, part, field)
            // A plain time is a value always.
            if messages.isEmpty, field.isTime, !field.isRepeated, !field.hasPresence,
                writer.writesDefaults
            {
                messages = [RawMessage()]
            }
            // Pieces of one message are read as if they were one.
            if !field.isRepeated, messages.count > 1 {
                messages = [RawMessage(messages.flatMap(\.bytes))]
            }
            try list(field, messages, &writer) { message, writer throws(DecodingFailure) in
                try write(message.bytes, field.typeName, &writer, depth + 1)
            }
        case nil: break
        }
    }

    private func writeMap(
        _ part: [UInt8], _ field: DescriptorSet.Field, _ writer: inout JSONWriter, _ depth: Int
    ) throws(DecodingFailure) {
        guard let (key, value) = entry(field) else { return }
        let entries = try Self.values(RawMessage.self, part, field)
        if entries.isEmpty, !writer.writesDefaults { return }
        var texts: [[UInt8]: [UInt8]] = [:]
        for entry in entries {
            let parts = try Self.parts(entry.bytes)
            var name = JSONWriter()
            try writeKey(parts[1] ?? [], key, &name)
            var content = JSONWriter(form: writer.form)
            try writeAlways(parts[2] ?? [], value, &content, depth)
            texts[name.bytes] = content.bytes
        }
        writer.key(field.jsonName)
        writer.bytes.append(UInt8(ascii: "{"))
        let sorted = texts.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        for (index, (name, content)) in sorted.enumerated() {
            if index > 0 { writer.bytes.append(UInt8(ascii: ",")) }
            writer.bytes += name + [UInt8(ascii: ":")] + content
        }
        writer.bytes.append(UInt8(ascii: "}"))
    }

    /// Writes the value of a map's entry, whatever it is.
    private func writeAlways(
        _ part: [UInt8], _ field: DescriptorSet.Field, _ writer: inout JSONWriter, _ depth: Int
    ) throws(DecodingFailure) {
        func put<V: FieldValue>(_: V.Type) throws(DecodingFailure) {
            let value = try Self.values(V.self, part, field).last ?? V.fieldDefault
            value.encodeValue(into: &writer)
        }
        switch field.kind {
        case .scalar(let type): try put(type)
        case .enumeration:
            let number = try Self.values(Int32.self, part, field).last ?? 0
            write(number, field, &writer)
        case .message:
            let pieces = try Self.values(RawMessage.self, part, field).flatMap(\.bytes)
            try write(pieces, field.typeName, &writer, depth + 1)
        case nil: break
        }
    }

    private func write(
        _ number: Int32, _ field: DescriptorSet.Field, _ writer: inout JSONWriter
    ) {
        if let names = enums[field.typeName] {
            writer.enumeration(number, names)
        } else {
            number.encodeValue(into: &writer)
        }
    }

    private func writeKey(
        _ part: [UInt8], _ field: DescriptorSet.Field, _ writer: inout JSONWriter
    ) throws(DecodingFailure) {
        func put<K: MapKey>(_: K.Type) throws(DecodingFailure) {
            (try Self.values(K.self, part, field).last ?? K.fieldDefault).encodeKey(into: &writer)
        }
        if case .scalar(let type as any MapKey.Type) = field.kind { try put(type) }
    }

    /// Writes values that have no type of their own here; a field that is not a list has one.
    private func list<Element, E: Error>(
        _ field: DescriptorSet.Field, _ values: [Element], _ writer: inout JSONWriter,
        _ write: (Element, inout JSONWriter) throws(E) -> Void
    ) throws(E) {
        if !field.isRepeated {
            guard let value = values.last else { return }
            writer.key(field.jsonName)
            return try write(value, &writer)
        }
        if values.isEmpty, !writer.writesDefaults { return }
        writer.key(field.jsonName)
        writer.bytes.append(UInt8(ascii: "["))
        for (index, value) in values.enumerated() {
            if index > 0 { writer.bytes.append(UInt8(ascii: ",")) }
            try write(value, &writer)
        }
        writer.bytes.append(UInt8(ascii: "]"))
    }

    // MARK: Fields

    /// Every value of a field, packed or not.
    private static func values<V: FieldValue>(
        _: V.Type, _ part: [UInt8], _ field: DescriptorSet.Field
    ) throws(DecodingFailure) -> [V] {
        var values: [V] = []
        var reader = WireReader(part.span)
        while try reader.more(part.span) {
            try reader.field(part.span, field.wireNumber, "", &values, V.unlimited, count: .max)
            try reader.rest(part.span)
        }
        return values
    }

    /// The key and the value of a map; nil for other fields.
    private func entry(
        _ field: DescriptorSet.Field
    ) -> (key: DescriptorSet.Field, value: DescriptorSet.Field)? {
        guard field.isRepeated, schema.mapEntries.contains(field.typeName),
            let fields = schema.messages[field.typeName], fields.count == 2
        else { return nil }
        return (fields[0], fields[1])
    }
}

extension DescriptorSet.Field {
    enum Kind {
        case scalar(any FieldValue.Type)
        case enumeration, message
    }

    /// Nil for a type that the language does not have.
    var kind: Kind? {
        switch type {
        case 1: .scalar(Double.self)
        case 2: .scalar(Float.self)
        case 3: .scalar(Int64.self)
        case 4: .scalar(UInt64.self)
        case 5: .scalar(Int32.self)
        case 8: .scalar(Bool.self)
        case 9: .scalar(String.self)
        case 11: .message
        case 12: .scalar([UInt8].self)
        case 13: .scalar(UInt32.self)
        case 14: .enumeration
        default: nil
        }
    }

    var isSupported: Bool { kind != nil && (1...536_870_911).contains(number) }

    var wireNumber: UInt32 { UInt32(truncatingIfNeeded: number) }
}

/// A message that is its fields, whatever these mean: for tools that know a schema only when they
/// run.
public struct RawMessage: Message {
    /// The binary form.
    public var bytes: [UInt8]

    public static var typeName: String { "" }

    public init() { bytes = [] }

    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    public func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
        writer.unknown(bytes)
    }

    public mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        try reader.rest(bytes, &self.bytes)
    }
}
