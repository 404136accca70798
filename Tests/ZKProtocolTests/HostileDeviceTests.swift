import Testing
import Transport

@testable import ZKProtocol
@testable import zk_simulator

/// Devices that lie, break off, or talk nonsense: each is a typed error, and none a crash.
@Suite struct HostileDeviceTests {
    /// A scripted device that behaves, but for the commands that `lie` answers.
    private func attendance(
        records: Int = 4000, _ options: ZKClient.Options = .test,
        _ lie: @escaping @Sendable (Packet, Session.Reaction) -> [Step]?
    ) async throws -> Result<AttendanceRead, ZKError> {
        let honest = Honest(try Device.made(users: 20, records: records))
        return try await withScriptedDevice { packet in
            let reaction = honest.handle(packet)
            return lie(packet, reaction) ?? reaction.packets.map { .packet($0) }
        } _: { address, loop in
            do throws(ZKError) {
                let client = try await ZKClient.connect(
                    to: address, commKey: nil, on: loop, options: options)
                let result: Result<AttendanceRead, ZKError>
                do throws(ZKError) {
                    result = .success(try await client.attendance())
                } catch {
                    result = .failure(error)
                }
                await client.close()
                return result
            } catch {
                return .failure(error)
            }
        }
    }

    /// A device's memory behind a lock.
    private final class Honest: Sendable {
        private let state: LockedState
        init(_ device: Device) { state = LockedState(device) }
        func handle(_ packet: Packet) -> Session.Reaction { state.handle(packet) }
    }

    private func code(_ result: Result<AttendanceRead, ZKError>) -> ZKError.Code? {
        if case .failure(let error) = result { error.code } else { nil }
    }

    @Test(arguments: [0xFFFF_FFFF, 0x7FFF_FFFF, (64 << 20) + 1])
    func `a huge announced size is refused before memory is taken`(size: Int) async throws {
        let result = try await attendance { packet, _ in
            guard packet.command == .prepareBuffer else { return nil }
            return [
                .packet(
                    Packet(
                        .ok, session: 1, reply: packet.reply,
                        data: PreparedBuffer(bytes: size).encoded()))
            ]
        }
        #expect(code(result) == .tooLarge)
    }

    @Test func `a huge announced slice is refused`() async throws {
        let result = try await attendance { packet, _ in
            guard packet.command == .readBuffer else { return nil }
            let data = PreparedData(bytes: 0xFFFF_FFFF).encoded()
            return [.packet(Packet(.prepareData, session: 1, reply: packet.reply, data: data))]
        }
        #expect(code(result) == .tooLarge)
    }

    @Test func `more data than announced is refused`() async throws {
        let result = try await attendance { packet, reaction in
            guard packet.command == .readBuffer else { return nil }
            return reaction.packets.map { answer in
                var answer = answer
                if answer.command == .data { answer.data.append(0) }
                return .packet(answer)
            }
        }
        #expect(code(result) == .malformed)
    }

    @Test(arguments: [-1, 1, 1000])
    func `a count that does not match the rows is an error with the numbers`(
        difference: Int
    ) async throws {
        let result = try await attendance { packet, reaction in
            guard packet.command == .freeSizes, var answer = reaction.packets.first else {
                return nil
            }
            answer.data.put(u32: UInt32(4000 + difference), at: 32)
            return [.packet(answer)]
        }
        #expect(code(result) == .incomplete)
        guard case .failure(let error) = result else { return }
        #expect(error.description.contains("\(4000 + difference)"), "\(error)")
        #expect(error.description.contains("160004 bytes"), "\(error)")
    }

    @Test func `a count that grows by more than the rows is incomplete`() async throws {
        let asked = Counter()
        let result = try await attendance { packet, reaction in
            guard packet.command == .freeSizes, var answer = reaction.packets.first else {
                return nil
            }
            // 4 and 5 rows fewer than there are, and a stride that fits none of them.
            answer.data.put(u32: UInt32(3990 + asked.increment()), at: 32)
            return [.packet(answer)]
        }
        #expect(code(result) == .incomplete)
        // Before and after each of the three ways.
        #expect(asked.value == 6)
    }

    @Test func `a slice that comes short is asked for three times in each way of reading`()
        async throws
    {
        let asked = Counter()
        let result = try await attendance { packet, reaction in
            guard packet.command == .readBuffer else { return nil }
            asked.increment()
            return self.shortened(reaction)
        }
        // At first all three slices at once and then shorter ones, one at a time.
        #expect(asked.value == 3 + 2 + 3)
        // Nothing of them is taken: the log comes without slices.
        #expect(try result.get().way == .directly)
        #expect(try result.get().log.count == 4000)
    }

    @Test func `a slice that comes short once does no harm`() async throws {
        let asked = Counter()
        let result = try await attendance { packet, reaction in
            guard packet.command == .readBuffer, asked.increment() == 2 else { return nil }
            return self.shortened(reaction)
        }
        #expect(try result.get().log.count == 4000)
    }

    private func shortened(_ reaction: Session.Reaction) -> [Step] {
        reaction.packets.map { answer in
            var answer = answer
            if answer.command == .data { answer.data.removeLast() }
            return .packet(answer)
        }
    }

    @Test func `a slice that is refused is asked for in smaller pieces`() async throws {
        let result = try await attendance { packet, _ in
            guard packet.command == .readBuffer, packet.data[5] >= 0x80 else { return nil }
            return [.packet(Packet(.error, session: 1, reply: packet.reply))]
        }
        #expect(try result.get().log.count == 4000)
    }

    @Test func `a device without buffers is read directly`() async throws {
        let result = try await attendance { packet, _ in
            guard packet.command == .prepareBuffer else { return nil }
            return [.packet(Packet(.unknown, session: 1, reply: packet.reply))]
        }
        #expect(try result.get().log.count == 4000)
    }

    @Test func `a wrong checksum is an error`() async throws {
        let result = try await attendance { packet, reaction in
            guard packet.command == .readBuffer else { return nil }
            return reaction.packets.map { answer in
                var frame = answer.frame()
                if answer.command == .data { frame[1000] ^= 1 }
                return .bytes(frame)
            }
        }
        #expect(code(result) == .malformed)
        guard case .failure(let error) = result else { return }
        #expect(error.command == .readBuffer)
        #expect(error.cause.contains("checksum"))
    }

    @Test(arguments: [0, 4, 20, 3000])
    func `a connection that ends inside a slice is an error`(after count: Int) async throws {
        let result = try await attendance { packet, reaction in
            guard packet.command == .readBuffer else { return nil }
            let bytes = reaction.packets.flatMap { $0.frame() }
            return [.bytes(Array(bytes.prefix(count))), .close]
        }
        #expect(code(result) == .closed)
    }

    @Test func `a device that falls silent is given up`() async throws {
        var options = ZKClient.Options.test
        options.requestTimeout = .milliseconds(30)
        let result = try await attendance(options) { packet, _ in
            packet.command == .readBuffer ? [] : nil
        }
        #expect(code(result) == .timedOut)
    }

    @Test func `late and foreign answers are never taken for the one asked for`() async throws {
        let result = try await attendance { packet, reaction in
            guard packet.command == .freeSizes, let answer = reaction.packets.first else {
                return nil
            }
            var other = answer
            other.reply &-= 1
            other.data = FreeSizes(users: 1, records: 1).encoded()
            var foreign = other
            foreign.reply = 40_000
            return [.packet(other), .packet(foreign), .packet(answer)]
        }
        #expect(try result.get().before.records == 4000)
        #expect(try result.get().log.count == 4000)
    }

    @Test func `events between a request and its answer are kept`() async throws {
        let honest = Honest(try Device.made(users: 20, records: 10))
        let record = AttendanceRecord(
            userID: "1001", time: try time("2026-03-02T08:00:00"), state: 0, verify: 1)
        let data = try #require(record.event(.bytes32))
        let event = Packet(.event, session: 1, reply: 0, data: data)
        try await withScriptedDevice { packet in
            if packet.command == .ok { return [] }
            let answers = honest.handle(packet).packets.map { Step.packet($0) }
            guard packet.command == .getTime else { return answers }
            return [.bytes(event.frame() + event.frame())] + answers
        } _: { address, loop in
            try await withZKClient(to: address, commKey: nil, on: loop, options: .test) { client in
                let now = try await client.time()
                #expect(now == (try time("2026-03-02T08:00:00")))
                for _ in 0..<2 {
                    let event = try await client.nextEvent(timeout: .seconds(10))
                    #expect(event == .punch(record))
                }
                let none = try await client.nextEvent(timeout: .milliseconds(1))
                #expect(none == nil)
                #expect(client.strayPackets == 0)
            }
        }
    }

    @Test(arguments: [
        "16030100a50100", "474554202f20485454502f312e310d0a0d0a", "5050827dffffffff",
        "5050827d00000000", "5050837c08000000", "5050827d08000000d0070000000000",
    ])
    func `bytes of another protocol are an error`(bytes: String) async throws {
        try await withScriptedDevice { _ in
            [.bytes(hex(bytes)), .close]
        } _: { address, loop in
            let error = await #expect(throws: ZKError.self) {
                try await ZKClient.connect(to: address, commKey: nil, on: loop, options: .test)
            }
            #expect(
                [.malformed, .tooLarge, .closed, .encryptedFirmware].contains(error?.code),
                "\(String(describing: error))")
        }
    }

    @Test(arguments: 0..<60)
    func `answers with random damage yield the log or an error`(seed: UInt64) async throws {
        let damage = Damage(seed: seed)
        var options = ZKClient.Options.test
        options.requestTimeout = .milliseconds(40)
        let expected = try Device.made(users: 20, records: 2000).log
        let honest = Honest(try Device.made(users: 20, records: 2000))
        let opening = options
        try await withScriptedDevice { packet in
            honest.handle(packet).packets.map { .bytes(damage.apply(to: $0)) }
        } _: { address, loop in
            guard
                let client = try? await ZKClient.connect(
                    to: address, commKey: nil, on: loop, options: opening)
            else { return }
            if let read = try? await client.attendance() {
                #expect(Array(read.log).map(\.time) == expected.map(\.time))
            }
            await client.close()
        }
    }
}
