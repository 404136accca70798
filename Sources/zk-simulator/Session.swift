import ZKProtocol

/// One client's session with the device: packets in, packets out.
struct Session: Sendable {
    /// What a packet leads to.
    struct Reaction {
        /// Each goes out as a frame of its own, in order.
        var packets: [Packet] = []
        /// Whether the device closes the connection then.
        var ends = false
    }

    let number: UInt16
    /// Whether packets go in datagrams, which older clients read only 1,024 bytes of.
    let isUDP: Bool
    private(set) var isConnected = false
    private(set) var isAuthenticated = false
    private var wrongKeys = 0
    /// What the client wants to be told.
    private(set) var listensTo: EventKind = []
    /// Events that are for this client alone: what happens at the sensor while it enrols.
    var announcements: [Packet] = []
    /// Whose finger the device waits for.
    var enrolment: EnrolmentRequest?
    /// What the client reads in slices.
    var buffer: [UInt8] = []
    /// What the client sends, and how much it said it would.
    var upload: [UInt8] = []
    var uploadBytes: Int?

    /// The longest upload that is taken.
    static let uploadBytesMax = 8 << 20

    init(number: UInt16, isUDP: Bool = false) {
        self.number = number
        self.isUDP = isUDP
    }

    /// Somebody else has the session now.
    mutating func lose() {
        isConnected = false
        listensTo = []
        buffer = []
    }

    mutating func handle(_ packet: Packet, _ device: inout Device, _ now: Now) -> Reaction {
        if packet.command == .connect { return connect(packet, device) }
        guard isConnected, packet.session == number else {
            return answer(packet, .notInitialised)
        }
        if packet.command == .authenticate { return authenticate(packet, device) }
        guard isAuthenticated else { return answer(packet, .unauthenticated) }
        return handleCommand(packet, &device, now)
    }

    private mutating func connect(_ packet: Packet, _ device: Device) -> Reaction {
        guard !device.model.isEncrypted else { return answer(packet, .encryptionRequired) }
        isConnected = true
        isAuthenticated = device.model.commKey == 0
        return answer(packet, isAuthenticated ? .ok : .unauthenticated)
    }

    private mutating func authenticate(_ packet: Packet, _ device: Device) -> Reaction {
        guard wrongKeys < device.model.keyAttempts else { return answer(packet, .locked) }
        let key = device.model.commKey
        guard key == 0 || CommKey.matches(packet.data, key: key, session: number) else {
            wrongKeys += 1
            return answer(packet, .unauthenticated)
        }
        isAuthenticated = true
        return answer(packet, .ok)
    }

    private mutating func handleCommand(_ packet: Packet, _ device: inout Device, _ now: Now)
        -> Reaction
    {
        switch packet.command {
        case .exit: return Reaction(packets: [answerPacket(packet, .ok)], ends: true)
        case .event:
            guard packet.data.count >= 2 else { return answer(packet, .badData) }
            listensTo = EventKind(rawValue: packet.data.span.number(at: 0))
            return answer(packet, .ok)
        case .prepareBuffer, .readBuffer, .freeData, .readUsers, .readAttendance, .readTable,
            .readOperations, .readTemplate:
            return handleBulk(packet, device)
        case .prepareData, .data, .bufferChecksum, .writeTemplate, .saveUpload:
            return handleUpload(packet, &device, now)
        case .writeUser, .deleteUser, .deleteTemplate, .deleteTemplateByID, .clearData,
            .clearAttendance, .clearAdmin, .clearOperations:
            return handleChange(packet, &device, now)
        case .readOption, .writeOption, .version, .freeSizes, .pinWidth, .getTime, .setTime,
            .state, .doorState:
            return handleQuestion(packet, &device, now)
        case .readUserGroup, .writeUserGroup, .readUserZones, .writeUserZones, .readGroupZones,
            .writeGroupZones, .readHours, .writeHours, .readCombination, .writeCombination,
            .readStyle, .writeStyle, .clearAccess:
            return handleAccess(packet, &device)
        case .startEnrolment, .cancelCapture: return handleEnrolment(packet, &device, now)
        case .startVerify, .refreshData, .refreshOption: return answer(packet, .ok)
        case .enable, .disable, .unlock, .testVoice, .enableClock, .writeLCD, .clearLCD,
            .restart, .powerOff:
            return handleControl(packet, &device, now)
        case .error, .unknown:
            // Clients send these to clear an option's error.
            return answer(packet, .ok)
        default:
            return answer(packet, .error)
        }
    }

    // MARK: - Answers

    func answer(_ packet: Packet, _ command: Command, _ data: [UInt8] = []) -> Reaction {
        Reaction(packets: [answerPacket(packet, command, data)])
    }

    /// OK, or an error; never with data, which clients in use would leave in their sockets.
    func answer(_ packet: Packet, isDone: Bool) -> Reaction {
        answer(packet, isDone ? .ok : .error)
    }

    func answerPacket(_ packet: Packet, _ command: Command, _ data: [UInt8] = []) -> Packet {
        Packet(command, session: number, reply: packet.reply, data: data)
    }
}

/// Little-endian numbers of a length that the type says; the caller knows that they are there.
extension Span where Element == UInt8 {
    func number<Number: FixedWidthInteger & UnsignedInteger>(at offset: Int) -> Number {
        (0..<Number.bitWidth / 8).reduce(0) { $0 | Number(self[offset + $1]) << ($1 * 8) }
    }
}

extension FixedWidthInteger where Self: UnsignedInteger {
    /// The bytes of the number, the lowest first.
    var littleEndianBytes: [UInt8] {
        (0..<Self.bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> ($0 * 8)) }
    }
}
