/// The data of ``Command/startEnrolment``: whose finger.
public struct EnrolmentRequest: Sendable, Hashable {
    public var userID: String
    public var finger: UInt8
    /// 1, or 3 for a finger that is given under duress.
    public var flag: UInt8 = 1

    public init(userID: String, finger: UInt8, flag: UInt8 = 1) {
        self.userID = userID
        self.finger = finger
        self.flag = flag
    }

    /// Nil where the id does not fit the device's form.
    public func encoded(_ layout: UserLayout, _ encoding: TextEncoding = .utf8) -> [UInt8]? {
        var data: [UInt8] = []
        if layout == .bytes28 {
            guard let number = UInt32(userID) else { return nil }
            data.append(u32: number)
            data.append(finger)
            return data
        }
        guard DeviceText.encode(userID, limit: .max, encoding).count <= 24 else { return nil }
        data.append(userID, width: 24, encoding)
        data.append(finger)
        data.append(flag)
        return data
    }

    public init(decoding data: [UInt8], _ encoding: TextEncoding = .utf8) throws(FormatError) {
        let bytes = data.span
        switch data.count {
        case 5: self.init(userID: String(bytes.u32(at: 0)), finger: data[4])
        case 26:
            self.init(
                userID: DeviceText.decode(bytes, 0..<24, encoding), finger: data[24],
                flag: data[25])
        default:
            throw .length(
                what: "a request to enrol", bytes: data.count, expected: "5 or 26")
        }
    }
}

/// An enrolment as its events tell it.
///
///     waiting ──fingerQuality(100), result 100──► waiting, touches + 1
///        │  └────fingerPlaced, fingerQuality(0)─► waiting
///        └──result 0──► enrolled      └──any other result──► failed
///
/// Events of other kinds are not its own. It counts nothing to know its end: firmware differs in
/// how many events there are.
public struct Enrolment: Sendable, Hashable {
    public enum Outcome: Sendable, Hashable {
        case enrolled
        /// Bad images, or nobody came.
        case notRecognised
        /// The finger is somebody's already.
        case duplicate
        /// At the device, or by another client.
        case cancelled
        /// A result that is not known.
        case failed(UInt16)
    }

    /// Nil while it goes on.
    public private(set) var outcome: Outcome?
    /// How often the finger was taken well.
    public private(set) var touches = 0
    /// How often it was not.
    public private(set) var badTouches = 0

    public init() {}

    /// Whether the event was this enrolment's.
    @discardableResult
    public mutating func take(_ event: LiveEvent) -> Bool {
        guard outcome == nil else { return false }
        switch event {
        case .fingerPlaced: break
        case .fingerQuality(let score): touch(isGood: score > 0)
        case .fingerEnrolled(let event):
            switch event.result {
            case 0: outcome = .enrolled
            // Some firmware tells each touch by this event.
            case 100: touch(isGood: true)
            case 4: outcome = .notRecognised
            case 5: outcome = .duplicate
            case 6: outcome = .cancelled
            default: outcome = .failed(event.result)
            }
        default: return false
        }
        return true
    }

    private mutating func touch(isGood: Bool) {
        if isGood { touches += 1 } else { badTouches += 1 }
    }
}
