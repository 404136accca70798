// Messages: a struct that lists its fields once, for writing and for reading.

extension SwiftEmitter {
    func message(_ message: MessageModel, _ printer: inout Printer) {
        printer.line()
        printer.documentation(message.documentation, message.deprecated)
        printer.block("public struct \(message.name.last): GeneratedMessage") { printer in
            properties(message, &printer)
            printer.line()
            printer.line("public static var typeName: String { \"\(message.name)\" }")
            printer.line("public init() {}")
            memberwiseInit(message, &printer)
            fields(message, &printer)
            for oneof in message.oneofs { self.oneof(oneof, message, &printer) }
            for enumeration in message.enums { self.enumeration(enumeration, &printer) }
            for inner in message.messages { self.message(inner, &printer) }
        }
    }

    private func properties(_ message: MessageModel, _ printer: inout Printer) {
        for member in message.members {
            switch member {
            case .field(let field):
                printer.documentation(field.documentation, field.deprecated)
                let initial = field.cardinality == .optional ? "" : " = \(field.swiftDefault)"
                printer.line("public var \(Names.swift(field.name)): \(field.swiftType)\(initial)")
            case .oneof(let oneof):
                printer.documentation(oneof.documentation)
                printer.line(
                    "public var \(Names.swift(oneof.name)): \(Names.oneofType(oneof.name))?")
            }
        }
        printer.line("public var unknownFields: [UInt8] = []")
    }

    private func memberwiseInit(_ message: MessageModel, _ printer: inout Printer) {
        let members = message.members
        guard !members.isEmpty else { return }
        let parameters = members.map { member in
            switch member {
            case .field(let field):
                "\(Names.swift(field.name)): \(field.swiftType) = \(field.swiftDefault)"
            case .oneof(let oneof):
                "\(Names.swift(oneof.name)): \(Names.oneofType(oneof.name))? = nil"
            }
        }
        let names = members.map(\.name)
        printer.line()
        printer.wrapped("public init(", parameters, ") {")
        printer.indented { printer in
            let properties = names.map { "self.\($0)" }
            let values = names.map(Names.swift)
            let left = properties.joined(separator: ", ")
            let right = values.joined(separator: ", ")
            if names.count == 1 {
                printer.line("\(left) = \(right)")
            } else if !printer.fits("(\(left)) = (\(right))") {
                printer.wrapped("(", properties, ") =", hanging: true)
                printer.wrapped("    (", values, ")", hanging: true)
            }
        }
        printer.line("}")
    }

    private func fields(_ message: MessageModel, _ printer: inout Printer) {
        printer.line()
        let parameters = "_ coder: inout Coder, _ bytes: Span<UInt8>"
        printer.line("public mutating func fields<Coder: FieldCoder>(\(parameters))")
        printer.line("    throws(Coder.Failure)")
        printer.line("{")
        printer.indented { printer in
            for field in message.fieldsByNumber { self.field(field, &printer) }
        }
        printer.line("}")
    }

    private func field(_ field: FieldModel, _ printer: inout Printer) {
        var arguments = "bytes, \(field.number), \"\(field.name)\""
        // What is redacted has methods of its own, which take every limit.
        let unlimited = field.redact ? "\(field.elementType).unlimited" : nil
        if case .choice(let oneof) = field.cardinality {
            let name = Names.swift(field.name)
            arguments += ", &\(Self.reference(oneof)), \(Names.oneofType(oneof)).\(name)"
            if let limit = field.limit.swift ?? unlimited { arguments += ", \(limit)" }
            printer.line("try coder.\(field.redact ? "redactedChoice" : "choice")(\(arguments)) {")
            printer.line("    if case .\(field.name)(let value) = $0 { value } else { nil }")
            printer.line("}")
            return
        }
        arguments += ", &\(field.swiftReference)"
        if case .map(let key, let keys) = field.cardinality {
            let unlimited = field.redact ? "\(key.swiftType).unlimited" : nil
            if let keys = keys.swift ?? unlimited { arguments += ", keys: \(keys)" }
        }
        if let limit = field.limit.swift ?? unlimited { arguments += ", \(limit)" }
        if field.isRepeated { arguments += ", count: \(field.countMax)" }
        printer.line("try coder.\(field.redact ? "redacted" : "field")(\(arguments))")
    }

    private func oneof(_ oneof: OneofModel, _ message: MessageModel, _ printer: inout Printer) {
        let choices = message.choices(of: oneof)
        let type = Names.oneofType(oneof.name)
        printer.line()
        printer.line("/// What `\(oneof.name)` can be.")
        printer.block("public enum \(type): Hashable, Sendable") { printer in
            for field in choices {
                printer.documentation(field.documentation, field.deprecated)
                printer.line("case \(Names.swift(field.name))(\(field.elementType))")
            }
        }
        for field in choices {
            printer.line()
            printer.line("/// `\(field.name)`, if that is what `\(oneof.name)` is.")
            printer.line(
                "public var \(Names.swift(field.name)): \(field.elementType)? "
                    + "{ if case .\(field.name)(let value) = \(Self.reference(oneof.name)) "
                    + "{ value } else { nil } }")
        }
    }

    /// A member inside `fields`, whose own names come first.
    static func reference(_ name: String) -> String {
        ["bytes", "coder"].contains(name) || Names.keywords.contains(name)
            ? "self.\(name)" : name
    }
}

/// What a message has a property for.
enum MessageMember {
    case field(FieldModel)
    case oneof(OneofModel)

    var name: String {
        switch self {
        case .field(let field): field.name
        case .oneof(let oneof): oneof.name
        }
    }
}

extension MessageModel {
    /// As written; a oneof where the first of its choices is.
    var members: [MessageMember] {
        var seen: Set<String> = []
        return fields.compactMap { field in
            guard case .choice(let name) = field.cardinality else { return .field(field) }
            guard seen.insert(name).inserted else { return nil }
            return oneofs.first { $0.name == name }.map { .oneof($0) }
        }
    }
}

extension ValueLimit {
    /// As an argument; nil where there is no limit but the type's.
    var swift: String? {
        switch self {
        case .none: nil
        case .length(let range): "\(range.lowerBound)...\(range.upperBound)"
        // A minus would be taken for a part of the operator.
        case .range(let low, let high) where high.hasPrefix("-"): "\(low) ... \(high)"
        case .range(let low, let high): "\(low)...\(high)"
        }
    }
}

extension FieldModel {
    var elementType: String {
        switch type {
        case .message(let name), .enumeration(let name): name.name
        case .scalar(let scalar): scalar.swiftType
        }
    }

    var swiftType: String {
        switch cardinality {
        case .plain: elementType
        case .optional, .choice: elementType + "?"
        case .list: "[\(elementType)]"
        case .map(let key, _): "[\(key.swiftType): \(elementType)]"
        }
    }

    var swiftDefault: String {
        switch (cardinality, type) {
        case (.optional, _), (.choice, _): "nil"
        case (.list, _): "[]"
        case (.map, _): "[:]"
        case (_, .scalar(.bool)): "false"
        case (_, .scalar(.string)): "\"\""
        case (_, .scalar(.bytes)): "[]"
        case (_, .scalar(.timestamp)): "Timestamp()"
        case (_, .scalar(.uuid)): "RPCUUID()"
        case (_, .scalar(.duration)): ".zero"
        case (_, .scalar): "0"
        case (_, .message(let name)), (_, .enumeration(let name)): "\(name.name)()"
        }
    }

    /// The field inside `fields`.
    var swiftReference: String { SwiftEmitter.reference(name) }
}

extension ScalarType {
    var swiftType: String {
        switch self {
        case .bool: "Bool"
        case .int32: "Int32"
        case .int64: "Int64"
        case .uint32: "UInt32"
        case .uint64: "UInt64"
        case .float: "Float"
        case .double: "Double"
        case .string: "String"
        case .bytes: "[UInt8]"
        case .timestamp: "Timestamp"
        case .duration: "Duration"
        case .uuid: "RPCUUID"
        }
    }
}
