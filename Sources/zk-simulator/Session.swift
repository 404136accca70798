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
    private var buffer: [UInt8] = []

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
        case .enable:
            device.enable()
            return answer(packet, .ok)
        case .disable:
            let seconds = packet.data.count >= 4 ? number(packet.data) : 0
            device.disable(forSeconds: seconds > 0 ? seconds : nil, now)
            return answer(packet, .ok)
        case .event:
            guard packet.data.count >= 2 else { return answer(packet, .badData) }
            listensTo = EventKind(rawValue: UInt16(packet.data[0]) | UInt16(packet.data[1]) << 8)
            return answer(packet, .ok)
        case .prepareBuffer, .readBuffer, .freeData, .readUsers, .readAttendance:
            return handleBulk(packet, device)
        case .writeUser, .deleteUser, .deleteTemplate, .clearData, .clearAttendance, .clearAdmin:
            return handleChange(packet, &device)
        case .readOption, .writeOption, .version, .freeSizes, .pinWidth, .getTime, .setTime,
            .state, .doorState:
            return handleQuestion(packet, &device, now)
        case .cancelCapture, .startVerify, .refreshData, .refreshOption, .unlock, .testVoice,
            .enableClock:
            return answer(packet, .ok)
        case .restart, .powerOff:
            return Reaction(packets: [answerPacket(packet, .ok)], ends: true)
        case .error, .unknown:
            // Clients send these to clear an option's error.
            return answer(packet, .ok)
        default:
            return answer(packet, .error)
        }
    }

    // MARK: - Questions

    private func handleQuestion(_ packet: Packet, _ device: inout Device, _ now: Now) -> Reaction {
        switch packet.command {
        case .readOption:
            let name = DeviceText.decode(packet.data)
            guard let value = device.settings[name] else { return answer(packet, .error) }
            return answer(packet, .ok, DeviceOption(name: name, value: value).encoded())
        case .writeOption:
            guard let option = try? DeviceOption(decoding: packet.data), device.write(option)
            else { return answer(packet, .error) }
            return answer(packet, .ok)
        case .version: return answer(packet, .ok, Array(device.model.firmware.utf8) + [0])
        case .freeSizes: return answer(packet, .ok, device.sizes.encoded())
        case .pinWidth:
            // Exactly one byte: more would stay in the sockets of clients in use.
            return answer(packet, .ok, [UInt8(device.model.pinWidth)])
        case .getTime: return answer(packet, .ok, bytes(device.time(now).packed))
        case .setTime:
            guard packet.data.count >= 4 else { return answer(packet, .badData) }
            let isSet = device.clock.set(
                LocalTime(packed: number(packet.data)), trueTime: now.trueTime,
                placeTime: now.placeTime)
            return answer(packet, isSet ? .ok : .error)
        case .state:
            // The state stands in the place of the session: 0 is waiting.
            return Reaction(packets: [Packet(.ok, session: 0, reply: packet.reply)])
        default: return answer(packet, .ok)
        }
    }

    // MARK: - Changes

    private func handleChange(_ packet: Packet, _ device: inout Device) -> Reaction {
        let data = packet.data
        let isDone: Bool
        switch packet.command {
        case .writeUser:
            if let user = try? DeviceUser(decoding: data) {
                isDone = device.write(user)
            } else {
                isDone = false
            }
        case .deleteUser:
            isDone = data.count >= 2 && device.deleteUser(uid: uid(data))
        case .deleteTemplate:
            isDone = data.count >= 2 && device.users.contains { $0.uid == uid(data) }
        case .clearData:
            let what = data.first
            if what == nil || what == 1 { device.clearLog() }
            if what == nil || what == 5 { device.clearUsers() }
            isDone = true
        case .clearAttendance:
            device.clearLog()
            isDone = true
        default: isDone = true
        }
        return answer(packet, isDone ? .ok : .error)
    }

    private func uid(_ data: [UInt8]) -> UInt16 { UInt16(data[0]) | UInt16(data[1]) << 8 }

    // MARK: - Bulk reads

    private mutating func handleBulk(_ packet: Packet, _ device: Device) -> Reaction {
        switch packet.command {
        case .prepareBuffer:
            guard let selector = try? BulkSelector(decoding: packet.data),
                let blob = device.bulk(selector)
            else { return answer(packet, .error) }
            let inlineMax = device.model.inlineBytesMax
            if blob.count <= (isUDP ? min(1016, inlineMax) : inlineMax) {
                return answer(packet, .data, blob)
            }
            buffer = blob
            return answer(packet, .ok, PreparedBuffer(bytes: blob.count).encoded())
        case .readBuffer:
            guard let slice = try? BufferSlice(decoding: packet.data),
                slice.start <= buffer.count, slice.count <= buffer.count - slice.start
            else { return answer(packet, .error) }
            // One DATA packet for the whole slice: clients in use wait for exactly that.
            return transfer(
                packet, [Array(buffer[slice.start..<slice.start + slice.count])], slice.count)
        case .freeData:
            buffer = []
            return answer(packet, .ok)
        default:
            guard let blob = device.bulk(BulkSelector(packet.command)) else {
                return answer(packet, .error)
            }
            let parts = stride(from: 0, to: blob.count, by: 1024).map { start in
                Array(blob[start..<min(start + 1024, blob.count)])
            }
            return transfer(packet, parts, blob.count)
        }
    }

    private func transfer(_ packet: Packet, _ parts: [[UInt8]], _ total: Int) -> Reaction {
        var packets = [answerPacket(packet, .prepareData, PreparedData(bytes: total).encoded())]
        for part in parts { packets.append(answerPacket(packet, .data, part)) }
        packets.append(answerPacket(packet, .ok))
        return Reaction(packets: packets)
    }

    // MARK: - Answers

    private func answer(_ packet: Packet, _ command: Command, _ data: [UInt8] = []) -> Reaction {
        Reaction(packets: [answerPacket(packet, command, data)])
    }

    private func answerPacket(_ packet: Packet, _ command: Command, _ data: [UInt8] = [])
        -> Packet
    {
        Packet(command, session: number, reply: packet.reply, data: data)
    }

    /// The first four bytes as a number.
    private func number(_ data: [UInt8]) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(data[$1]) << ($1 * 8) }
    }

    private func bytes(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
}
