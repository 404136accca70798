import Foundation
import MeshAPI
import TestSupport
import Testing
import Transport

@testable import LocationService
@testable import zk_simulator

@Suite(.ownThread, .timeLimit(.minutes(10))) struct PushReceiverTests {
    private func with(
        _ bench: PushBench, _ body: (PushBench) async throws -> Void
    ) async throws {
        do {
            try await body(bench)
        } catch {
            await bench.close()
            throw error
        }
        await bench.close()
    }

    /// Runs `body` beside a terminal.
    private func with(
        _ bench: PushBench, records: Int, serial: String = "CEXA000000001",
        _ change: (inout PushSetup) -> Void = { _ in },
        _ body: (PushTerminals) async throws -> Void
    ) async throws {
        let terminal = try PushTerminals(
            to: bench.address, records: records, serial: serial, change)
        do {
            try await body(terminal)
        } catch {
            await terminal.stop()
            throw error
        }
        await terminal.stop()
    }

    // MARK: By a stranger's program

    @Test func `curl shakes hands, uploads the reference's punches and hears their number`()
        async throws
    {
        try await with(try PushBench(serials: ["CEXA204160123"])) { bench in
            let base = "http://\(try bench.address)/iclock/cdata"
            let shaken = try await run(
                "/usr/bin/curl",
                [
                    "-s", "-i", "-A", "iClock Proxy/1.09",
                    base + "?SN=CEXA204160123&options=all&pushver=2.4.1&language=69"
                        + "&DeviceType=att&PushOptionsFlag=1",
                ])
            let lines = shaken.standardOutput.split(separator: "\r\n").map(String.init)
            #expect(lines.first == "HTTP/1.1 200 OK")
            let date = try #require(lines.first { $0.hasPrefix("Date: ") })
            #expect(date.hasSuffix(" GMT") && PushHTTP.seconds(String(date.dropFirst(6))) != nil)
            #expect(lines.contains("Content-Type: text/plain"))
            #expect(lines.contains { $0.hasPrefix("Content-Length: ") })
            let body = try #require(lines.last).split(separator: "\n").map(String.init)
            #expect(body.first == "GET OPTION FROM: CEXA204160123")
            for line in ["ATTLOGStamp=0", "Realtime=1", "Encrypt=None", "TimeZone=0"] {
                #expect(body.contains(line))
            }
            // Below the versions that encrypt.
            #expect(body.contains("PushProtVer=2.3.0"))
            let rows =
                "1001\t2026-11-23 08:01:22\t0\t1\t0\t0\t0\n"
                + "1002\t2026-11-23 08:01:40\t0\t15\t0\t0\t0"
            for _ in 0..<3 {
                let sent = try await run(
                    "/usr/bin/curl",
                    [
                        "-s", "-H", "Content-Type: text/plain", "--data-binary", "@-",
                        base + "?SN=CEXA204160123&table=ATTLOG&Stamp=9999",
                    ], input: rows)
                #expect(sent.standardOutput == "OK: 2")
            }
            #expect(
                try await bench.punches() == [
                    ["1001", "2026-11-23T08:01:22", "0"], ["1002", "2026-11-23T08:01:40", "0"],
                ])
        }
    }

    // MARK: Exactly once

    @Test func `a terminal's whole log arrives once, and is proved by its count`() async throws {
        try await with(try PushBench()) { bench in
            try await with(bench, records: 1234) { terminal in
                try await bench.wait { try bench.status()?.completeThrough != nil }
                #expect(try await bench.punches().ordered == terminal.truth)
                let status = try #require(try bench.status())
                #expect(status.state == .online && status.cause.isEmpty)
                #expect(status.recordsOnDevice == 1234 && status.punches == 1234)
                #expect(status.proof == .proved && status.clockSource == "date header")
                #expect(status.users == 20 && status.device.push)
                #expect(try await bench.watermarks().map(\.records) == [1234])
                // One that is made now comes too, and is proved.
                let user = try #require(terminal.simulator.userIDs.first)
                #expect(terminal.simulator.punch(user, state: 5, verify: 1) != nil)
                try await bench.wait { try bench.status()?.recordsOnDevice == 1235 }
                try await bench.wait { terminal.client.isIdle }
                #expect(try await bench.punches().ordered == terminal.truth)
                let sources = try await bench.store.entries(after: 0, limit: 2000).compactMap(
                    \.punch)
                #expect(sources.allSatisfy { $0.source == .push && $0.instant != nil })
            }
        }
    }

    @Test func `bodies that are cut and answers that are lost double and lose nothing`()
        async throws
    {
        try await with(try PushBench()) { bench in
            var cuts: [Int: PushHTTP.Cut] = [:]
            for number in 0..<24 { cuts[number] = number % 2 == 0 ? .body : .answer }
            try await with(
                bench, records: 700,
                { setup in
                    setup.batch = 50
                    setup.cuts = cuts
                }
            ) { terminal in
                try await bench.wait { terminal.client.isIdle }
                try await bench.wait { try bench.status()?.completeThrough != nil }
                #expect(try await bench.punches().ordered == terminal.truth)
                #expect(terminal.client.counters.failures >= 24)
            }
        }
    }

    @Test func `a location that is killed in between gets the rest from the next life`()
        async throws
    {
        try await with(try PushBench()) { bench in
            try await with(
                bench, records: 2000,
                { setup in
                    setup.batch = 40
                    setup.cuts = [3: .answer, 10: .answer, 20: .body]
                }
            ) { terminal in
                for count in [200, 700, 1300] {
                    try await bench.wait { try await bench.punches().count >= count }
                    await bench.kill()
                    try bench.start()
                }
                try await bench.wait { terminal.client.isIdle }
                try await bench.wait { try bench.status()?.completeThrough != nil }
                #expect(try await bench.punches().ordered == terminal.truth)
            }
        }
    }

    @Test func `overlapping bodies store each row once, and each is answered with its own number`()
        async throws
    {
        try await with(try PushBench()) { bench in
            func rows(_ range: Range<Int>) -> String {
                range.map { "\($0)\t2026-11-23 08:00:00\t0\t1\t0\t0\t0\r\n" }.joined()
            }
            #expect(try await bench.attlog(rows(0..<10), stamp: "1").body == "OK: 10")
            #expect(try await bench.attlog(rows(5..<20), stamp: "2").body == "OK: 15")
            #expect(try await bench.attlog(rows(0..<10), stamp: "3").body == "OK: 10")
            #expect(try await bench.attlog("").body == "OK: 0")
            #expect(try await bench.punches().count == 20)
            // The same minute in seconds since 1970 is the same punch.
            let seconds = try await bench.attlog("7\t1795420800\t0\t1", stamp: "3x")
            #expect(seconds.body == "OK: 1")
            #expect(try await bench.punches().count == 20)
            #expect(try await bench.store.pushStamps(of: "CEXA000000001") == ["ATTLOG": "2"])
            let shaken = try await bench.request(
                "/iclock/cdata?SN=CEXA000000001&options=all&pushver=2.2.14")
            #expect(shaken.body.contains("\nATTLOGStamp=2\n"))
        }
    }

    @Test func `a user who changes and changes back is as the terminal said last`() async throws {
        try await with(try PushBench()) { bench in
            for name in ["Amal", "Amal Said", "Amal"] {
                let answer = try await bench.request(
                    "/iclock/cdata?SN=CEXA000000001&table=OPERLOG&Stamp=1",
                    Array("USER PIN=7\tName=\(name)\n".utf8))
                #expect(answer.body == "OK: 1")
                let users = try await bench.store.pushUsers(of: "CEXA000000001")
                #expect(users.map(\.name) == [name])
            }
        }
    }

    @Test func `a body of more punches than a transaction holds is answered when all are stored`()
        async throws
    {
        try await with(try PushBench()) { bench in
            try await with(
                bench, records: 7000,
                { setup in
                    setup.batch = 5000
                    setup.cuts = [0: .answer, 1: .body]
                }
            ) { terminal in
                try await bench.wait { terminal.client.isIdle }
                #expect(try await bench.punches().ordered == terminal.truth)
            }
        }
    }

    @Test func `what a full disk does not take is not acknowledged, and comes when there is room`()
        async throws
    {
        try await with(try PushBench()) { bench in
            let before = try await bench.store.fill()
            let row = "1\t2026-11-23 08:00:00\t0\t1"
            let body = (0..<3000).map { "\($0)\t2026-11-23 08:00:00\t0\t1\n" }.joined()
            let refused = try await bench.attlog(body)
            #expect(refused.status == 503 && !refused.body.contains("OK"))
            let stored = try await bench.punches().count
            try await bench.store.makeRoom(before)
            #expect(stored < 3000)
            #expect(try await bench.attlog(body).body == "OK: 3000")
            #expect(try await bench.attlog(row).body == "OK: 1")
            #expect(try await bench.punches().count == 3000)
        }
    }

    @Test func `a clock is measured by a punch that was just made, and by no other`() async throws {
        try await with(try PushBench()) { bench in
            // The bench's clock shows 2025-01-04 14:13:20 at first, and goes on with each look.
            #expect(try await bench.attlog("1\t2025-01-04 12:00:00\t0\t1").body == "OK: 1")
            #expect(try bench.status()?.clockMeasuredAt == nil)
            _ = try await bench.request("/iclock/getrequest?SN=CEXA000000001")
            #expect(
                try await bench.attlog(
                    "1\t2025-01-04 15:13:20\t0\t1\n2\t2025-01-04 15:13:20\t0\t1"
                ).body == "OK: 2")
            #expect(try bench.status()?.clockMeasuredAt == nil)
            #expect(try await bench.attlog("3\t2025-01-04 15:13:20\t0\t1").body == "OK: 1")
            let offset = try #require(try bench.status()).clockOffsetMilliseconds
            #expect(try bench.status()?.clockMeasuredAt != nil)
            #expect(3_300_000...3_600_500 ~= offset)
        }
    }

    // MARK: Hostile bodies

    @Test func `bad lines are put aside and counted, and the good ones beside them are stored`()
        async throws
    {
        try await with(try PushBench()) { bench in
            let body =
                "1\t2026-11-23 08:00:00\t0\t1\n" + "2\t2026-13-45 99:00:00\t0\t1\n"
                + "3\u{0}\t2026-11-23 08:00:00\t0\t1\n" + String(repeating: "z", count: 1 << 20)
                + "\n" + "4\t2026-02-31 08:00:00\t0\t1\n"
            for _ in 0..<2 {
                let answer = try await bench.attlog(body)
                #expect(answer.status == 200 && answer.body == "OK: 5")
            }
            #expect(
                try await bench.punches() == [
                    ["1", "2026-11-23T08:00:00", "0"], ["4", "2026-02-31T08:00:00", "0"],
                ])
            let aside = try await bench.store.quarantine(of: "CEXA000000001", limit: 100)
            #expect(aside.count == 3)
            #expect(aside.allSatisfy { $0.line.count <= 256 && !$0.cause.isEmpty })
            // A day that does not exist is a punch without an instant.
            let punches = try await bench.store.entries(after: 0, limit: 10).compactMap(\.punch)
            #expect(punches.map { $0.instant == nil } == [false, true])
        }
    }

    @Test func `users and lines put aside are kept up to their limits`() async throws {
        try await with(try PushBench()) { bench in
            func user(_ number: Int, _ name: String = "") -> PushUser {
                PushUser(
                    pin: "\(number)", name: name, privilege: 0, card: 0, group: "",
                    hasPassword: false)
            }
            func line(_ number: Int) -> QuarantinedLine {
                QuarantinedLine(line: Array("\(number)".utf8), cause: "odd")
            }
            let (usersMax, linesMax) = (LocationStore.pushUsersMax, LocationStore.quarantineMax)
            _ = try await bench.store.takePush(
                [], users: (0...usersMax).map { user($0) },
                quarantined: (0...linesMax).map { line($0) }, from: "A", table: "T", whole: nil)
            // One that is known still changes.
            _ = try await bench.store.takePush(
                [], users: [user(-1), user(7, "Amal")], quarantined: [line(-1)], from: "A",
                table: "T", whole: nil)
            let users = try await bench.store.pushUsers(of: "A")
            #expect(users.count == usersMax && users.first { $0.pin == "7" }?.name == "Amal")
            #expect(!users.contains { $0.pin == "-1" })
            let lines = try await bench.store.quarantine(of: "A", limit: 2 * linesMax)
            #expect(lines.count == linesMax && lines.last == line(linesMax - 1))
        }
    }

    @Test func `a body over the limit is refused by its length alone, or as it grows`() async throws
    {
        try await with(try PushBench { $0.bodyMax = 70_000 }) { bench in
            let target = "/iclock/cdata?SN=CEXA000000001&table=ATTLOG&Stamp=1"
            let declared = try await bench.exchange(
                Array(
                    "POST \(target) HTTP/1.1\r\nHost: l\r\nContent-Length: 70001\r\n\r\n".utf8))
            #expect(declared.hasPrefix("HTTP/1.1 413"))
            let chunk = "8000\r\n" + String(repeating: "a", count: 0x8000) + "\r\n"
            let grown = try await bench.exchange(
                Array(
                    ("POST \(target) HTTP/1.1\r\nHost: l\r\nTransfer-Encoding: chunked\r\n\r\n"
                        + chunk + chunk + chunk).utf8))
            #expect(grown.hasPrefix("HTTP/1.1 413"))
            let whole = try await bench.attlog(String(repeating: "x", count: 70_000))
            #expect(whole.body == "OK: 1")
            #expect(try await bench.punches().isEmpty)
        }
    }

    @Test func `bodies together cannot take more memory than is allowed`() async throws {
        try await with(
            try PushBench { settings in
                settings.bodyMax = 100_000
                settings.memoryMax = 150_000
            }
        ) { bench in
            let head = Array(
                ("POST /iclock/cdata?SN=CEXA000000001&table=ATTLOG&Stamp=1 HTTP/1.1\r\n"
                    + "Host: l\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n").utf8)
            let slow = try await bench.connect()
            try await slow.write(head + [UInt8](repeating: 0x61, count: 99_999))
            // Once those bytes are in, a second one has no room.
            try await bench.wait {
                try await bench.exchange(head + [UInt8](repeating: 0x62, count: 100_000))
                    .hasPrefix("HTTP/1.1 503")
            }
            try await slow.write([10])
            var answer: [UInt8] = []
            while true {
                let piece = try await slow.read(timeout: .seconds(60))
                if piece.isEmpty { break }
                answer += piece
            }
            #expect(String(decoding: answer, as: UTF8.self).hasSuffix("OK: 1"))
            #expect(
                try await bench.exchange(head + [UInt8](repeating: 0x62, count: 100_000))
                    .hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test func `pipelined requests are answered in their order on one connection`() async throws {
        try await with(try PushBench()) { bench in
            func post(_ user: Int, _ more: String = "") -> String {
                let row = "\(user)\t2026-11-23 08:00:00\t0\t1\n\(user)\t2026-11-23 09:00:00\t1\t1"
                return "POST /iclock/cdata.aspx?sn=CEXA000000001&TABLE=attlog&stamp=1 HTTP/1.1\r\n"
                    + "Host: l\r\n\(more)Content-Length: \(row.utf8.count)\r\n\r\n\(row)"
            }
            let answer = try await bench.exchange(
                Array(
                    (post(1) + post(2)
                        + "GET /iclock/ping?SN=CEXA000000001 HTTP/1.1\r\nHost: l\r\n\r\n"
                        + post(3, "Connection: close\r\n")).utf8))
            let bodies = answer.split(separator: "HTTP/1.1 200 OK").compactMap {
                $0.components(separatedBy: "\r\n\r\n").last
            }
            #expect(bodies == ["OK: 2", "OK: 2", "OK", "OK: 2"])
            #expect(try await bench.punches().map { $0[0] } == ["1", "1", "2", "2", "3", "3"])
        }
    }

    @Test(arguments: [
        ("GET", "/iclock/cdata?options=all", 400), ("GET", "/iclock/cdata?SN=a%20b", 400),
        ("GET", "/iclock/shell?SN=CEXA000000001", 404), ("GET", "/cdata?SN=CEXA000000001", 404),
        ("PUT", "/iclock/cdata?SN=CEXA000000001", 405),
        ("POST", "/iclock/exchange?SN=CEXA000000001&type=publickey", 404),
        ("GET", "/iclock/file?SN=CEXA000000001&url=x", 404),
        ("GET", "/iclock/ping?SN=CEXA000000001", 200),
    ])
    func `what is no terminal's request is refused`(
        _ method: String, _ target: String, _ status: Int
    ) async throws {
        try await with(try PushBench()) { bench in
            let answer = try await bench.exchange(
                Array("\(method) \(target) HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n".utf8))
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
        }
    }

    @Test func `a terminal that asks too often is told to wait`() async throws {
        try await with(try PushBench { $0.requestsPerMinute = 6 }) { bench in
            var statuses: [Int] = []
            for _ in 0..<8 {
                statuses.append(
                    try await bench.request("/iclock/ping?SN=CEXA000000001").status)
            }
            #expect(statuses.prefix(5) == [200, 200, 200, 200, 200] && statuses.contains(429))
        }
    }
}
