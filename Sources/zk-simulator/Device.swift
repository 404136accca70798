import ZKProtocol

/// A device's memory and what happens to it: users, the log, settings and the clock.
struct Device: Sendable {
    /// What changed, for whoever keeps a copy.
    enum Change: Sendable {
        case user(DeviceUser)
        case userDeleted(uid: UInt16)
        case usersCleared
        case punch(AttendanceRecord)
        case logCleared
    }

    var model: DeviceModel
    let keyAtStart: UInt32
    let capacityAtStart: Int
    var damage = LogDamage()
    private(set) var users: [DeviceUser]
    /// The log behind ``history``.
    private(set) var log: [AttendanceRecord]
    /// Older rows, which are made when they are read.
    private(set) var history: DerivedHistory?
    private(set) var settings: [String: String]
    var clock: DeviceClock
    var memory = DeviceMemory()
    /// Whether people can punch.
    private(set) var isEnabled = true
    /// True time at which people can punch again by themselves.
    private var enabledAgainAt: Int64?
    /// Changes since they were last taken; gathered only where somebody takes them.
    private(set) var changes: [Change] = []
    var gathersChanges = false
    private var placeOfUser: [String: Int] = [:]
    /// The log as a bulk read yields it; kept, because clients read it again and again.
    private var encodedLog: [UInt8]
    /// The second of each user's last punch and its states: the same is not taken twice.
    private var lastPunch: [String: (time: LocalTime, states: Set<UInt8>)] = [:]

    init(
        model: DeviceModel, users: [DeviceUser] = [], log: [AttendanceRecord] = [],
        history: DerivedHistory? = nil, clock: DeviceClock = DeviceClock()
    ) {
        self.model = model
        keyAtStart = model.commKey
        capacityAtStart = model.recordCapacity
        self.users = users
        self.log = log
        self.history = history
        self.clock = clock
        settings = model.settings
        encodedLog = AttendanceLog.encode(log, model.recordLayout, model.encoding)
        indexUsers()
    }

    private mutating func indexUsers() {
        placeOfUser = Dictionary(
            users.enumerated().map { ($1.userID, $0) }, uniquingKeysWith: { first, _ in first })
    }

    mutating func takeChanges() -> [Change] {
        defer { changes = [] }
        return changes
    }

    private mutating func note(_ change: Change) {
        if gathersChanges { changes.append(change) }
    }

    func time(_ now: Now) -> LocalTime {
        clock.wallTime(trueTime: now.trueTime, placeTime: now.placeTime)
    }

    var sizes: FreeSizes {
        var sizes = FreeSizes(
            users: users.count,
            records: model.countsRecords
                ? max(0, rowCount + damage.repeated + model.recordCountError) : 0)
        sizes.onlyNumber = UInt32(clamping: rowCount)
        sizes.fingerprints = memory.templates.count
        sizes.operations = memory.operations.count
        sizes.admins = users.count { $0.isAdmin }
        sizes.passwords = users.count { !$0.password.isEmpty }
        sizes.fingerprintCapacity = model.userCapacity
        sizes.userCapacity = model.userCapacity
        sizes.recordCapacity = model.recordCapacity
        sizes.faceCapacity = 400
        return sizes
    }

    mutating func enable() {
        isEnabled = true
        enabledAgainAt = nil
    }

    /// Keeps people from punching, for ever without a number of seconds.
    mutating func disable(forSeconds seconds: UInt32?, _ now: Now) {
        isEnabled = false
        enabledAgainAt = seconds.map { now.trueTime + Int64($0) * 1000 }
    }

    // MARK: - Punches

    func user(_ userID: String) -> DeviceUser? { placeOfUser[userID].map { users[$0] } }

    /// Someone punches; nil where the device does not take it: unknown user, disabled, full, or
    /// the same again in the same second.
    mutating func punch(_ userID: String, state: UInt8, verify: UInt8, _ now: Now)
        -> AttendanceRecord?
    {
        if let again = enabledAgainAt, now.trueTime >= again { enable() }
        guard isEnabled, model.dropsOldest || rowCount < model.recordCapacity,
            let user = user(userID)
        else { return nil }
        let time = time(now)
        if let last = lastPunch[userID], last.time == time {
            guard !last.states.contains(state) else { return nil }
            lastPunch[userID]?.states.insert(state)
        } else {
            lastPunch[userID] = (time, [state])
        }
        let record = AttendanceRecord(
            index: user.uid, userID: userID, time: time, state: state, verify: verify)
        if rowCount >= model.recordCapacity, !log.isEmpty {
            log.removeFirst()
            log.append(record)
            encodedLog = AttendanceLog.encode(log, model.recordLayout, model.encoding)
        } else {
            log.append(record)
            AttendanceLog.append(record, to: &encodedLog, model.recordLayout, model.encoding)
        }
        note(.punch(record))
        return record
    }

    /// A punch as the rows of this model tell it: without what they have no place for.
    func asRow(_ record: AttendanceRecord) -> AttendanceRecord {
        var row = record
        switch model.recordLayout {
        case .bytes8: row.userID = ""
        case .bytes8Flags:
            row.userID = ""
            row.state &= 7
            row.verify &= 3
        case .bytes16, .bytes22, .text: break
        }
        return row
    }

    mutating func clearLog() {
        guard model.clearsLog else { return }
        log = []
        history = nil
        encodedLog = AttendanceLog.encode([], model.recordLayout)
        note(.logCleared)
    }

    // MARK: - Users

    /// Adds a user, or replaces the one with the same index; false where the device refuses.
    mutating func write(_ user: DeviceUser) -> Bool {
        guard 1...65_534 ~= user.uid, !user.userID.isEmpty else { return false }
        if model.refusesUsersWithoutGroup, user.groupByte == 0 { return false }
        if let other = placeOfUser[user.userID], users[other].uid != user.uid { return false }
        if let place = users.firstIndex(where: { $0.uid == user.uid }) {
            users[place] = user
        } else {
            guard users.count < model.userCapacity else { return false }
            users.append(user)
        }
        indexUsers()
        note(.user(user))
        return true
    }

    mutating func deleteUser(uid: UInt16) -> Bool {
        guard let place = users.firstIndex(where: { $0.uid == uid }) else { return false }
        users.remove(at: place)
        forget(uid: uid)
        indexUsers()
        note(.userDeleted(uid: uid))
        return true
    }

    mutating func clearUsers() {
        for user in users { forget(uid: user.uid) }
        users = []
        indexUsers()
        note(.usersCleared)
    }

    // MARK: - Settings

    /// Stores a setting; false where there are too many.
    mutating func write(_ option: DeviceOption) -> Bool {
        guard settings.count < 512 || settings[option.name] != nil, option.name.utf8.count <= 64
        else { return false }
        settings[option.name] = option.value
        return true
    }

    /// Makes all administrators ordinary users.
    mutating func clearAdmins() {
        for place in users.indices where users[place].isAdmin {
            users[place].privilege &= 1
            note(.user(users[place]))
        }
    }
}

// What bulk reads yield.
extension Device {
    /// What a bulk read of `selector` yields; nil for what is not simulated.
    func bulk(_ selector: BulkSelector) -> [UInt8]? {
        switch selector.command {
        case .readUsers:
            let bytes = users.count * model.userLayout.stride
            var blob = UInt32(clamping: bytes).littleEndianBytes
            blob.reserveCapacity(4 + bytes)
            for user in users { blob += encoded(user) }
            return blob
        case .readAttendance: return tampered(wholeLog)
        case .readAttendanceRange:
            let from = LocalTime(packed: selector.function)
            let to = LocalTime(packed: selector.argument)
            guard from <= to else { return nil }
            return AttendanceLog.encode(
                rows.filter { from <= $0.time && $0.time <= to }, model.recordLayout,
                model.encoding)
        case .readTable where selector.function == 2: return FingerTemplate.encode(templates)
        case .readOperations: return OperationRecord.encode(memory.operations)
        default: return nil
        }
    }

    /// The record; an id that does not fit becomes 0, so that the count stays true.
    private func encoded(_ user: DeviceUser) -> [UInt8] {
        if let record = user.encoded(model.userLayout, model.encoding) { return record }
        var other = user
        other.userID = "0"
        return other.encoded(model.userLayout, model.encoding) ?? []
    }

    /// The log as a bulk read yields it.
    private var wholeLog: [UInt8] {
        guard let history else { return encodedLog }
        var blob: [UInt8] = [0, 0, 0, 0]
        blob.reserveCapacity(encodedLog.count + history.count * model.recordLayout.stride)
        for place in 0..<history.count {
            AttendanceLog.append(
                history[place], to: &blob, model.recordLayout, model.encoding)
        }
        blob += encodedLog.dropFirst(4)
        blob.replaceSubrange(0..<4, with: UInt32(clamping: blob.count - 4).littleEndianBytes)
        return blob
    }
}
