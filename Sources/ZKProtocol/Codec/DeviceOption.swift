/// A named setting of the device: `~SerialNumber=CEXA204160123`.
public struct DeviceOption: Sendable, Hashable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    /// Takes `name=value`, with or without a NUL behind it.
    public init(decoding data: [UInt8], _ encoding: TextEncoding = .utf8) throws(FormatError) {
        let text = DeviceText.decode(data, encoding)
        guard let mark = text.firstIndex(of: "=") else {
            throw .value(what: "an option without `=`", found: "`\(text.prefix(64))`")
        }
        name = String(text[..<mark])
        value = String(text[text.index(after: mark)...])
    }

    /// `name=value` and a NUL, as devices answer.
    public func encoded(_ encoding: TextEncoding = .utf8) -> [UInt8] {
        DeviceText.encode("\(name)=\(value)", limit: .max, encoding) + [0]
    }

    /// The request for `name`.
    public static func request(_ name: String) -> [UInt8] { Array(name.utf8) + [0] }
}

extension DeviceOption {
    /// The request to set it: without the NUL, as clients in use write it.
    public func request(_ encoding: TextEncoding = .utf8) -> [UInt8] {
        DeviceText.encode("\(name)=\(value)", limit: .max, encoding)
    }
}
