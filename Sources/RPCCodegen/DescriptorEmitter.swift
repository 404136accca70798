/// Writes schemas as a protobuf `FileDescriptorSet`, byte for byte what `protoc` makes from the
/// exported `.proto` files.
struct DescriptorEmitter {
    let compilation: Compilation

    /// The schemas and all they need, each file behind those that it imports.
    func set(_ schemas: [Schema]) -> [UInt8] {
        var seen: Set<String> = []
        var set = DescriptorBytes()
        for schema in schemas { add(schema, &seen, &set) }
        return set.bytes
    }

    private func add(_ schema: Schema, _ seen: inout Set<String>, _ set: inout DescriptorBytes) {
        guard seen.insert(ProtoEmitter.path(schema.path)).inserted else { return }
        let imports = ProtoEmitter(compilation: compilation).imports(schema)
        for path in imports {
            if let wellKnown = WellKnownFile(rawValue: path) {
                if seen.insert(path).inserted { set.message(1) { wellKnown.write(&$0) } }
            } else if let other = compilation.schemas.values
                .first(where: { ProtoEmitter.path($0.path) == path })
            {
                add(other, &seen, &set)
            }
        }
        set.message(1) { file(schema, imports, &$0) }
    }

    private func file(_ schema: Schema, _ imports: [String], _ out: inout DescriptorBytes) {
        out.string(1, ProtoEmitter.path(schema.path))
        out.string(2, schema.package)
        for path in imports { out.string(3, path) }
        for message in schema.messages { out.message(4) { self.message(message, &$0) } }
        for enumeration in schema.enums { out.message(5) { self.enumeration(enumeration, &$0) } }
        for service in schema.services { out.message(6) { self.service(service, &$0) } }
        out.string(12, "proto3")
    }

    private func message(_ message: MessageModel, _ out: inout DescriptorBytes) {
        out.string(1, message.name.name)
        // proto3 has each optional field in a oneof of its own.
        let optional = message.fields.filter { $0.cardinality == .optional }
        for field in message.fields {
            let oneof = optional.firstIndex { $0.number == field.number }
            out.message(2) { self.field(field, oneof, &$0) }
        }
        for field in optional {
            out.message(8) { $0.string(1, "_" + Names.snakeCase(field.name)) }
        }
        for case .numbers(let range, _) in message.reserved {
            out.message(9) {
                $0.integer(1, range.lowerBound)
                // The end of the range is not in it.
                $0.integer(2, range.upperBound + 1)
            }
        }
        for case .name(let name) in message.reserved { out.string(10, Names.snakeCase(name.text)) }
    }

    private func field(_ field: FieldModel, _ oneof: Int?, _ out: inout DescriptorBytes) {
        out.string(1, Names.snakeCase(field.name))
        out.integer(3, Int64(field.number))
        out.integer(4, field.cardinality == .list ? 3 : 1)
        out.integer(5, field.type.descriptorType)
        if let name = field.type.descriptorTypeName { out.string(6, name) }
        if let oneof { out.integer(9, Int64(oneof)) }
        out.string(10, field.name)
        if oneof != nil { out.integer(17, 1) }
    }

    private func enumeration(_ enumeration: EnumModel, _ out: inout DescriptorBytes) {
        out.string(1, enumeration.name.name)
        for value in enumeration.valuesForProto {
            out.message(2) {
                $0.string(1, Names.protoValue(enumeration.name.name, value.name))
                $0.integer(2, Int64(value.number))
            }
        }
        for case .numbers(let range, _) in enumeration.reserved {
            out.message(4) {
                $0.integer(1, range.lowerBound)
                $0.integer(2, range.upperBound)
            }
        }
        for case .name(let name) in enumeration.reserved {
            out.string(5, Names.protoValue(enumeration.name.name, name.text))
        }
    }

    private func service(_ service: ServiceModel, _ out: inout DescriptorBytes) {
        out.string(1, service.name.name)
        for method in service.methods {
            out.message(2) {
                $0.string(1, Names.protoMethod(method.name))
                $0.string(2, ".\(method.request)")
                $0.string(3, ".\(method.response)")
                if method.kind.streamsRequests { $0.integer(5, 1) }
                if method.kind.streamsResponses { $0.integer(6, 1) }
            }
        }
    }
}

/// The files of protobuf itself that schemas use.
private enum WellKnownFile: String {
    case timestamp = "google/protobuf/timestamp.proto"
    case duration = "google/protobuf/duration.proto"

    func write(_ out: inout DescriptorBytes) {
        let message = self == .timestamp ? "Timestamp" : "Duration"
        let package = self == .timestamp ? "timestamppb" : "durationpb"
        out.string(1, rawValue)
        out.string(2, "google.protobuf")
        out.message(4) {
            $0.string(1, message)
            for (name, number, type) in [("seconds", 1, 3), ("nanos", 2, 5)] {
                $0.message(2) {
                    $0.string(1, name)
                    $0.integer(3, Int64(number))
                    $0.integer(4, 1)
                    $0.integer(5, Int64(type))
                    $0.string(10, name)
                }
            }
        }
        // What protobuf says of them to the compilers of other languages.
        out.message(8) {
            $0.string(1, "com.google.protobuf")
            $0.string(8, message + "Proto")
            $0.integer(10, 1)
            $0.string(11, "google.golang.org/protobuf/types/known/\(package)")
            $0.integer(31, 1)
            $0.string(36, "GPB")
            $0.string(37, "Google.Protobuf.WellKnownTypes")
        }
        out.string(12, "proto3")
    }
}

extension FieldType {
    /// The number of the type in a `FieldDescriptorProto`.
    fileprivate var descriptorType: Int64 {
        switch self {
        case .message, .scalar(.timestamp), .scalar(.duration): 11
        case .enumeration: 14
        case .scalar(.double): 1
        case .scalar(.float): 2
        case .scalar(.int64): 3
        case .scalar(.uint64): 4
        case .scalar(.int32): 5
        case .scalar(.bool): 8
        case .scalar(.string): 9
        case .scalar(.bytes): 12
        case .scalar(.uint32): 13
        }
    }

    fileprivate var descriptorTypeName: String? {
        switch self {
        case .message(let name), .enumeration(let name): ".\(name)"
        case .scalar(.timestamp): ".google.protobuf.Timestamp"
        case .scalar(.duration): ".google.protobuf.Duration"
        case .scalar: nil
        }
    }
}

/// Writes the fields of a message of protobuf's own, in the order they are given.
struct DescriptorBytes {
    private(set) var bytes: [UInt8] = []

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func integer(_ number: UInt64, _ value: Int64) {
        varint(number << 3)
        varint(UInt64(bitPattern: value))
    }

    mutating func string(_ number: UInt64, _ value: String) { append(number, Array(value.utf8)) }

    mutating func message(_ number: UInt64, _ body: (inout DescriptorBytes) -> Void) {
        var inner = DescriptorBytes()
        body(&inner)
        append(number, inner.bytes)
    }

    private mutating func append(_ number: UInt64, _ content: [UInt8]) {
        varint(number << 3 | 2)
        varint(UInt64(content.count))
        bytes += content
    }
}
