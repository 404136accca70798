import ZKProtocol

/// What a device keeps beside users and the log: fingers, access rules, the operation log, and
/// what can be seen of it.
struct DeviceMemory: Sendable {
    /// By the user's index and the finger; only in memory.
    var templates: [FingerPlace: FingerTemplate] = [:]
    var styles: [UInt16: VerifyStyle] = [:]
    var groups: [UInt16: UInt8] = [:]
    var userAccess: [UInt16: UserAccess] = [:]
    var groupAccess: [UInt8: GroupAccess] = [:]
    var hours: [UInt32: AccessHours] = [:]
    var combinations: [UInt8: UnlockCombination] = [:]
    var operations: [OperationRecord] = []
    /// The lines of the display that a client wrote.
    var display: [Int16: String] = [:]
    /// True time at which the lock closes again.
    var unlockedUntil: Int64?
    var isDoorOpen = false
    var showsColon = true
    /// The texts that were said, oldest first.
    var voices: [UInt32] = []
    var restarts = 0
    var isOff = false

    static let operationsMax = 10_000
    static let templatesMax = 60_000
    /// How much of each kind a client can make up.
    static let entriesMax = 1000
}

extension Device {
    /// Writes into the operation log; a full one forgets its oldest row.
    mutating func note(_ code: OperationCode, at now: Now, _ values: [UInt16] = []) {
        if memory.operations.count >= DeviceMemory.operationsMax { memory.operations.removeFirst() }
        memory.operations.append(
            OperationRecord(code: code, time: time(now), values: values))
    }

    /// All templates, by user and finger.
    var templates: [FingerTemplate] {
        memory.templates.values.sorted { ($0.uid, $0.finger) < ($1.uid, $1.finger) }
    }

    /// Stores a template; false where the device refuses: no such user, or the place is taken.
    mutating func store(_ template: FingerTemplate, overwrites: Bool = false) -> Bool {
        let place = FingerPlace(uid: template.uid, finger: template.finger)
        guard users.contains(where: { $0.uid == template.uid }), template.finger <= 9,
            !template.bytes.isEmpty, overwrites || memory.templates[place] == nil,
            memory.templates.count < DeviceMemory.templatesMax
        else { return false }
        memory.templates[place] = template
        return true
    }

    /// Deletes a template; false where there is none.
    mutating func deleteTemplate(at place: FingerPlace) -> Bool {
        memory.templates.removeValue(forKey: place) != nil
    }

    /// Takes what a client uploaded as a whole, or nothing of it.
    mutating func take(_ upload: UserUpload) -> Bool {
        var copy = self
        for user in upload.users where !copy.write(user) { return false }
        for template in upload.templates where !copy.store(template, overwrites: true) {
            return false
        }
        self = copy
        return true
    }

    /// Forgets everything that belongs to a user.
    mutating func forget(uid: UInt16) {
        memory.templates = memory.templates.filter { $0.key.uid != uid }
        memory.styles[uid] = nil
        memory.groups[uid] = nil
        memory.userAccess[uid] = nil
    }

    /// A template that nobody's finger made: it follows from who and which finger.
    static func inventTemplate(at place: FingerPlace, flag: UInt8) -> FingerTemplate {
        var generator = SeededGenerator(
            seed: UInt64(place.uid) << 8 | UInt64(place.finger), part: 77)
        var bytes: [UInt8] = [0x4D, 0xFD] + Array("SS21".utf8)
        while bytes.count < 512 { bytes.append(UInt8(truncatingIfNeeded: generator.next() | 1)) }
        return FingerTemplate(uid: place.uid, finger: place.finger, flag: flag, bytes: bytes)
    }
}
