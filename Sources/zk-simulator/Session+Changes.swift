import ZKProtocol

extension Session {
    // MARK: - Users and logs

    func handleChange(_ packet: Packet, _ device: inout Device, _ now: Now) -> Reaction {
        let data = packet.data
        let isDone: Bool
        switch packet.command {
        case .writeUser:
            let user = try? DeviceUser(decoding: data, device.model.encoding)
            let isNew = user.map { device.user($0.userID) == nil } ?? false
            // The firmware knows one length alone.
            isDone =
                data.count == device.model.userLayout.stride
                && user.map { device.write($0) } ?? false
            if isDone, isNew, let user { device.note(.userEnrolled, at: now, [user.uid]) }
        case .deleteUser:
            isDone = data.count >= 2 && device.deleteUser(uid: data.span.number(at: 0))
            if isDone { device.note(.userDeleted, at: now, [data.span.number(at: 0)]) }
        case .deleteTemplate, .deleteTemplateByID:
            isDone = place(packet, device).map { device.deleteTemplate(at: $0) } ?? false
            if isDone { device.note(.fingerDeleted, at: now) }
        case .clearData:
            clear(data.first, &device)
            isDone = true
        case .clearAttendance:
            device.clearLog()
            device.note(.logCleared, at: now)
            isDone = true
        case .clearAdmin:
            device.clearAdmins()
            device.note(.adminsCleared, at: now)
            isDone = true
        default:
            device.memory.operations = []
            isDone = true
        }
        return answer(packet, isDone: isDone)
    }

    /// Which template is to be deleted.
    private func place(_ packet: Packet, _ device: Device) -> FingerPlace? {
        guard packet.command == .deleteTemplateByID else {
            return try? FingerPlace(decoding: packet.data)
        }
        guard packet.data.count == 25, let finger = packet.data.last else { return nil }
        let id = DeviceText.decode(Array(packet.data.prefix(24)), device.model.encoding)
        return device.user(id).map { FingerPlace(uid: $0.uid, finger: finger) }
    }

    private func clear(_ what: UInt8?, _ device: inout Device) {
        if what == nil || what == 1 { device.clearLog() }
        if what == nil || what == 2 { device.memory.templates = [:] }
        if what == nil || what == 4 { device.memory.operations = [] }
        if what == nil || what == 5 { device.clearUsers() }
    }

    // MARK: - Doors, groups and time zones

    func handleAccess(_ packet: Packet, _ device: inout Device) -> Reaction {
        let data = packet.data
        func refused() -> Reaction { answer(packet, .error) }
        /// The user that the first bytes name.
        func uid() -> UInt16? {
            guard data.count >= 2 else { return nil }
            let uid: UInt16 = data.span.number(at: 0)
            return device.users.contains { $0.uid == uid } ? uid : nil
        }
        switch packet.command {
        case .clearAccess:
            device.memory.userAccess = [:]
            device.memory.groupAccess = [:]
            device.memory.hours = [:]
            device.memory.combinations = [:]
        case .readUserGroup:
            guard let uid = uid(), let user = device.users.first(where: { $0.uid == uid })
            else { return refused() }
            let group = device.memory.groups[uid] ?? UInt8(clamping: user.group)
            return answer(packet, .ok, [group])
        case .writeUserGroup:
            guard let uid = uid(), data.count >= 5 else { return refused() }
            device.memory.groups[uid] = data[4]
        case .readUserZones:
            guard let uid = uid() else { return refused() }
            let access =
                device.memory.userAccess[uid] ?? UserAccess(hasOwnZones: false, zones: [1, 0, 0])
            return answer(packet, .ok, access.encoded())
        case .writeUserZones:
            guard uid() != nil, let (uid, access) = try? UserAccess.request(decoding: data)
            else { return refused() }
            device.memory.userAccess[uid] = access
        case .readStyle:
            guard let uid = uid() else { return refused() }
            return answer(packet, .ok, (device.memory.styles[uid] ?? .ofGroup).encoded(for: uid))
        case .writeStyle:
            guard uid() != nil, let (uid, style) = try? VerifyStyle.decode(data)
            else { return refused() }
            device.memory.styles[uid] = style
        default: return handleGroups(packet, &device.memory)
        }
        return answer(packet, .ok)
    }

    private func handleGroups(_ packet: Packet, _ memory: inout DeviceMemory) -> Reaction {
        let data = packet.data
        guard let first = data.first, data.count >= 4 else { return answer(packet, .error) }
        switch packet.command {
        case .readGroupZones:
            let access = memory.groupAccess[first] ?? GroupAccess(group: first, zones: [1, 0, 0])
            return answer(packet, .ok, access.encoded())
        case .writeGroupZones:
            guard let access = try? GroupAccess(decoding: data) else { break }
            memory.groupAccess[first] = access
            return answer(packet, .ok)
        case .readCombination:
            let combination =
                memory.combinations[first] ?? UnlockCombination(number: first, groups: [1])
            return answer(packet, .ok, combination.encoded())
        case .writeCombination:
            guard let combination = try? UnlockCombination(decoding: data) else { break }
            memory.combinations[first] = combination
            return answer(packet, .ok)
        case .readHours:
            let index: UInt32 = data.span.number(at: 0)
            let day = AccessHours.Day(fromHour: 0, fromMinute: 0, toHour: 23, toMinute: 59)
            let hours =
                memory.hours[index]
                ?? AccessHours(index: index, days: Array(repeating: day, count: 7))
            return answer(packet, .ok, hours.encoded())
        case .writeHours:
            guard let hours = try? AccessHours(request: data),
                memory.hours.count < DeviceMemory.entriesMax || memory.hours[hours.index] != nil
            else { break }
            memory.hours[hours.index] = hours
            return answer(packet, .ok)
        default: break
        }
        return answer(packet, .error)
    }

    // MARK: - What happens at once

    func handleControl(_ packet: Packet, _ device: inout Device, _ now: Now) -> Reaction {
        let data = packet.data
        let number: UInt32 = data.count >= 4 ? data.span.number(at: 0) : 0
        switch packet.command {
        case .enable: device.enable()
        case .disable: device.disable(forSeconds: number > 0 ? number : nil, now)
        case .unlock:
            let milliseconds = Int64(number) * (device.model.unlockCountsTenths ? 100 : 1000)
            device.memory.unlockedUntil = now.trueTime + milliseconds
            device.note(.unlocked, at: now)
        case .testVoice:
            if device.memory.voices.count < DeviceMemory.entriesMax {
                device.memory.voices.append(number)
            }
        case .enableClock: device.memory.showsColon = data.first != 0
        case .writeLCD:
            guard data.count >= 4, data.count <= 128 else { return answer(packet, .error) }
            let line = Int16(bitPattern: data.span.number(at: 0))
            guard device.memory.display.count < 32 || device.memory.display[line] != nil
            else { return answer(packet, .error) }
            device.memory.display[line] = DeviceText.decode(
                Array(data.dropFirst(4)), device.model.encoding)
        case .clearLCD: device.memory.display = [:]
        case .restart:
            device.memory.restarts += 1
            device.memory.display = [:]
            device.enable()
            device.note(.powerOn, at: now)
            return Reaction(
                packets: device.model.answersRestart ? [answerPacket(packet, .ok)] : [],
                ends: true)
        default:
            device.memory.isOff = true
            return Reaction(packets: [answerPacket(packet, .ok)], ends: true)
        }
        return answer(packet, .ok)
    }
}
