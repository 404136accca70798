/// The template of a finger, on its way from one device to another.
///
/// It is biometric data: nothing prints, encodes or keeps its bytes, and no value of it should
/// live longer than a copy takes.
public struct FingerTemplate: Sendable, Equatable {
    /// The internal index of the user.
    public var uid: UInt16
    /// 0...9.
    public var finger: UInt8
    /// 0 bad, 1 good, 3 given under duress.
    public var flag: UInt8
    public var bytes: [UInt8]

    /// The longest template that is taken.
    public static let bytesMax = 16_384

    public init(uid: UInt16, finger: UInt8, flag: UInt8 = 1, bytes: [UInt8]) {
        self.uid = uid
        self.finger = finger
        self.flag = flag
        self.bytes = bytes
    }
}

extension FingerTemplate: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Names the finger, and says nothing of its bytes but how many they are.
    public var description: String { "finger \(finger) of #\(uid), \(bytes.count) bytes" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension FingerTemplate {
    /// Takes the bytes of a bulk read.
    public static func decodeAll(_ blob: [UInt8]) throws(FormatError) -> [FingerTemplate] {
        _ = try Bulk.total(of: blob, what: "the list of templates")
        var templates: [FingerTemplate] = []
        var start = 4
        let bytes = blob.span
        while start < blob.count {
            guard blob.count - start >= 6 else {
                throw .length(
                    what: "the last template", bytes: blob.count - start, expected: "6 or more")
            }
            let size = Int(bytes.u16(at: start))
            guard size >= 6, size <= blob.count - start, size - 6 <= bytesMax else {
                throw .value(
                    what: "a template's size", found: "\(size) with \(blob.count - start) left")
            }
            templates.append(
                FingerTemplate(
                    uid: bytes.u16(at: start + 2), finger: bytes[start + 4],
                    flag: bytes[start + 5], bytes: Array(blob[start + 6..<start + size])))
            start += size
        }
        return templates
    }

    /// The templates as a device sends all of them.
    public static func encode(_ templates: [FingerTemplate]) -> [UInt8] {
        var blob: [UInt8] = [0, 0, 0, 0]
        for template in templates {
            blob.append(u16: UInt16(clamping: template.bytes.count + 6))
            blob.append(u16: template.uid)
            blob.append(template.finger)
            blob.append(template.flag)
            blob += template.bytes
        }
        blob.put(u32: UInt32(clamping: blob.count - 4), at: 0)
        return blob
    }

    /// Takes the answer to ``Command/readTemplate``: the template, up to six zeros, and a byte.
    public init(uid: UInt16, finger: UInt8, answer: [UInt8]) throws(FormatError) {
        guard let last = answer.last, answer.count - 1 <= FingerTemplate.bytesMax else {
            throw .length(
                what: "a template", bytes: answer.count,
                expected: "1 to \(FingerTemplate.bytesMax + 1)")
        }
        var bytes = Array(answer.dropLast())
        if bytes.count >= 6, bytes.suffix(6).allSatisfy({ $0 == 0 }) { bytes.removeLast(6) }
        self.init(uid: uid, finger: finger, flag: last, bytes: bytes)
    }

    /// The answer to ``Command/readTemplate``.
    public func encodedAnswer() -> [UInt8] {
        bytes + [UInt8](repeating: 0, count: 6) + [flag]
    }
}

/// Which finger of whom: the data of commands that read or delete one template.
public struct FingerPlace: Sendable, Hashable {
    public var uid: UInt16
    public var finger: UInt8

    public init(uid: UInt16, finger: UInt8) {
        self.uid = uid
        self.finger = finger
    }

    public init(decoding data: [UInt8]) throws(FormatError) {
        guard data.count >= 3 else {
            throw .length(what: "a finger's place", bytes: data.count, expected: "3")
        }
        self.init(uid: data.span.u16(at: 0), finger: data[2])
    }

    public func encoded() -> [UInt8] {
        var data: [UInt8] = []
        data.append(u16: uid)
        data.append(finger)
        return data
    }
}

/// The data of ``Command/writeTemplate``: what the uploaded bytes are.
public struct TemplateHead: Sendable, Hashable {
    public var place: FingerPlace
    public var flag: UInt8
    public var bytes: Int

    public init(place: FingerPlace, flag: UInt8, bytes: Int) {
        self.place = place
        self.flag = flag
        self.bytes = bytes
    }

    public init(decoding data: [UInt8]) throws(FormatError) {
        guard data.count >= 6 else {
            throw .length(what: "a template's head", bytes: data.count, expected: "6")
        }
        self.init(
            place: try FingerPlace(decoding: data), flag: data[3],
            bytes: Int(data.span.u16(at: 4)))
    }

    public func encoded() -> [UInt8] {
        var data = place.encoded()
        data.append(flag)
        data.append(u16: UInt16(clamping: bytes))
        return data
    }
}
