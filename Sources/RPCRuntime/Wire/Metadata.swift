/// What travels beside a call's messages, before and behind them: keys and bytes, in order.
///
/// A key may stand several times. Values are bytes; text is UTF-8. ``RPCOptions/metadataBytesMax``
/// bounds the whole, ``countMax`` the entries.
public struct Metadata: Sendable, Hashable {
    public struct Entry: Sendable, Hashable {
        /// 1 to 128 bytes of `a-z 0-9 - _ .`.
        public var key: String
        public var value: [UInt8]

        public init(_ key: String, _ value: [UInt8]) {
            self.key = key
            self.value = value
        }
    }

    /// The most entries that one call's head or trailers may have.
    public static var countMax: Int { 64 }
    /// The most bytes of a key.
    static var keyBytesMax: Int { 128 }

    public var entries: [Entry] = []

    public init() {}

    public init(_ entries: [Entry]) { self.entries = entries }

    public var isEmpty: Bool { entries.isEmpty }

    /// Adds an entry behind the others.
    public mutating func append(_ key: String, _ value: [UInt8]) {
        entries.append(Entry(key, value))
    }

    /// Adds an entry of text behind the others.
    public mutating func append(_ key: String, text: String) {
        entries.append(Entry(key, Array(text.utf8)))
    }

    /// The first value of a key.
    public subscript(_ key: String) -> [UInt8]? { entries.first { $0.key == key }?.value }

    /// The first value of a key as text; nil when it is not UTF-8.
    public func text(_ key: String) -> String? {
        self[key].flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// Every value of a key, in order.
    public func all(_ key: String) -> [[UInt8]] {
        entries.lazy.filter { $0.key == key }.map(\.value)
    }

    /// What the limit counts: the bytes of keys and values, and 8 for each entry.
    public var byteCount: Int {
        entries.reduce(0) { $0 + $1.key.utf8.count + $1.value.count + 8 }
    }

    /// Why this must not be sent, as the end of a sentence; nil when it may.
    func flaw(limit: Int) -> String? {
        if entries.count > Self.countMax {
            return "has \(entries.count) entries; the limit is \(Self.countMax)"
        }
        if byteCount > limit {
            return "has \(byteCount) bytes; the limit is \(limit) (option metadataBytesMax)"
        }
        guard let bad = entries.first(where: { !Self.isKey($0.key) }) else { return nil }
        return "has the key '\(bad.key)'; keys are 1 to 128 bytes of a-z 0-9 - _ ."
    }

    static func isKey(_ key: String) -> Bool {
        (1...keyBytesMax).contains(key.utf8.count)
            && key.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                    || byte == UInt8(ascii: ".")
            }
    }
}

extension Metadata: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, String)...) {
        for (key, text) in elements { append(key, text: text) }
    }
}

extension Metadata.Entry: Message {
    public static let typeName = "biometricflow.mesh.MetadataEntry"

    public init() { self.init("", []) }

    public func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
        writer.field(1, "key", key)
        writer.field(2, "value", value)
    }

    public mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        try reader.field(bytes, 1, "key", &key, 0...Metadata.keyBytesMax)
        try reader.field(bytes, 2, "value", &value, 0...(64 << 10))
        try reader.rest(bytes)
    }
}
