// The entry point for libFuzzer; scripts/fuzz builds it with the pure parts of ZKProtocol.

import Glibc

func report(_ condition: Bool, _ what: String) {
    // A trap is what libFuzzer takes note of.
    if !condition { fatalError(what) }
}

/// A TCP stream in pieces, whose size the first byte says: the same packets whatever the pieces are,
/// each of which comes back as it went.
private func fuzzPackets(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    let stream = Array(bytes.dropFirst())
    let whole = packets(stream, piece: max(1, stream.count))
    let pieces = packets(stream, piece: Int(first) % 23 + 1)
    report(whole == pieces, "pieces of a stream give other packets")
    for packet in whole {
        guard let again = try? Packet(decoding: packet.encoded()) else {
            return report(false, "what was encoded is no packet")
        }
        report(again == packet, "a packet comes back otherwise")
        // Both ends look into what is in a packet.
        _ = LiveEvent(packet)
        checkValues(packet.data)
        _ = try? DeviceOption(decoding: packet.data)
        _ = try? FreeSizes(decoding: packet.data)
        _ = try? BulkSelector(decoding: packet.data)
        _ = try? BufferSlice(decoding: packet.data)
        _ = try? PreparedBuffer(decoding: packet.data)
        _ = try? PreparedData(decoding: packet.data)
        _ = CommKey.matches(packet.data, key: 1234, session: packet.session)
        if let user = try? DeviceUser(decoding: packet.data) { check(user) }
        if let record = try? AttendanceRecord(row: packet.data) { check(record) }
    }
}

private func packets(_ stream: [UInt8], piece: Int) -> [Packet] {
    var reader = FrameReader(bytesMax: 4096)
    var found: [Packet] = []
    for start in stride(from: 0, to: stream.count, by: piece) {
        reader.append(Array(stream[start..<min(start + piece, stream.count)]))
        do {
            while let packet = try reader.next() { found.append(packet) }
        } catch { return found }
    }
    return found
}

/// A bulk read of the log, or with an odd first byte of the users; the second byte is how many the
/// device says it has, 255 for not saying.
private func fuzzBulk(_ bytes: [UInt8]) {
    guard bytes.count >= 2 else { return }
    let count = bytes[1] == 255 ? nil : Int(bytes[1])
    var blob = Array(bytes.dropFirst(2))
    // Half of them with the right length, which a fuzzer seldom finds.
    if bytes[0] & 2 != 0, blob.count >= 4 { blob.put(u32: UInt32(blob.count - 4), at: 0) }
    if bytes[0] & 1 != 0 {
        guard let users = try? DeviceUser.decodeAll(blob, count: count, .utf8) else { return }
        report(users.count * 28 <= blob.count, "more users than bytes")
        for user in users { check(user) }
    } else {
        let counts = count.map { $0...min(255, $0 + Int(bytes[0] >> 4)) }
        guard let log = try? AttendanceLog(decoding: blob, counts: counts) else { return }
        report(
            log.count * log.layout.stride + log.strayMarks * 9 == max(0, blob.count - 4),
            "rows that are not there")
        var hasher = Hasher()
        log.hash(rows: 0..<log.count, into: &hasher)
        for record in log { check(record) }
        let again = AttendanceLog.encode(log, log.layout)
        guard let second = try? AttendanceLog(decoding: again, counts: log.count...log.count)
        else { return report(log.isEmpty, "a log that was encoded cannot be read") }
        report(second.count == log.count, "a log that was encoded has other rows")
    }
}

/// Lists of templates, operations and uploads: what is read is written the same; and texts in a code
/// page that has pairs come back.
private func fuzzRecords(_ bytes: [UInt8]) {
    guard let kind = bytes.first else { return }
    var blob = Array(bytes.dropFirst())
    if kind & 4 != 0, blob.count >= 4 { blob.put(u32: UInt32(blob.count - 4), at: 0) }
    switch kind & 3 {
    case 0:
        guard let templates = try? FingerTemplate.decodeAll(blob) else { return }
        report(FingerTemplate.encode(templates) == blob, "templates come back otherwise")
        for template in templates { report("\(template)".utf8.count < 64, "a template is printed") }
    case 1:
        guard let rows = try? OperationRecord.decodeAll(blob) else { return }
        report(OperationRecord.encode(rows) == blob, "operations come back otherwise")
        for row in rows { report(!"\(row.code)".isEmpty, "a code without a text") }
    case 2:
        guard let upload = try? UserUpload(decoding: blob) else { return }
        for user in upload.users { check(user) }
        report(upload.templates.count * 8 <= blob.count, "more templates than bytes")
    default:
        for encoding in [TextEncoding.utf8, pairs] {
            let text = DeviceText.decode(blob, encoding)
            let end = blob.firstIndex(of: 0) ?? blob.count
            report(
                DeviceText.encode(text, limit: .max, encoding) == Array(blob[..<end]),
                "a text comes back otherwise")
        }
    }
}

/// A code page in which some bytes are characters, some begin a pair, and some are nothing.
private let pairs = TextEncoding(name: "pairs", hasPairs: true) { bytes in
    switch (bytes[0], bytes.count) {
    case (0x80..<0x90, 1): Unicode.Scalar(0x400 + UInt32(bytes[0]))
    case (0x90..<0xE0, 2): Unicode.Scalar(0x4E00 + UInt32(bytes[0]) << 8 + UInt32(bytes[1]))
    default: nil
    }
}

/// Values that fill an answer or a request.
private func checkValues(_ data: [UInt8]) {
    if let access = try? UserAccess(decoding: data) {
        report(access.encoded().count == 8, "a user's zones have another length")
    }
    if let access = try? GroupAccess(decoding: data), data.count == 8 {
        report(access.encoded() == data, "a group's zones come back otherwise")
    }
    if let hours = try? AccessHours(decoding: data), data.count == 32 {
        report(hours.encoded() == data, "hours come back otherwise")
    }
    if let combination = try? UnlockCombination(decoding: data), data.count == 8 {
        report(combination.encoded() == data, "a combination comes back otherwise")
    }
    _ = try? VerifyStyle.decode(data)
    _ = try? TemplateHead(decoding: data)
    _ = try? EnrolmentRequest(decoding: data)
    _ = try? FingerTemplate(uid: 1, finger: 1, answer: data)
}

private func check(_ user: DeviceUser) {
    report(user.userID.utf8.count <= 128 && user.name.utf8.count <= 512, "a text out of nothing")
}

private func check(_ record: AttendanceRecord) {
    report(record.userID.utf8.count <= 128, "a text out of nothing")
    // A time that does not exist is text too.
    let text = record.time.description
    report(text.utf8.count >= 19, "a time without a text")
    if record.time.isRealDate { report(LocalTime(text) == record.time, "a time reads otherwise") }
}

private let target: @Sendable ([UInt8]) -> Void = {
    switch getenv("FUZZ_TARGET").map({ String(cString: $0) }) {
    case "zkpackets": { fuzzPackets($0) }
    case "zkbulk": { fuzzBulk($0) }
    case "zkrecords": { fuzzRecords($0) }
    case "zksession": { fuzzSession($0) }
    default: fatalError("FUZZ_TARGET names no target")
    }
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target(Array(UnsafeBufferPointer(start: data, count: count)))
    return 0
}
