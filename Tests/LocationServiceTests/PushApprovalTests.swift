import Foundation
import HTTP
import MeshAPI
import RPCRuntime
import ServiceKit
import TestSupport
import Testing
import Transport
import ZKProtocol

@testable import LocationService
@testable import zk_simulator

@Suite(.ownThread, .timeLimit(.minutes(10))) struct PushApprovalTests {
    private let serial = "CEXA000000001"

    @Test func `an unknown terminal waits, keeps its data, and sends it once it is approved`()
        async throws
    {
        let bench = try PushBench(serials: [])
        let terminal = try PushTerminals(to: bench.address, records: 90)
        let name = PushWaiting.name(serial)
        try await bench.wait { terminal.client.counters.failures >= 3 }
        let waiting = try #require(try bench.status(name))
        #expect(waiting.cause.contains("waits for approval") && !waiting.device.active)
        #expect(waiting.device.serial == serial && waiting.device.address == "127.0.0.1")
        let refused = try await bench.attlog("1\t2026-11-23 08:00:00\t0\t1")
        #expect(refused.status == 403)
        #expect(try await bench.punches().isEmpty)
        #expect(try await bench.store.approvePush(serial: serial, name: "side door") == .approved)
        try await bench.wait { try bench.status("side door")?.completeThrough != nil }
        #expect(try await bench.punches().ordered == terminal.truth)
        #expect(try bench.status(name) == nil)
        // The approval outlives the service, and names are not given twice.
        await bench.kill()
        try bench.start()
        #expect(
            try await bench.store.approvedPush()
                == [PushApproval(serial: serial, name: "side door")])
        #expect(
            try await bench.store.approvePush(serial: "OTHER", name: "side door")
                == .nameTaken(serial))
        // What is taken back waits again.
        #expect(try await bench.store.revokePush(serial: serial))
        try await bench.wait { try bench.status(name) != nil }
        #expect(try await bench.attlog("1\t2026-11-23 08:00:00\t0\t1").status == 403)
        await terminal.stop()
        await bench.close()
    }

    @Test func `an approval needs a serial number and a name that nobody has`() async throws {
        let bench = try PushBench()
        let receiver = try bench.receiver
        await #expect(throws: PushApprovalError.serial("a b")) {
            try await receiver.approve(serial: "a b", name: "x")
        }
        await #expect(throws: PushApprovalError.name("x\n")) {
            try await receiver.approve(serial: "A1", name: "x\n")
        }
        await #expect(throws: PushApprovalError.nameTaken("")) {
            try await receiver.approve(serial: "A1", name: "door 0")
        }
        try await receiver.approve(serial: "A1", name: "side")
        await #expect(throws: PushApprovalError.nameTaken("A1")) {
            try await receiver.approve(serial: "A2", name: "side")
        }
        #expect(
            try await bench.attlog("1\t2026-11-23 08:00:00\t0\t1", serial: "A1").body == "OK: 1")
        // As a command, too.
        let commands = ReceivedPush(receiver: receiver)
        for (serial, name, code) in [
            ("a b", "x", RPCError.Code.invalidArgument), ("A3", "x\n", .invalidArgument),
            ("A3", "side", .alreadyExists),
        ] {
            let error = await #expect(throws: RPCError.self) {
                try await commands.approve(serial: serial, name: name)
            }
            #expect(error?.code == code)
        }
        await bench.close()
    }

    @Test func `terminals that make up serial numbers fill neither board nor disk`() async throws {
        let bench = try PushBench(serials: [])
        for number in 0..<200 {
            #expect(try await bench.request("/iclock/ping?SN=X\(number)").status == 403)
        }
        #expect(try bench.board.statuses.count == PushWaiting.max)
        #expect(try bench.board.statuses.allSatisfy { !$0.device.active })
        #expect(try await bench.store.entries(after: 0, limit: 10).isEmpty)
        await bench.close()
    }

    @Test func `a second terminal with the same serial number is refused and shown`() async throws {
        let bench = try PushBench()
        let ping = "/iclock/ping?SN=\(serial)"
        #expect(try await bench.request(ping, headers: ["MAC: 00:17:61:00:00:01"]).status == 200)
        let row = Array("1\t2026-11-23 08:00:00\t0\t1".utf8)
        let upload = "/iclock/cdata?SN=\(serial)&table=ATTLOG&Stamp=1"
        let second = try await bench.request(upload, row, headers: ["MAC: 00:17:61:00:00:02"])
        #expect(second.status == 409)
        #expect(try bench.status()?.cause.contains("same serial number") == true)
        #expect(try await bench.punches().isEmpty)
        let first = try await bench.request(upload, row, headers: ["MAC: 00:17:61:00:00:01"])
        #expect(first.body == "OK: 1")
        await bench.close()
    }

    @Test func `a push key must be right in the handshake, and counts from then on`() async throws {
        let bench = try PushBench { $0.commKey = Secret(Array("s3cret\n".utf8)) }
        #expect(try await bench.attlog("1\t2026-11-23 08:00:00\t0\t1").status == 401)
        let wrong = try PushTerminals(to: bench.address, records: 10) { $0.commKey = "other" }
        try await bench.wait { wrong.client.counters.failures >= 2 }
        #expect(try await bench.punches().isEmpty)
        await wrong.stop()
        let right = try PushTerminals(to: bench.address, records: 10) { $0.commKey = "s3cret" }
        try await bench.wait { right.client.isIdle }
        #expect(try await bench.punches().ordered == right.truth)
        await right.stop()
        await bench.close()
    }

    @Test func `users come once, without passwords, and templates are kept nowhere`() async throws {
        let bench = try PushBench()
        let terminal = try PushTerminals(to: bench.address, records: 20, users: 150)
        try await bench.wait { terminal.client.isIdle }
        #expect(
            try await bench.receiver.commands.enqueue(
                serial: serial, .queryUsers, timeout: .seconds(60)
            ).code == 150)
        let users = try await bench.store.pushUsers(of: serial)
        let truth = terminal.simulator.device.users
        #expect(users.map(\.pin) == truth.map(\.userID).sorted())
        #expect(Set(users.map(\.name)) == Set(truth.map(\.name)))
        #expect(users.count { $0.hasPassword } == 1)
        for table in ["BIODATA", "FINGERTMP", "ATTPHOTO", "ERRORLOG"] {
            let body = Array("\(table) PIN=1\tTmp=\(PushClient.template)\n".utf8)
            let answer = try await bench.request(
                "/iclock/cdata?SN=\(serial)&table=\(table)&Stamp=1", body)
            #expect(answer.body == (table == "ATTPHOTO" ? "OK" : "OK: 1"))
        }
        // In a line that makes no sense, too.
        let odd = try await bench.request(
            "/iclock/cdata?SN=\(serial)&table=OPERLOG&Stamp=1",
            Array("UNKNOWN \(PushClient.template)\nUSER Name=\(PushClient.template)\n".utf8))
        #expect(odd.body == "OK: 2")
        await terminal.stop()
        await bench.close()
        for end in ["", "-wal"] {
            guard let data = FileManager.default.contents(atPath: bench.fixture.path + end) else {
                continue
            }
            #expect(data.range(of: Data(PushClient.template.utf8)) == nil)
        }
    }

    // MARK: Access terminals

    @Test func `an access terminal registers and its passages are punches`() async throws {
        let bench = try PushBench()
        let terminal = try PushTerminals(to: bench.address, records: 260) {
            $0.dialect = .access
        }
        try await bench.wait { terminal.client.isIdle }
        #expect(try await bench.punches().ordered == terminal.accessTruth)
        // Nothing proves that these are all.
        let status = try #require(try bench.status())
        #expect(status.proof == .unproven && status.completeThrough == nil)
        #expect(status.device.firmware.hasPrefix("Ver 6.60"))
        #expect(try await bench.store.pushUsers(of: serial).count == 20)
        let live =
            "time=2026-11-23 11:49:32\tpin=1001\tcardno=0\teventaddr=1\tevent=0\tinoutstatus=1"
            + "\tverifytype=4\tindex=21\r\n"
            + "time=2026-11-23 11:49:33\tpin=0\tcardno=0\teventaddr=1\tevent=27\tinoutstatus=1"
        let answer = try await bench.request(
            "/iclock/cdata?SN=\(serial)&table=rtlog", Array(live.utf8))
        #expect(answer.body == "OK")
        #expect(try await bench.punches().last == ["1001", "2026-11-23T11:49:32", "1"])
        #expect(try await bench.punches().count == Set(terminal.accessTruth).count + 1)
        let time = try await bench.request("/iclock/rtdata?SN=\(serial)&type=time")
        #expect(time.body.hasPrefix("DateTime=") && time.body.hasSuffix(",ServerTZ=+0000"))
        let packed = try #require(UInt32(time.body.dropFirst(9).prefix { $0 != "," }))
        #expect("\(LocalTime(packed: packed))".hasPrefix("2025-"))
        #expect(
            try await bench.receiver.commands.enqueue(
                serial: serial, .unlock, timeout: .seconds(60)
            ).isDone)
        await terminal.stop()
        await bench.close()
    }

    @Test func `an access terminal that nobody approved is refused at its registration`()
        async throws
    {
        let bench = try PushBench(serials: [])
        let first = try await bench.request("/iclock/cdata?SN=ACC1&options=all&DeviceType=acc")
        #expect(first.status == 200 && first.body == "OK")
        let second = try await bench.request(
            "/iclock/registry?SN=ACC1", Array("DeviceType=acc,~DeviceName=F20".utf8))
        #expect(second.status == 406)
        #expect(try bench.status(PushWaiting.name("ACC1")) != nil)
        await bench.close()
    }

    // MARK: The simulator's side

    @Test func `a number that is wrong makes the terminal send the same again`() async throws {
        let answers = FakeServer(["OK: 3", "OK", "OK:4", "OK: 4"])
        let loop = EventLoop(name: "fake")
        let server = try answers.server(on: loop)
        let serving = Task { await server.run() }
        let terminal = try PushTerminals(to: server.localAddress, records: 4)
        while !terminal.client.isIdle { try await loop.sleep(for: .milliseconds(10)) }
        #expect(answers.uploads.count == 4 && Set(answers.uploads).count == 1)
        await terminal.stop()
        serving.cancel()
        await serving.value
        loop.shutdown()
    }
}
