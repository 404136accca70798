/// What kind of call a method is.
public enum MethodKind: UInt8, Sendable {
    case unary = 0
    case serverStreaming = 1
}

/// What client, server and wire must know of one method; generated.
public struct MethodDescriptor: Sendable {
    /// `package.Service/method`.
    public let name: String
    /// The method's number on the wire: FNV-1a (32 bits) of the UTF-8 bytes of ``name``.
    public let id: UInt32
    public let kind: MethodKind
    /// How long a call may take when its caller does not say; nil only where the schema
    /// spells `deadline none`.
    public let deadline: Duration?
    let deadlineNanoseconds: UInt64?
    /// The roles that may call it; never empty.
    public let roles: [String]

    public init(
        name: String, id: UInt32, kind: MethodKind, deadline: Duration?, roles: [String]
    ) {
        self.name = name
        self.id = id
        self.kind = kind
        self.deadline = deadline
        deadlineNanoseconds = deadline?.nanoseconds
        self.roles = roles
    }
}

/// A service and the fingerprint of everything that its wire form depends on; generated.
public struct ServiceDescriptor: Sendable {
    /// `package.Service`.
    public let name: String
    /// FNV-1a (64 bits) of the canonical text of the service and all its messages.
    public let fingerprint: UInt64
    public let methods: [MethodDescriptor]

    public init(name: String, fingerprint: UInt64, methods: [MethodDescriptor]) {
        self.name = name
        self.fingerprint = fingerprint
        self.methods = methods
    }
}
