import Foundation
import Synchronization
import TestSupport
import Testing
import Transport

@testable import ZKProtocol

/// What others sent and devices answered, from `Vectors/packets.txt`.
@Suite struct VectorTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        var line: Int
        var sender: Character
        var bytes: [UInt8]
        var isFrame: Bool { bytes.starts(with: Frame.magic) }

        var testDescription: String { "line \(line)" }

        func packet() throws -> Packet {
            if !isFrame { return try Packet(decoding: bytes) }
            let found = try packets(bytes)
            #expect(found.count == 1)
            return try #require(found.first)
        }
    }

    static let all: [Vector] = {
        let path = "\(repositoryRoot)/Tests/ZKProtocolTests/Vectors/packets.txt"
        let text = FileManager.default.contents(atPath: path).map {
            String(decoding: $0, as: UTF8.self)
        }
        let lines = (text ?? "").split(separator: "\n")
        return lines.enumerated().compactMap { number, line in
            guard let sender = line.first, sender != "#" else { return nil }
            return Vector(
                line: number + 1, sender: sender, bytes: hex(String(line.dropFirst(2))))
        }
    }()

    @Test func `every packet is read and written byte for byte`() throws {
        #expect(Self.all.count == 224)
        for vector in Self.all {
            let packet = try vector.packet()
            let written = vector.isFrame ? packet.frame() : packet.encoded()
            #expect(written == vector.bytes, "line \(vector.line)")
        }
    }

    @Test func `the data of every packet is read and written byte for byte`() throws {
        // What is answered depends on what was asked.
        var asked: [UInt16: Packet] = [:]
        for vector in Self.all {
            let packet = try vector.packet()
            let question = vector.sender == "D" ? asked[packet.reply] : nil
            if vector.sender == "C" { asked[packet.reply] = packet }
            if packet.data.isEmpty { continue }
            let written = try rewritten(packet, question)
            #expect(written == packet.data, "line \(vector.line): \(packet.command)")
        }
    }

    /// The data decoded to what it means, and encoded again.
    private func rewritten(_ packet: Packet, _ question: Packet?) throws -> [UInt8]? {
        let data = packet.data
        switch packet.command {
        case .ok: return try answer(data, question)
        case .data: return try bulk(data, question)
        case .readOption, .unknown, .error: return DeviceOption.request(DeviceText.decode(data))
        case .writeOption: return try optionRequest(data)
        case .authenticate:
            #expect(
                CommKey.matches(data, key: 123_456, session: packet.session)
                    || CommKey.matches(data, key: 1, session: packet.session))
            return data
        case .setTime:
            let time = LocalTime(packed: data.span.u32(at: 0))
            #expect(time.isRealDate)
            return little(time.packed)
        case .prepareBuffer: return try BulkSelector(decoding: data).encoded()
        case .readBuffer: return try BufferSlice(decoding: data).encoded()
        case .prepareData where question == nil && data.count == 4:
            return little(data.span.u32(at: 0))
        case .prepareData: return try PreparedData(decoding: data).encoded()
        case .readTemplate, .deleteTemplate: return try FingerPlace(decoding: data).encoded()
        case .writeUser:
            let layout = try #require(UserLayout(rawValue: data.count))
            return try withPassword(data, DeviceUser(decoding: data).encoded(layout))
        case .deleteUser: return Array(little(UInt32(data.span.u16(at: 0))).prefix(2))
        case .saveUpload: return [12, 0, 0, 0, 0, 0, 8, 0]
        case .unlock, .testVoice: return little(data.span.u32(at: 0))
        case .pinWidth: return [0x20, 0x50]
        case .writeLCD:
            return data.prefix(2) + [0, 0x20]
                + DeviceText.encode(DeviceText.decode(Array(data.dropFirst(4))), limit: 64)
        case .startEnrolment:
            let request = try EnrolmentRequest(decoding: data)
            #expect(request.userID == "1001" && request.finger == 6)
            return request.encoded(data.count == 5 ? .bytes28 : .bytes72)
        case .writeStyle:
            let (uid, style) = try VerifyStyle.decode(data)
            #expect(style.name == "PIN, fingerprint and password")
            return style.encoded(for: uid)
        case .event: return try event(packet, question)
        default: return nil
        }
    }

    private func optionRequest(_ data: [UInt8]) throws -> [UInt8] {
        let option = try DeviceOption(decoding: data)
        return data.last == 0 ? option.encoded() : option.request()
    }

    private func answer(_ data: [UInt8], _ question: Packet?) throws -> [UInt8]? {
        switch (question?.command, data.count) {
        case (.freeSizes, _): return try FreeSizes(decoding: data).encoded()
        case (.getTime, _): return little(data.span.u32(at: 0))
        case (.prepareBuffer, _): return try PreparedBuffer(decoding: data).encoded()
        case (.version, _): return Array(DeviceText.decode(data).utf8) + [0]
        case (.pinWidth, 1): return data[0] == 9 ? data : nil
        case (_, 32): return try AccessHours(decoding: data).encoded()
        case (_, 8) where data[0] == 7: return try UnlockCombination(decoding: data).encoded()
        case (_, 8): return try GroupAccess(decoding: data).encoded()
        default: return try DeviceOption(decoding: data).encoded()
        }
    }

    private func bulk(_ data: [UInt8], _ question: Packet?) throws -> [UInt8]? {
        guard let question else {
            // A client's own: an upload.
            let layout: UserLayout = data[0] == 0x49 ? .bytes72 : .bytes28
            return try UserUpload(decoding: data).encoded(layout)
        }
        if question.command == .readTemplate {
            let template = try FingerTemplate(uid: 1, finger: 0, answer: data)
            #expect(template.bytes == Array(1...40))
            return template.encodedAnswer()
        }
        if data.count - 4 == 0x28C {
            let templates = try FingerTemplate.decodeAll(data)
            #expect(templates.map(\.bytes.count) == [40, 600])
            return FingerTemplate.encode(templates)
        }
        if [144, 56].contains(data.count - 4) {
            let layout: UserLayout = data.count == 148 ? .bytes72 : .bytes28
            let users = try DeviceUser.decodeAll(data, count: 2)
            return little(UInt32(data.count - 4)) + users.flatMap { $0.encoded(layout) ?? [] }
        }
        let log = try AttendanceLog(decoding: data, counts: 3...3)
        return AttendanceLog.encode(log, log.layout)
    }

    private func event(_ packet: Packet, _ question: Packet?) throws -> [UInt8]? {
        let data = packet.data
        // Asked for: the mask.
        if question == nil, data.count == 4 {
            return EventKind(rawValue: data.span.u16(at: 0)).encoded()
        }
        switch LiveEvent(packet) {
        case .punch(let record):
            let layout = try #require(EventLayout(rawValue: data.count))
            return record.event(layout)
        case .fingerEnrolled(let end):
            // This firmware has the finger before the id.
            if end.result != 0 || data.count == 2 {
                return Array(little(UInt32(end.result)).prefix(2))
            }
            #expect(
                end
                    == FingerEnrolled(
                        result: 0, templateBytes: 1200, userID: "1001", finger: 6))
            return data
        default: return nil
        }
    }

    /// A record whose password's garbage is put back.
    private func withPassword(_ data: [UInt8], _ record: [UInt8]?) -> [UInt8]? {
        guard var record, record.count == 72, let end = data[3..<11].firstIndex(of: 0)
        else { return record }
        record.replaceSubrange(end..<11, with: data[end..<11])
        return record
    }

    private func little(_ value: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(u32: value)
        return bytes
    }
}

/// Our client's calls put on the wire what other clients' calls do.
@Suite struct ClientVectorTests {
    typealias Call = @Sendable (ZKClient) async throws -> Void

    private static let user = DeviceUser(
        uid: 3, userID: "1002", name: "Ann", privilege: 14, password: "5678", card: 123_456,
        groupByte: 0, access: 0x31)

    private static var upload: UserUpload {
        var user = user
        user.privilege = 0
        user.password = "56"
        user.card = 7
        user.groupByte = 1
        let templates = [
            FingerTemplate(
                uid: 3, finger: 0, bytes: (0..<20).map { $0 % 2 == 0 ? 0x4D : 0x4F }),
            FingerTemplate(uid: 3, finger: 5, bytes: Array(repeating: 0x55, count: 16)),
        ]
        return UserUpload(users: [user], templates: templates)
    }

    /// Calls, and the command and number of the line that each of the packets it sends has.
    static let calls: [(String, Call)] = [
        ("0b003b15b2a10400", { _ = try await $0.option("~SerialNumber") }),
        ("0b0001d3b2a10500", { _ = try await $0.option("~Platform") }),
        ("4c04fe59b2a10300", { _ = try await $0.firmware() }),
        ("3200005eb2a11b00", { _ = try await $0.freeSizes() }),
        ("c900685db2a11c00", { _ = try await $0.time() }),
        ("ca00059fb2a11e00", { try await $0.setTime(try time("2024-02-29T08:30:15")) }),
        ("ca00d1a5b2a11f00", { try await $0.setTime(try time("2099-12-31T23:59:59")) }),
        ("df054c4ab2a12100", { _ = try await $0.readBulk(.users) }),
        ("df05444bb2a12900", { _ = try await $0.readBulk(.attendance) }),
        ("df05404fb2a12d00", { _ = try await $0.readBulk(.templates) }),
        ("5800c45db2a13000", { _ = try await $0.template(at: FingerPlace(uid: 1, finger: 0)) }),
        ("5800ba5db2a13200", { _ = try await $0.template(at: FingerPlace(uid: 2, finger: 7)) }),
        ("0800ad9db2a13500", { try await $0.write(user, as: .bytes72) }),
        ("f503225ab2a13600", { try await $0.refreshData() }),
        ("1200ff5db2a13900", { try await $0.deleteUser(uid: 3) }),
        (
            "1300fe5db2a13b00",
            {
                try await $0.deleteTemplate(at: FingerPlace(uid: 1, finger: 0))
            }
        ),
        ("de053358b2a13c00", { try await $0.write(upload) }),
        ("dc05a757b2a13d00", { try await $0.write(upload) }),
        ("dd05712fb2a13e00", { try await $0.write(upload) }),
        ("6e008c5db2a13f00", { try await $0.write(upload) }),
        ("1f00cf5db2a14100", { try await $0.unlock(seconds: 3, unit: .tenths) }),
        ("f903085ab2a14200", { try await $0.playVoice(10) }),
        ("0f00fb5db2a14300", { try await $0.clearAttendance() }),
        ("f401155cb2a14400", { try await $0.listen(to: .all) }),
        ("f401515cb2a10700", { try await $0.listen(to: .attendance) }),
        ("f401515cb2a10800", { try await $0.listen(to: []) }),
        ("ea031c5ab2a14700", { try await $0.enable() }),
        ("ec03195ab2a14800", { try await $0.restart() }),
        ("ed03175ab2a14900", { try await $0.powerOff() }),
        ("4200a16bb2a14500", { try await $0.writeLCD(line: 1, "Hello") }),
        ("4300c45db2a14600", { try await $0.clearLCD() }),
        ("4b00bb5db2a14700", { _ = try await $0.isDoorOpen() }),
        (
            "3d00a6fbb2a10200",
            {
                _ = try await $0.enrol(
                    EnrolmentRequest(userID: "1001", finger: 6), timeout: .milliseconds(1))
            }
        ),
        (
            "3e000e5eb2a10100",
            {
                _ = try await $0.enrol(
                    EnrolmentRequest(userID: "1001", finger: 6), timeout: .milliseconds(1))
            }
        ),
        (
            "3c00cb5db2a14600",
            {
                _ = try await $0.enrol(
                    EnrolmentRequest(userID: "1001", finger: 6), timeout: .milliseconds(1))
            }
        ),
    ]

    @Test func `our calls send what other clients send, byte for byte`() async throws {
        var vectors: [String: VectorTests.Vector] = [:]
        for vector in VectorTests.all where vector.sender == "C" {
            let start = vector.isFrame ? Frame.prefixBytes : 0
            let head = vector.bytes[start..<start + 8].map { byte in
                (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
            vectors[head.joined()] = vector
        }
        let sent = Lock<[Packet]>([])
        try await withScriptedDevice { packet in
            sent.withLock { $0.append(packet) }
            return [.packet(Self.answer(to: packet))]
        } _: { address, loop in
            for (head, call) in Self.calls {
                let vector = try #require(vectors[head], "\(head) is no line of the vectors")
                let wanted = try vector.packet()
                sent.withLock { $0 = [] }
                try await withZKClient(to: address, commKey: nil, on: loop, options: .test) {
                    $0.learnt.userLayout = .bytes72
                    $0.learnt.pinWidth = 9
                    // What the answer is good for is not asked here.
                    do { try await call($0) } catch is ZKError {}
                }
                let found = sent.withLock { $0 }.filter { $0.command == wanted.command }
                let written = found.map { packet in
                    Packet(
                        packet.command, session: packet.session, reply: wanted.reply,
                        data: packet.data
                    ).frame()
                }
                #expect(written.contains(vector.bytes), "line \(vector.line)")
            }
        }
    }

    /// Answers that let a call go on.
    private static func answer(to packet: Packet) -> Packet {
        var data: [UInt8] = []
        var command = Command.ok
        switch packet.command {
        case .freeSizes: data = FreeSizes(users: 1, records: 0).encoded()
        case .prepareBuffer:
            command = .data
            data = [0, 0, 0, 0]
        case .readTemplate, .writeUser: command = .error
        default: break
        }
        return Packet(command, session: 0xA1B2, reply: packet.reply, data: data)
    }
}
