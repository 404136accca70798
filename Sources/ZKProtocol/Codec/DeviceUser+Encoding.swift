extension DeviceUser {
    /// The record; texts that are too long are cut at a character's end.
    ///
    /// Nil where the id does not fit: cutting it would make it another person's.
    public func encoded(_ layout: UserLayout, _ encoding: TextEncoding = .utf8) -> [UInt8]? {
        switch layout {
        case .bytes28: encoded28(encoding)
        case .bytes72: encoded72(encoding)
        case .bytes120: encoded120(encoding)
        }
    }

    private func encoded28(_ encoding: TextEncoding) -> [UInt8]? {
        guard let number = UInt32(userID) else { return nil }
        var bytes = head
        bytes.append(password, width: 5, encoding)
        bytes.append(name, width: 8, encoding)
        bytes.append(u32: card)
        bytes.append(0)
        bytes.append(groupByte)
        bytes.append(u16: UInt16(truncatingIfNeeded: access))
        bytes.append(u32: number)
        return bytes
    }

    private func encoded72(_ encoding: TextEncoding) -> [UInt8]? {
        guard DeviceText.encode(userID, limit: .max, encoding).count <= 24 else { return nil }
        var bytes = head
        bytes.append(password, width: 8, encoding)
        bytes.append(name, width: 24, encoding)
        bytes.append(u32: card)
        bytes.append(groupByte)
        bytes.append(u64: access)
        bytes.append(userID, width: 24, encoding)
        return bytes
    }

    private func encoded120(_ encoding: TextEncoding) -> [UInt8]? {
        guard DeviceText.encode(userID, limit: .max, encoding).count <= 24 else { return nil }
        var bytes = head
        bytes.append(password, width: 8, encoding)
        bytes += unknown(11..<35)
        bytes.append(name, width: 24, encoding)
        bytes.append(lastName, width: 24, encoding)
        bytes += unknown(83..<87)
        // A flag that is always set.
        bytes.append(1)
        bytes += unknown(88..<96)
        bytes.append(userID, width: 24, encoding)
        return bytes
    }

    private var head: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(UserLayout.bytes120.stride)
        bytes.append(u16: uid)
        bytes.append(privilege)
        return bytes
    }

    private func unknown(_ range: Range<Int>) -> [UInt8] {
        original.count == UserLayout.bytes120.stride
            ? Array(original[range]) : [UInt8](repeating: 0, count: range.count)
    }

    /// The ids that fit the layout's field and the width that the device says it takes.
    static func fits(_ userID: String, _ layout: UserLayout, width: Int?, _ encoding: TextEncoding)
        -> Bool
    {
        let bytes = DeviceText.encode(userID, limit: .max, encoding).count
        guard bytes > 0, bytes <= min(24, width ?? 24) else { return false }
        return layout != .bytes28 || UInt32(userID).map { "\($0)" == userID } == true
    }
}

extension [UInt8] {
    /// Appends a text in a field of its own: cut at a character's end, and zeros behind it.
    mutating func append(_ text: String, width: Int, _ encoding: TextEncoding) {
        let field = DeviceText.encode(text, limit: width, encoding)
        self += field
        append(zeros: width - field.count)
    }
}
