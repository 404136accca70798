/// Writes schemas as a protobuf `FileDescriptorSet`, byte for byte what `protoc` makes from the
/// exported `.proto` files.
struct DescriptorEmitter {
    let compilation: Compilation

    private enum Step {
        /// A file, behind those that it imports.
        case add(String)
        /// A schema whose imports are there.
        case write(Schema, imports: [String])
    }

    /// The schemas and all they need, each file behind those that it imports.
    func set(_ schemas: [Schema]) -> [UInt8] {
        let known = Dictionary(
            compilation.schemas.values.map { (ProtoEmitter.path($0.path), $0) },
            uniquingKeysWith: { first, _ in first })
        var seen: Set<String> = []
        var set = DescriptorBytes()
        // The last is the next. No recursion: chains of imports can be long.
        var steps = schemas.reversed().map { Step.add(ProtoEmitter.path($0.path)) }
        while let step = steps.popLast() {
            switch step {
            case .add(let path):
                guard seen.insert(path).inserted else { continue }
                if let wellKnown = WellKnownFile(rawValue: path) {
                    set.message(1) { wellKnown.write(&$0) }
                } else if let schema = known[path] {
                    let imports = ProtoEmitter(compilation: compilation).imports(schema)
                    steps.append(.write(schema, imports: imports))
                    steps += imports.reversed().map { .add($0) }
                }
            case .write(let schema, let imports):
                set.message(1) { file(schema, imports, &$0) }
            }
        }
        return set.bytes
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
        out.string(1, message.name.last)
        // proto3 has each optional field in a oneof of its own, behind the others.
        let fields = message.fieldsForProto
        let optional = fields.filter { $0.cardinality == .optional }
        let oneofs = message.oneofsForProto
        for field in fields {
            var oneof: Int?
            if case .choice(let name) = field.cardinality {
                oneof = oneofs.firstIndex { $0.name == name }
            } else if let index = optional.firstIndex(where: { $0.number == field.number }) {
                oneof = oneofs.count + index
            }
            out.message(2) { self.field(field, message.name, oneof, &$0) }
        }
        // Entries of maps stand where their fields do, behind what is declared.
        for inner in message.messages { out.message(3) { self.message(inner, &$0) } }
        for field in fields {
            guard case .map(let key, _) = field.cardinality else { continue }
            out.message(3) { entry(field, key, &$0) }
        }
        for enumeration in message.enums {
            out.message(4) { self.enumeration(enumeration, &$0) }
        }
        if message.deprecated != nil { out.message(7) { $0.integer(3, 1) } }
        for oneof in oneofs { out.message(8) { $0.string(1, Names.snakeCase(oneof.name)) } }
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

    private func field(
        _ field: FieldModel, _ message: TypeName, _ oneof: Int?, _ out: inout DescriptorBytes
    ) {
        out.string(1, Names.snakeCase(field.name))
        out.integer(3, Int64(field.number))
        out.integer(4, field.isRepeated ? 3 : 1)
        if case .map = field.cardinality {
            out.integer(5, 11)
            out.string(6, ".\(message.inside(Names.mapEntry(field.name)))")
        } else {
            out.integer(5, field.type.descriptorType)
            if let name = field.type.descriptorTypeName { out.string(6, name) }
        }
        if field.deprecated != nil || field.redact {
            out.message(8) {
                if field.deprecated != nil { $0.integer(3, 1) }
                if field.redact { $0.integer(16, 1) }
            }
        }
        if let oneof { out.integer(9, Int64(oneof)) }
        out.string(10, field.name)
        if field.cardinality == .optional { out.integer(17, 1) }
    }

    private func entry(_ field: FieldModel, _ key: ScalarType, _ out: inout DescriptorBytes) {
        out.string(1, Names.mapEntry(field.name))
        for (name, number, type) in [("key", 1, FieldType.scalar(key)), ("value", 2, field.type)] {
            out.message(2) {
                $0.string(1, name)
                $0.integer(3, Int64(number))
                $0.integer(4, 1)
                $0.integer(5, type.descriptorType)
                if let name = type.descriptorTypeName { $0.string(6, name) }
                $0.string(10, name)
            }
        }
        out.message(7) { $0.integer(7, 1) }
    }

    private func enumeration(_ enumeration: EnumModel, _ out: inout DescriptorBytes) {
        let name = enumeration.name.last
        out.string(1, name)
        for value in enumeration.valuesForProto {
            out.message(2) {
                $0.string(1, Names.protoValue(name, value.name))
                $0.integer(2, Int64(value.number))
                if value.deprecated != nil { $0.message(3) { $0.integer(1, 1) } }
            }
        }
        if enumeration.deprecated != nil { out.message(3) { $0.integer(3, 1) } }
        for case .numbers(let range, _) in enumeration.reserved {
            out.message(4) {
                $0.integer(1, range.lowerBound)
                $0.integer(2, range.upperBound)
            }
        }
        for case .name(let reserved) in enumeration.reserved {
            out.string(5, Names.protoValue(name, reserved.text))
        }
    }

    private func service(_ service: ServiceModel, _ out: inout DescriptorBytes) {
        out.string(1, service.name.name)
        for method in service.methods {
            out.message(2) {
                $0.string(1, Names.protoMethod(method.name))
                $0.string(2, ".\(method.request)")
                $0.string(3, ".\(method.response)")
                if method.deprecated != nil || method.idempotency.protoLevel != nil {
                    $0.message(4) {
                        if method.deprecated != nil { $0.integer(33, 1) }
                        if let level = method.idempotency.protoLevel {
                            $0.integer(34, level.number)
                        }
                    }
                }
                if method.kind.streamsRequests { $0.integer(5, 1) }
                if method.kind.streamsResponses { $0.integer(6, 1) }
            }
        }
        if service.deprecated != nil { out.message(3) { $0.integer(33, 1) } }
    }
}

extension MessageModel {
    /// In the order of the exported `.proto`, where the choices of a oneof stand together.
    fileprivate var fieldsForProto: [FieldModel] {
        var written: Set<String> = []
        return fields.flatMap { field -> [FieldModel] in
            guard case .choice(let oneof) = field.cardinality else { return [field] }
            guard written.insert(oneof).inserted else { return [] }
            return fields.filter { $0.cardinality == .choice(oneof) }
        }
    }

    /// Those that have choices, in the order of the first of these.
    fileprivate var oneofsForProto: [OneofModel] {
        var seen: Set<String> = []
        return fieldsForProto.compactMap { field in
            guard case .choice(let name) = field.cardinality, seen.insert(name).inserted
            else { return nil }
            return oneofs.first { $0.name == name }
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
        case .scalar(.string), .scalar(.uuid): 9
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
