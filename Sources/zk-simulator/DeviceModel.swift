import ZKProtocol

/// What a device is built as, and how it is set up.
struct DeviceModel: Sendable {
    var serial = "CEXA000000001"
    var name = "Simulated K40"
    var platform = "ZMM220_TFT"
    var firmware = "Ver 6.60 Apr 28 2017"
    var mac = "00:17:61:00:00:01"
    /// 0 means that no key is asked for.
    var commKey: UInt32 = 0
    /// Wrong keys in one session before the device answers that it is locked.
    var keyAttempts = 5
    var userLayout = UserLayout.bytes72
    var recordLayout = AttendanceLayout.text(stride: 40)
    var eventLayout = EventLayout.bytes32
    var userCapacity = 3000
    var recordCapacity = 200_000
    /// Bulk reads up to this length are answered at once, longer ones in slices.
    var inlineBytesMax = 1024
    /// How many records more than there are the firmware's counter says; negative: fewer.
    var recordCountError = 0
    /// How clients reach it.
    var transports: Set<ZKTransport> = [.tcp, .udp]
    /// How late answers come, in milliseconds: the way there and back.
    var answerDelay = 0
    /// Whether a full memory drops its oldest record for each new one, or takes none.
    var dropsOldest = false
    /// How bulk reads are answered.
    var bulkReads = BulkReads.buffered
    /// The length of the answer that tells how full the device is.
    var sizesBytes = 92
    /// Whether the counter of records counts; else it is always 0.
    var countsRecords = true
    /// What the person does who is asked for a finger.
    var person = Person.willing
    /// Whether a restart is answered before it happens.
    var answersRestart = true
    /// Whether the log can be cleared, or the device only says so.
    var clearsLog = true
    /// Whether a user whose group stands nowhere but in the time zones is refused.
    var refusesUsersWithoutGroup = false
    /// Whether an unlock request counts tenths of seconds.
    var unlockCountsTenths = false
    /// How texts are encoded.
    var encoding = TextEncoding.utf8
    /// The display's language, as the setting tells it.
    var language = 69
    /// Whether the firmware only speaks the encrypted protocol, which is not simulated.
    var isEncrypted = false

    /// How a device answers bulk reads.
    enum BulkReads: Sendable, Hashable {
        /// In a buffer that is read in slices.
        case buffered
        /// Only with all of the data, to the command itself.
        case direct
        /// Not at all, but with this answer.
        case refused(Command)
    }

    /// What happens at the sensor during an enrolment.
    enum Person: Sendable, Hashable {
        /// Three good touches.
        case willing
        /// Bad touches in between.
        case clumsy
        /// The finger is somebody's already.
        case known
        /// Three bad touches, and that was it.
        case unreadable
        /// Nobody comes.
        case absent
    }

    /// How many characters a user id has at most.
    var pinWidth: Int {
        switch userLayout {
        case .bytes28: 5
        case .bytes72: 9
        case .bytes120: 14
        }
    }

    /// The settings that a client can ask for by name.
    var settings: [String: String] {
        [
            "~SerialNumber": serial, "~Platform": platform, "~DeviceName": name, "MAC": mac,
            "~ZKFPVersion": "10", "ZKFaceVersion": "7", "~OS": "1", "~ExtendFmt": "0",
            "~UserExtFmt": "1", "WorkCode": "0", "Language": "\(language)", "FingerFunOn": "1",
            "FaceFunOn": "1", "~IsOnlyRFMachine": "0", "~RFCardOn": "1",
            "~OEMVendor": "ZKTECO CO., LTD.", "~ProductTime": "2017-04-28 09:00:00",
            "~PIN2Width": "\(pinWidth)", "~IsABCPinEnable": "0",
            "~T9FunOn": "1", "~SSR": "1", "CompatOldFirmware": "0", "IPAddress": "192.168.1.201",
            "NetMask": "255.255.255.0", "GATEIPAddress": "192.168.1.1", "TCPPort": "4370",
            "UDPPort": "4370", "DeviceID": "1",
        ]
    }
}

/// A device's clock: the wall clock of its place, wrong by an offset that grows.
struct DeviceClock: Sendable {
    /// Milliseconds that the device is ahead, at `since`.
    private var ahead: Int64
    /// True time, in milliseconds since 1970.
    private var since: Int64
    private var driftPPM: Int64

    init(aheadMilliseconds: Int64 = 0, driftPPM: Int64 = 0, trueTime: Int64 = 0) {
        ahead = aheadMilliseconds
        self.driftPPM = driftPPM
        since = trueTime
    }

    /// The wall clock when it is `trueTime` and right clocks of the place show `placeTime`, both in
    /// milliseconds since 1970.
    func wallTime(trueTime: Int64, placeTime: Int64) -> LocalTime {
        let drift = (trueTime - since) / 1000 * driftPPM / 1000
        // A clock outside the years that the device knows shows the first of them.
        return LocalTime(secondsSince1970: (placeTime + ahead + drift) / 1000)
            ?? LocalTime(packed: 0)
    }

    /// Jumps.
    mutating func step(by milliseconds: Int64) { ahead += milliseconds }

    /// Gains from now on; what it has gained before stays.
    mutating func drift(_ ppm: Int64, trueTime: Int64) {
        ahead += (trueTime - since) / 1000 * driftPPM / 1000
        since = trueTime
        driftPPM = ppm
    }

    /// Sets the clock; a date that is none is refused.
    mutating func set(_ time: LocalTime, trueTime: Int64, placeTime: Int64) -> Bool {
        guard let seconds = time.secondsSince1970 else { return false }
        ahead = seconds * 1000 - placeTime
        since = trueTime
        return true
    }
}

/// True time, and what right clocks of the device's place show; in milliseconds since 1970.
struct Now: Sendable {
    var trueTime: Int64
    var placeTime: Int64
}
