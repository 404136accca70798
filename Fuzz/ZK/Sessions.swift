// A client's packets into the simulator's session: what they do to a device, and what it answers.

/// A device with people, a log and a finger; what it is built as follows from a byte.
private func device(_ kind: UInt8) -> Device {
    let profiles = DeviceProfile.allCases
    var model = profiles[Int(kind) % profiles.count].model
    model.userCapacity = 20
    model.recordCapacity = 50
    if kind & 0x80 != 0 { model.bulkReads = .buffered }
    let users = (1...3).map { DeviceUser(uid: UInt16($0), userID: "\(1000 + $0)", privilege: 14) }
    let log = (1...30).map { row in
        AttendanceRecord(
            index: UInt16(row % 3 + 1), userID: "\(1001 + row % 3)",
            time: LocalTime(packed: 800_000_000 + UInt32(row)), state: 0, verify: 1)
    }
    var device = Device(model: model, users: users, log: log)
    _ = device.store(Device.inventTemplate(at: FingerPlace(uid: 1, finger: 2), flag: 1))
    return device
}

/// A stream of frames, or where none is found, commands with data: 2 bytes of command, 1 of length.
private func requests(_ bytes: [UInt8]) -> [Packet] {
    var reader = FrameReader()
    reader.append(bytes)
    var found: [Packet] = []
    while let packet = try? reader.next() { found.append(packet) }
    if !found.isEmpty { return found }
    var start = 0
    while bytes.count - start >= 3 {
        let command = Command(rawValue: UInt16(bytes[start]) | UInt16(bytes[start + 1]) << 8)
        let end = min(bytes.count, start + 3 + Int(bytes[start + 2]))
        found.append(
            Packet(
                command, session: 1, reply: UInt16(truncatingIfNeeded: start),
                data: Array(bytes[start + 3..<end])))
        start = end
    }
    return found
}

/// Whatever a client sends: each answer is a packet of its request, and memory keeps its bounds.
func fuzzSession(_ bytes: [UInt8]) {
    guard let kind = bytes.first else { return }
    var device = device(kind)
    var session = Session(number: 1)
    let now = Now(trueTime: 1_772_438_400_000, placeTime: 1_772_438_400_000)
    let connected = session.handle(Packet(.connect, session: 0, reply: 0), &device, now)
    report(connected.packets.count == 1, "a greeting has one answer")
    for packet in requests(Array(bytes.dropFirst())).prefix(64) {
        let reaction = session.handle(packet, &device, now)
        for answer in reaction.packets {
            report(answer.reply == packet.reply, "an answer to another request")
            guard let again = try? Packet(decoding: answer.encoded()) else {
                return report(false, "an answer is no packet")
            }
            report(again == answer, "an answer comes back otherwise")
        }
        for event in session.announcements { _ = LiveEvent(event) }
        report(device.users.count <= 20, "more users than fit")
        report(device.log.count <= 50, "more rows than fit")
        report(session.upload.count <= Session.uploadBytesMax, "more uploaded than allowed")
        report(device.memory.display.count <= 32, "more lines than the display has")
        report(device.templates.allSatisfy { $0.finger <= 9 }, "a finger that nobody has")
        report(Set(device.users.map(\.uid)).count == device.users.count, "an index twice")
        if reaction.ends { return }
    }
    // What it became can be read by a client.
    let users = try? DeviceUser.decodeAll(
        device.bulk(.users) ?? [], count: device.users.count, .utf8)
    report(users?.count == device.users.count, "users that cannot be read")
    let templates = try? FingerTemplate.decodeAll(device.bulk(.templates) ?? [])
    report(templates == device.templates, "templates that cannot be read")
}
