/// What a request line asks for, decoded.
public struct RequestTarget: Sendable, Hashable {
    /// As it stood in the request line.
    public let raw: String
    /// The path's segments, each percent-decoded; `/` has none, `/a/` has `a` and an empty one.
    public let segments: [String]
    /// Name and value pairs in order, percent-decoded, with `+` read as a space.
    public let query: [QueryItem]

    public struct QueryItem: Sendable, Hashable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The path without the query, as sent.
    public var path: String {
        String(raw.prefix { $0 != "?" })
    }

    /// Takes origin-form (`/a?b=c`) and, as RFC 9112 demands, absolute-form
    /// (`http://host/a?b=c`), whose authority is ignored.
    public init(parsing bytes: some Collection<UInt8>) throws(HTTPError) {
        var target = Array(bytes)[...]
        if target.first != UInt8(ascii: "/") {
            target = try Self.withoutAuthority(target)
        }
        raw = String(decoding: target, as: UTF8.self)
        guard !target.contains(UInt8(ascii: "#")) else {
            throw HTTPError(.badRequest, "the request target has a fragment")
        }
        let mark = target.firstIndex(of: UInt8(ascii: "?")) ?? target.endIndex
        segments = try Self.segments(of: target[..<mark])
        query = try Self.items(of: target[mark...].dropFirst())
    }

    private static func withoutAuthority(_ target: ArraySlice<UInt8>) throws(HTTPError)
        -> ArraySlice<UInt8>
    {
        for scheme in ["http://", "https://"] {
            let head = target.prefix(scheme.utf8.count)
            guard ASCII.lowercased(head) == scheme else { continue }
            let rest = target.dropFirst(scheme.utf8.count)
            guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else {
                throw HTTPError(.badRequest, "the request target has no path")
            }
            return rest[slash...]
        }
        throw HTTPError(.badRequest, "the request target is neither a path nor a URL")
    }

    private static func segments(of path: ArraySlice<UInt8>) throws(HTTPError) -> [String] {
        if path.count == 1 { return [] }
        var segments: [String] = []
        let pieces = path.dropFirst().split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for piece in pieces {
            let segment = try decode(piece, plusIsSpace: false)
            // Nothing behind this parser shall ever have to think about leaving a folder.
            guard segment != ".", segment != ".." else {
                throw HTTPError(.badRequest, "the path has a dot segment")
            }
            segments.append(segment)
        }
        return segments
    }

    private static func items(of query: ArraySlice<UInt8>) throws(HTTPError) -> [QueryItem] {
        var items: [QueryItem] = []
        for piece in query.split(separator: UInt8(ascii: "&")) {
            let equals = piece.firstIndex(of: UInt8(ascii: "=")) ?? piece.endIndex
            items.append(
                QueryItem(
                    try decode(piece[..<equals], plusIsSpace: true),
                    try decode(piece[equals...].dropFirst(), plusIsSpace: true)))
        }
        return items
    }

    /// Percent-decodes strictly: two digits behind each `%`, valid UTF-8, no control characters.
    private static func decode(_ bytes: ArraySlice<UInt8>, plusIsSpace: Bool) throws(HTTPError)
        -> String
    {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            var byte = bytes[index]
            if byte == UInt8(ascii: "%") {
                guard bytes.endIndex - index > 2, let high = ASCII.hexValue(bytes[index + 1]),
                    let low = ASCII.hexValue(bytes[index + 2])
                else { throw HTTPError(.badRequest, "a % is not followed by two digits") }
                byte = high << 4 | low
                index += 2
            } else if plusIsSpace, byte == UInt8(ascii: "+") {
                byte = ASCII.space
            }
            guard byte >= 0x20, byte != 0x7F else {
                throw HTTPError(.badRequest, "the request target has a control character")
            }
            decoded.append(byte)
            index += 1
        }
        guard let text = String(validating: decoded, as: UTF8.self) else {
            throw HTTPError(.badRequest, "the request target is not UTF-8")
        }
        return text
    }
}
