/// What kind of call a method is.
public enum MethodKind: UInt8, Sendable {
    case unary = 0
    case serverStreaming = 1
    case clientStreaming = 2
    case bidirectional = 3
}

/// What client, server and wire must know of one method; generated.
///
/// A class, since every call refers to its method.
public final class MethodDescriptor: Sendable {
    /// `package.Service/method`.
    public let name: String
    /// The method's number on the wire: FNV-1a (32 bits) of the UTF-8 bytes of ``name``.
    public let id: UInt32
    public let kind: MethodKind
    /// How long a call may take when its caller does not say; nil only where the schema
    /// spells `deadline none`.
    public let deadline: Duration?
    let deadlineNanoseconds: UInt64
    let idleNanoseconds: UInt64
    /// How long a call without a deadline may carry no message either way; nil for others.
    public let idleLimit: Duration?
    /// The roles that may call it; never empty.
    public let roles: [String]
    /// FNV-1a (64 bits) of the canonical text of the method and all messages it reaches.
    public let fingerprint: UInt64

    public init(
        name: String, id: UInt32, kind: MethodKind, deadline: Duration?, idleLimit: Duration?,
        roles: [String], fingerprint: UInt64
    ) {
        precondition(
            (deadline == nil) == (idleLimit != nil),
            "\(name) needs an idle limit exactly when it has no deadline")
        self.name = name
        self.id = id
        self.kind = kind
        self.deadline = deadline
        deadlineNanoseconds = deadline?.nanoseconds ?? .max
        idleNanoseconds = idleLimit?.nanoseconds ?? 0
        self.idleLimit = idleLimit
        self.roles = roles
        self.fingerprint = fingerprint
    }
}

/// A service and the fingerprint of everything that its wire form depends on; generated.
public struct ServiceDescriptor: Sendable {
    /// `package.Service`.
    public let name: String
    /// FNV-1a (64 bits) of the canonical text of the service and all its messages.
    public let fingerprint: UInt64
    public let methods: [MethodDescriptor]
    /// The base64 of a protobuf `FileDescriptorSet` that holds the service's file and all it
    /// imports.
    public let schema: StaticString

    public init(
        name: String, fingerprint: UInt64, methods: [MethodDescriptor], schema: StaticString
    ) {
        self.name = name
        self.fingerprint = fingerprint
        self.methods = methods
        self.schema = schema
    }
}

extension ServiceDescriptor {
    /// The `FileDescriptorSet` in ``schema``; empty where that is not base64.
    public var descriptorSet: [UInt8] { Base64.decode(schema.description.utf8.span) ?? [] }
}
