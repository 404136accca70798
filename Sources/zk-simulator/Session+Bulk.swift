import ZKProtocol

extension Session {
    // MARK: - Reads of many bytes

    mutating func handleBulk(_ packet: Packet, _ device: Device) -> Reaction {
        switch packet.command {
        case .prepareBuffer:
            if case .refused(let refusal) = device.model.bulkReads {
                return answer(packet, refusal)
            }
            guard device.model.bulkReads == .buffered,
                let selector = try? BulkSelector(decoding: packet.data),
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
            upload = []
            uploadBytes = nil
            return answer(packet, .ok)
        case .readTemplate: return sendTemplate(packet, device)
        // Users or, with a finger, one template.
        case .readUsers where packet.data.count == 3: return sendTemplate(packet, device)
        default: return sendDirectly(packet, device)
        }
    }

    private func sendTemplate(_ packet: Packet, _ device: Device) -> Reaction {
        guard let place = try? FingerPlace(decoding: packet.data),
            let template = device.memory.templates[place]
        else { return answer(packet, .error) }
        let data = template.encodedAnswer()
        return transfer(packet, [data], data.count)
    }

    private func sendDirectly(_ packet: Packet, _ device: Device) -> Reaction {
        if case .refused(let refusal) = device.model.bulkReads { return answer(packet, refusal) }
        let function = packet.command == .readTable ? packet.data.first ?? 0 : 0
        guard
            let blob = device.bulk(
                BulkSelector(packet.command, function: UInt32(function)))
        else { return answer(packet, .error) }
        let parts = stride(from: 0, to: blob.count, by: 1024).map { start in
            Array(blob[start..<min(start + 1024, blob.count)])
        }
        return transfer(packet, parts, blob.count)
    }

    private func transfer(_ packet: Packet, _ parts: [[UInt8]], _ total: Int) -> Reaction {
        var packets = [answerPacket(packet, .prepareData, PreparedData(bytes: total).encoded())]
        for part in parts { packets.append(answerPacket(packet, .data, part)) }
        packets.append(answerPacket(packet, .ok))
        return Reaction(packets: packets)
    }

    // MARK: - Uploads

    mutating func handleUpload(_ packet: Packet, _ device: inout Device, _ now: Now) -> Reaction {
        switch packet.command {
        case .prepareData:
            guard packet.data.count >= 4 else { return answer(packet, .badData) }
            let bytes: UInt32 = packet.data.span.number(at: 0)
            guard bytes <= Session.uploadBytesMax else { return answer(packet, .error) }
            upload = []
            uploadBytes = Int(bytes)
            return answer(packet, .ok)
        case .data:
            guard let uploadBytes, packet.data.count <= uploadBytes - upload.count
            else { return answer(packet, .error) }
            upload += packet.data
            return answer(packet, .ok)
        case .bufferChecksum:
            // How real firmware sums is not known; clients ignore it.
            let sum = upload.reduce(UInt32(0)) { $0 &+ UInt32($1) }
            return answer(packet, .ok, sum.littleEndianBytes)
        default:
            guard let uploadBytes, upload.count == uploadBytes else {
                return answer(packet, .error)
            }
            return answer(packet, isDone: take(packet, &device, now))
        }
    }

    /// Uses what was uploaded, as the command says what it is.
    private mutating func take(_ packet: Packet, _ device: inout Device, _ now: Now) -> Bool {
        defer {
            upload = []
            uploadBytes = nil
        }
        if packet.command == .writeTemplate {
            guard let head = try? TemplateHead(decoding: packet.data), head.bytes == upload.count
            else { return false }
            let template = FingerTemplate(
                uid: head.place.uid, finger: head.place.finger, flag: head.flag, bytes: upload)
            guard device.store(template) else { return false }
            device.note(.fingerEnrolled, at: now, [template.uid, UInt16(template.finger)])
            return true
        }
        guard packet.data.first == 12,
            let users = try? UserUpload(decoding: upload, device.model.encoding)
        else { return false }
        return device.take(users)
    }

    // MARK: - Enrolment

    mutating func handleEnrolment(_ packet: Packet, _ device: inout Device, _ now: Now)
        -> Reaction
    {
        enrolment = nil
        announcements = []
        guard packet.command == .startEnrolment else { return answer(packet, .ok) }
        guard
            let request = try? EnrolmentRequest(decoding: packet.data, device.model.encoding),
            request.finger <= 9, let user = device.user(request.userID)
        else { return answer(packet, .error) }
        enrolment = request
        let place = FingerPlace(uid: user.uid, finger: request.finger)
        let template = Device.inventTemplate(at: place, flag: request.flag)
        touch(device.model.person, user, template, device.model.encoding)
        if [.willing, .clumsy].contains(device.model.person) {
            _ = device.store(template, overwrites: true)
            device.note(.fingerEnrolled, at: now, [place.uid, UInt16(place.finger)])
        }
        return answer(packet, .ok)
    }

    /// What the person does, as the device announces it.
    private mutating func touch(
        _ person: DeviceModel.Person, _ user: DeviceUser, _ template: FingerTemplate,
        _ encoding: TextEncoding
    ) {
        func announce(_ kind: EventKind, _ data: [UInt8]) {
            announcements.append(Packet(.event, session: kind.rawValue, reply: 0, data: data))
        }
        if person == .absent { return }
        for _ in 0..<3 {
            if person == .clumsy {
                announce(.finger, [])
                announce(.fingerQuality, UInt16(0).littleEndianBytes)
            }
            announce(.finger, [])
            let score: UInt16 = person == .unreadable ? 0 : 100
            announce(.fingerQuality, score.littleEndianBytes)
        }
        let result: UInt16 =
            switch person {
            case .known: 5
            case .unreadable: 4
            default: 0
            }
        let end = FingerEnrolled(
            result: result, templateBytes: UInt16(clamping: template.bytes.count),
            userID: user.userID, finger: template.finger)
        announce(.fingerEnrolled, end.encoded(encoding))
    }
}
