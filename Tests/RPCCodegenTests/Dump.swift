import RPCRuntime

/// Every field of a message by its Swift name, in the form of `exchange.py`.
enum Dump {
    static func text(of value: Any) -> String {
        let mirror = Mirror(reflecting: value)
        if mirror.displayStyle == .optional {
            return mirror.children.first.map { text(of: $0.value) } ?? "nil"
        }
        switch value {
        case let value as Timestamp: return "\(value.seconds)+\(value.nanoseconds)"
        case let value as Duration:
            let parts = value.components
            return "\(parts.seconds)+\(parts.attoseconds / 1_000_000_000)"
        // What protobuf has by default is no text, and ours is the nil UUID.
        case let value as RPCUUID where value == RPCUUID(): return "\""
        case let value as RPCUUID: return "\"" + hex(Array(value.description.utf8))
        case let value as any Message: return fields(value)
        case let value as any OpenEnum: return "\(value.rawValue)"
        case let value as Float: return hex(value.bitPattern.bigEndian)
        case let value as Double: return hex(value.bitPattern.bigEndian)
        case let value as String: return "\"" + hex(Array(value.utf8))
        // An empty array is an array of any type to `as`.
        case let bytes as [UInt8] where type(of: value) == [UInt8].self: return "x" + hex(bytes)
        case _ where mirror.displayStyle == .dictionary:
            return "<" + mirror.children.map { entry($0.value) }.sorted().joined(separator: ",")
                + ">"
        case _ where mirror.displayStyle == .enum:
            return mirror.children.map { "\($0.label ?? "")(\(text(of: $0.value)))" }.joined()
        case let value as [Any]: return "[" + value.map(text).joined(separator: ",") + "]"
        default: return "\(value)"
        }
    }

    /// A pair of a dictionary.
    private static func entry(_ pair: Any) -> String {
        Mirror(reflecting: pair).children.map { text(of: $0.value) }.joined(separator: ":")
    }

    private static func fields(_ message: any Message) -> String {
        let fields = Mirror(reflecting: message).children.compactMap { child -> String? in
            guard let label = child.label, label != "unknownFields" else { return nil }
            return "\(label)=\(text(of: child.value))"
        }
        return "{" + fields.joined(separator: ",") + "}"
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        var text = ""
        for byte in bytes {
            text += String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
        return text
    }

    private static func hex(_ value: some FixedWidthInteger) -> String {
        let size = value.bitWidth / 8
        return hex((0..<size).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) })
    }
}
