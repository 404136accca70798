/// How full a device is.
public struct FreeSizes: Sendable, Hashable {
    /// Nil where the firmware does not tell.
    public var users: Int?
    /// Attendance records; nil where the firmware does not tell.
    public var records: Int?
    public var fingerprints = 0
    public var operations = 0
    public var admins = 0
    public var passwords = 0
    public var faces = 0
    public var fingerprintCapacity = 0
    public var userCapacity = 0
    public var recordCapacity = 0
    public var faceCapacity = 0
    /// The one number that some firmware answers, one counter for each argument; none is known.
    public var onlyNumber: UInt32?

    public init(users: Int? = nil, records: Int? = nil) {
        self.users = users
        self.records = records
    }

    /// Takes 80 bytes, 92 with faces, or more; an answer of 4 is ``onlyNumber``.
    public init(decoding data: [UInt8]) throws(FormatError) {
        self.init()
        if data.count == 4 {
            onlyNumber = data.span.u32(at: 0)
            return
        }
        guard data.count >= 80 else {
            throw .length(what: "free sizes", bytes: data.count, expected: "4, 80, 92 or more")
        }
        let bytes = data.span
        func count(_ offset: Int, _ name: String) throws(FormatError) -> Int {
            let value = Int(Int32(bitPattern: bytes.u32(at: offset)))
            guard value >= 0 else { throw .value(what: "the count of \(name)", found: "\(value)") }
            return value
        }
        users = try count(16, "users")
        fingerprints = try count(24, "fingerprints")
        records = try count(32, "records")
        operations = try count(40, "operations")
        admins = try count(48, "admins")
        passwords = try count(52, "passwords")
        fingerprintCapacity = try count(56, "fingerprints that fit")
        userCapacity = try count(60, "users that fit")
        recordCapacity = try count(64, "records that fit")
        guard data.count >= 92 else { return }
        faces = try count(80, "faces")
        faceCapacity = try count(88, "faces that fit")
    }

    /// The lengths that firmware answers with.
    public static let lengths = [4, 80, 92, 112]

    /// The answer in one of ``lengths``.
    public func encoded(bytes length: Int = 92) -> [UInt8] {
        precondition(FreeSizes.lengths.contains(length), "no free sizes have \(length) bytes")
        var data: [UInt8] = []
        if length == 4 {
            data.append(u32: onlyNumber ?? 0)
            return data
        }
        data = [UInt8](repeating: 0, count: length)
        func put(_ value: Int, at offset: Int) {
            data.put(u32: UInt32(clamping: max(0, value)), at: offset)
        }
        let users = users ?? 0
        let records = records ?? 0
        put(users, at: 16)
        put(fingerprints, at: 24)
        put(records, at: 32)
        put(operations, at: 40)
        put(admins, at: 48)
        put(passwords, at: 52)
        put(fingerprintCapacity, at: 56)
        put(userCapacity, at: 60)
        put(recordCapacity, at: 64)
        put(fingerprintCapacity - fingerprints, at: 68)
        put(userCapacity - users, at: 72)
        put(recordCapacity - records, at: 76)
        guard length >= 92 else { return data }
        put(faces, at: 80)
        put(faceCapacity, at: 88)
        return data
    }
}
