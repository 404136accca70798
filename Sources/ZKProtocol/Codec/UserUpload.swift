/// Users and their templates in one upload, which the device takes as a whole.
///
/// Three lengths of 4 bytes; the users, each behind a `02`; a table with 8 bytes for each
/// template: `02`, the user's index, 16 + finger, and where in the last part it begins; and the
/// templates, each behind its length of 2 bytes.
public struct UserUpload: Sendable {
    public var users: [DeviceUser]
    public var templates: [FingerTemplate]

    public init(users: [DeviceUser], templates: [FingerTemplate]) {
        self.users = users
        self.templates = templates
    }

    /// The bytes; nil where an id does not fit the layout.
    public func encoded(_ layout: UserLayout, _ encoding: TextEncoding = .utf8) -> [UInt8]? {
        var records: [UInt8] = []
        for user in users {
            guard let record = user.encoded(layout, encoding) else { return nil }
            records.append(2)
            records += record
        }
        var table: [UInt8] = []
        var bodies: [UInt8] = []
        for template in templates {
            table.append(2)
            table.append(u16: template.uid)
            table.append(0x10 &+ template.finger)
            table.append(u32: UInt32(clamping: bodies.count))
            bodies.append(u16: UInt16(clamping: template.bytes.count))
            bodies += template.bytes
        }
        var bytes: [UInt8] = []
        for part in [records, table, bodies] { bytes.append(u32: UInt32(clamping: part.count)) }
        return bytes + records + table + bodies
    }

    public init(decoding bytes: [UInt8], _ encoding: TextEncoding = .utf8) throws(FormatError) {
        let what = "an upload of users"
        guard bytes.count >= 12 else {
            throw .length(what: what, bytes: bytes.count, expected: "12 or more")
        }
        let span = bytes.span
        let lengths = (0..<3).map { Int(span.u32(at: $0 * 4)) }
        guard lengths.reduce(12, +) == bytes.count, lengths[1] % 8 == 0 else {
            throw .length(
                what: what, bytes: bytes.count,
                expected: "12 + \(lengths[0]) + \(lengths[1]) + \(lengths[2])")
        }
        let table = 12 + lengths[0]
        let bodies = table + lengths[1]
        users = try UserUpload.users(bytes, upTo: table, encoding)
        templates = []
        for entry in stride(from: table, to: bodies, by: 8) {
            let offset = Int(span.u32(at: entry + 4))
            guard offset <= lengths[2], lengths[2] - offset >= 2 else {
                throw .value(what: "a template's place in an upload", found: "\(offset)")
            }
            let start = bodies + offset + 2
            let count = Int(span.u16(at: start - 2))
            guard count <= bytes.count - start, count <= FingerTemplate.bytesMax,
                0x10...0x19 ~= bytes[entry + 3]
            else { throw .value(what: "a template's size in an upload", found: "\(count)") }
            templates.append(
                FingerTemplate(
                    uid: span.u16(at: entry + 1), finger: bytes[entry + 3] - 0x10,
                    bytes: Array(bytes[start..<start + count])))
        }
    }

    /// The records from 12 to `end`: of the longest layout that has a `02` before each.
    private static func users(
        _ bytes: [UInt8], upTo end: Int, _ encoding: TextEncoding
    ) throws(FormatError) -> [DeviceUser] {
        if end == 12 { return [] }
        for layout in [UserLayout.bytes72, .bytes28, .bytes120] {
            let step = layout.stride + 1
            guard (end - 12) % step == 0 else { continue }
            let starts = stride(from: 12, to: end, by: step)
            guard starts.allSatisfy({ bytes[$0] == 2 }) else { continue }
            return starts.map { DeviceUser(bytes.span, at: $0 + 1, layout, encoding) }
        }
        throw .length(what: "the users of an upload", bytes: end - 12, expected: "29 or 73 each")
    }
}
