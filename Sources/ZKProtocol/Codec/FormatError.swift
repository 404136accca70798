/// Bytes that are not what the protocol says they should be.
public enum FormatError: Error, Sendable, Hashable {
    /// A frame began with something else than the magic number.
    case magic([UInt8])
    /// A frame of firmware that encrypts its connections.
    case encrypted
    /// A frame announced fewer bytes than a packet's header has.
    case frameTooShort(length: Int)
    /// A frame announced more bytes than the limit allows.
    case frameTooLong(length: Int, limit: Int)
    /// The packet's checksum does not belong to its bytes.
    case checksum(found: UInt16, computed: UInt16)
    /// The payload named by `what` has a length that it cannot have.
    case length(what: String, bytes: Int, expected: String)
    /// The payload named by `what` holds a value that it cannot hold.
    case value(what: String, found: String)
}

extension FormatError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .magic(let bytes):
            let text = bytes.map { String($0, radix: 16) }.joined(separator: " ")
            return "a frame begins with \(text), not with 50 50 82 7d"
        case .encrypted:
            return "the device encrypts its frames"
        case .frameTooShort(let length):
            return "a frame announces \(length) bytes, fewer than the 8 of a packet's header"
        case .frameTooLong(let length, let limit):
            return "a frame announces \(length) bytes, more than the limit of \(limit)"
        case .checksum(let found, let computed):
            return "the checksum is \(found), but the bytes have \(computed)"
        case .length(let what, let bytes, let expected):
            return "\(what) has \(bytes) bytes; expected are \(expected)"
        case .value(let what, let found):
            return "\(what) is \(found)"
        }
    }
}
