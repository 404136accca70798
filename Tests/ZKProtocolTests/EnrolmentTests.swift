import Synchronization
import Testing
import Transport

@testable import ZKProtocol
@testable import zk_simulator

/// A person and a sensor, as events tell of them.
@Suite struct EnrolmentTests {
    private func event(_ kind: EventKind, _ data: [UInt8]) -> LiveEvent {
        LiveEvent(Packet(.event, session: kind.rawValue, reply: 0, data: data))
    }

    @Test func `every event leads where the drawing says`() {
        let good = event(.fingerQuality, [100, 0])
        let bad = event(.fingerQuality, [0, 0])
        let placed = event(.finger, [])
        let end = FingerEnrolled(result: 0, templateBytes: 9, userID: "1", finger: 2)
        for events in [
            [placed, good, placed, good, placed, good, .fingerEnrolled(end)],
            // Firmware that tells each touch by the event of the end.
            Array(repeating: event(.fingerEnrolled, [100, 0]), count: 6) + [.fingerEnrolled(end)],
            // Firmware that tells nothing but the end.
            [event(.fingerEnrolled, [0, 0])],
            [bad, bad, bad, bad, bad, good, .fingerEnrolled(end)],
        ] {
            var enrolment = Enrolment()
            for event in events {
                #expect(enrolment.outcome == nil)
                let isOwn = enrolment.take(event)
                #expect(isOwn)
            }
            #expect(enrolment.outcome == .enrolled)
            // After the end nothing is its own.
            let isOwn = enrolment.take(good)
            #expect(!isOwn)
        }
        for (result, outcome) in [
            (4, .notRecognised), (5, .duplicate), (6, .cancelled), (7, .failed(7)),
        ] as [(UInt8, Enrolment.Outcome)] {
            var enrolment = Enrolment()
            let isOwn = enrolment.take(event(.fingerEnrolled, [result, 0]))
            #expect(isOwn)
            #expect(enrolment.outcome == outcome)
        }
        var enrolment = Enrolment()
        let others = [event(.button, [1]), event(.finger, [1, 2, 3])]
        for other in others where enrolment.take(other) { Issue.record("\(other) was taken") }
        #expect(enrolment == Enrolment())
    }

    @Test(
        arguments: [.willing, .clumsy, .known, .unreadable] as [DeviceModel.Person],
        [UserLayout.bytes28, .bytes72])
    func `an enrolment ends as the person made it end`(
        person: DeviceModel.Person, layout: UserLayout
    ) async throws {
        let device = try Device.made(users: 3, records: 0) {
            $0.person = person
            $0.userLayout = layout
        }
        try await withSimulator(device) { simulator, loop in
            try await withClient(simulator, loop) { client in
                try await client.listen(to: .attendance)
                var touches: [Int] = []
                let result = try await client.enrol(
                    EnrolmentRequest(userID: "1002", finger: 6), timeout: .seconds(30),
                    listeningTo: .attendance
                ) { touches.append($0.touches) }
                switch person {
                case .willing, .clumsy:
                    #expect(result.outcome == .enrolled)
                    #expect(result.enrolment.touches == 3)
                    #expect(result.enrolment.badTouches == (person == .clumsy ? 3 : 0))
                    #expect(touches.last == 3)
                    let place = FingerPlace(uid: 2, finger: 6)
                    let template = try #require(try await client.template(at: place))
                    #expect(template.bytes[2..<6] == Array("SS21".utf8)[...])
                case .known: #expect(result.outcome == .duplicate)
                case .unreadable: #expect(result.outcome == .notRecognised)
                case .absent: break
                }
                #expect(try await client.state() == .waiting)
                // The client is told of punches as before.
                _ = simulator.punch("1003", state: 1, verify: 1)
                guard case .punch = try await client.nextEvent(timeout: .seconds(30)) else {
                    Issue.record("no punch was announced after the enrolment")
                    return
                }
            }
        }
    }

    @Test func `when nobody comes the device waits no longer than the client`() async throws {
        let device = try Device.made(users: 3, records: 0) { $0.person = .absent }
        try await withSimulator(device) { simulator, loop in
            try await withClient(simulator, loop) { client in
                let result = try await client.enrol(
                    EnrolmentRequest(userID: "1002", finger: 6), timeout: .milliseconds(50))
                #expect(result.outcome == nil)
                #expect(try await client.state() == .waiting)
                let stranger = EnrolmentRequest(userID: "77", finger: 6)
                let error = await #expect(throws: ZKError.self) {
                    try await client.enrol(stranger, timeout: .seconds(30))
                }
                #expect(error?.code == .refused)
                #expect(try await client.state() == .waiting)
                for (id, finger) in [("1002", 10), (String(repeating: "9", count: 25), 1)] {
                    let error = await #expect(throws: ZKError.self) {
                        try await client.enrol(
                            EnrolmentRequest(userID: id, finger: UInt8(finger)),
                            timeout: .seconds(30))
                    }
                    #expect(error?.code == .unfit)
                }
            }
        }
    }

    @Test func `a cancelled enrolment is cancelled at the device too`() async throws {
        let commands = Recorder()
        let device = try Device.made(users: 3, records: 0) { $0.person = .absent }
        let honest = LockedState(device)
        try await withScriptedDevice { packet in
            commands.note(packet.command)
            return honest.handle(packet).packets.map { .packet($0) }
        } _: { address, loop in
            let task = Task {
                try await withZKClient(to: address, commKey: nil, on: loop, options: .test) {
                    try await $0.enrol(
                        EnrolmentRequest(userID: "1002", finger: 6), timeout: .seconds(600))
                }
            }
            while !commands.all.contains(.startEnrolment) {
                try await loop.sleep(for: .milliseconds(1))
            }
            task.cancel()
            let result = await task.result
            #expect(throws: ZKError.self) { try result.get() }
        }
        let after = commands.all.drop { $0 != .startEnrolment }.dropFirst()
        #expect(Array(after) == [.cancelCapture, .enable, .exit])
    }

    @Test func `every event is acknowledged, with the reply number of events`() async throws {
        let commands = Recorder()
        let device = try Device.made(users: 3, records: 0)
        let honest = LockedState(device)
        let event = Packet(
            .event, session: EventKind.attendance.rawValue, reply: 0,
            data: AttendanceRecord(
                userID: "1002", time: try time("2026-03-02T08:00:00"), state: 1, verify: 1
            ).event(.bytes32) ?? [])
        let odd = Packet(.event, session: 1, reply: 0, data: Array(repeating: 7, count: 18))
        try await withScriptedDevice { packet in
            commands.note(packet.command)
            if packet.command == .ok { #expect(packet.reply == 0) }
            var steps = honest.handle(packet).packets.map { Step.packet($0) }
            // Several in one segment, before the answer.
            if packet.command == .getTime {
                steps = [.bytes(event.frame() + odd.frame() + event.frame())] + steps
            }
            return steps
        } _: { address, loop in
            try await withZKClient(to: address, commKey: nil, on: loop, options: .test) { client in
                _ = try await client.time()
                var events: [LiveEvent] = []
                for _ in 0..<3 {
                    events.append(try #require(try await client.nextEvent(timeout: .zero)))
                }
                #expect(events[0] == events[2])
                #expect(events[1] == .other(kind: .attendance, data: odd.data))
                _ = try await client.freeSizes()
            }
        }
        #expect(commands.all.count { $0 == .ok } == 3)
    }
}

/// The commands that a scripted device was given, from any thread.
private final class Recorder: Sendable {
    private let commands = Lock<[Command]>([])
    var all: [Command] { commands.withLock { $0 } }
    func note(_ command: Command) { commands.withLock { $0.append(command) } }
}
