import Testing

@testable import LocationService

private func bytes(_ text: String) -> ArraySlice<UInt8> { Array(text.utf8)[...] }

@Suite struct PushParserTests {
    @Test func `lines end in LF or CRLF, and empty ones are none`() {
        let lines = PushLines(Array("a\r\n\n\r\nb\nc".utf8)).map {
            String(decoding: $0, as: UTF8.self)
        }
        #expect(lines == ["a", "b", "c"])
        #expect(PushLines([]).map { $0 }.isEmpty)
    }

    @Test func `a punch has a user, a time, a state, and what may be missing`() throws {
        let whole = try AttendanceLine(bytes("1001\t2026-11-23 08:01:22\t0\t15\t7\t0\t0"))
        #expect(whole.pin == "1001" && whole.time == .wall("2026-11-23T08:01:22"))
        #expect(whole.state == 0 && whole.verify == 15 && whole.workCode == 7)
        let short = try AttendanceLine(bytes("007\t2026-02-31 23:59:59"))
        #expect(short.pin == "007" && short.state == 255 && short.verify == 0)
        #expect(short.time == .wall("2026-02-31T23:59:59"))
        let long = try AttendanceLine(
            bytes("5\t2026-11-23 08:01:22\t1\t1\t\t0\t0\t255\t36.5\t0\t7200\teyJhIjoxfQ=="))
        #expect(long.state == 1 && long.workCode == 0)
        #expect(try AttendanceLine(bytes("5\t1764000000\t1")).time == .instant(1_764_000_000))
    }

    @Test(arguments: [
        "", "1001", "\t2026-11-23 08:01:22", "1\t2026-13-23 08:01:22", "1\t2026-11-23 24:00:00",
        "1\t2026-11-32 08:01:22", "1\tyesterday", "1\t2026-11-23 08:01:22\tin",
        "1\t2026-11-23 08:01:22\t256", "1\t2026-11-23 08:01:22\t-1", "1\u{0}\t2026-11-23 08:01:22",
        "1\t2026-11-23 08:01:22\t0\t99999", "1\t1764000000000",
    ])
    func `a line that makes no sense says why`(_ line: String) throws {
        let error = #expect(throws: PushLineError.self) { _ = try AttendanceLine(bytes(line)) }
        #expect(error?.description.isEmpty == false)
    }

    @Test func `a line that is too long, or has too many fields, says why`() throws {
        for line in [
            String(repeating: "9", count: 65) + "\t2026-11-23 08:01:22",
            String(repeating: "x", count: 5000), "1" + String(repeating: "\t", count: 100),
        ] {
            #expect(throws: PushLineError.self) { _ = try AttendanceLine(bytes(line)) }
        }
    }

    @Test func `operations are users, operations and what is never kept`() throws {
        let user = try OperationLine(
            bytes("USER pin=7\tNAME=Zoë\tPri=14\tPasswd=1\tCard=[15CD5B07]\tGrp=2\tTZ=1"))
        #expect(
            user
                == .user(
                    PushUser(
                        pin: "7", name: "Zoë", privilege: 14, card: 123_456_789, group: "2",
                        hasPassword: true)))
        #expect(
            try OperationLine(bytes("OPLOG 23\t0\t2026-11-23 08:01:22")) == .operation(code: 23))
        #expect(try OperationLine(bytes("FP PIN=1\tFID=6\tTMP=AAAA")) == .biometric("fp"))
        #expect(try OperationLine(bytes("biodata Pin=1\tTmp=AAAA")) == .biometric("biodata"))
        #expect(try OperationLine(bytes("NEWS x")) == .other("NEWS"))
        #expect(throws: PushLineError.self) { _ = try OperationLine(bytes("USER Name=x")) }
        #expect(throws: PushLineError.self) { _ = try OperationLine(bytes("OPLOG x")) }
    }

    @Test func `results begin at each ID, whatever separates their parts`() {
        let body = """
            ID=1&Return=0&CMD=DATA\nID=2&Return=-1004&CMD=DATA&ID=3&Return=0&CMD=INFO
            ~DeviceName=K40\r\nTransactionCount=12
            ID=4
            Return=2
            CMD=Shell
            """
        let found = CommandOutcome.all(in: Array(body.utf8))
        #expect(found.map(\.id) == ["1", "2", "3", "4"])
        #expect(found.map(\.code) == [0, -1004, 0, 2])
        #expect(found.map(\.command) == ["DATA", "DATA", "INFO", "Shell"])
        #expect(found[2].detail("transactioncount") == "12")
        let flood = String(repeating: "ID=1&Return=0\n", count: 5000)
        #expect(CommandOutcome.all(in: Array(flood.utf8)).count == CommandOutcome.outcomesMax)
    }

    @Test func `a poll tells counts`() {
        let info = TerminalInfo("Ver 6.60,2,3,44,192.168.1.201,10,7,12,0,111")
        #expect(info?.firmware == "Ver 6.60" && info?.users == 2 && info?.punches == 44)
        #expect(TerminalInfo("Ver 6.60")?.punches == nil)
        #expect(TerminalInfo("Ver 6.60,2,3,-1")?.punches == nil)
        #expect(TerminalInfo("") == nil)
    }

    @Test func `access rows are punches where somebody passed`() throws {
        let refused = try AccessRow(
            bytes(
                "time=2026-11-23 11:49:32\tpin=0\tcardno=0\teventaddr=1\tevent=27\tinoutstatus=1"))
        #expect(!refused.isPunch && refused.state == 1)
        let passed = try AccessRow(
            bytes(
                "transaction cardno=1\tpin=7\tverified=4\teventtype=0\tinoutstate=0\ttime_second=0")
        )
        #expect(passed.isPunch && passed.pin == "7" && passed.verify == 4)
        #expect(passed.time == .wall("2000-01-01T00:00:00"))
        #expect(throws: PushLineError.self) { _ = try AccessRow(bytes("pin=7\tevent=0")) }
    }

    @Test func `no text of a command becomes another command`() throws {
        for text in ["a\tPri=14", "a\nC:1:REBOOT", "a\rb", "a\u{0}", "a\u{85}", "a\u{2028}b"] {
            #expect(throws: PushCommandError.self) {
                _ = try PushCommand.updateUser(
                    pin: "1", name: text, privilege: 0, card: 0, group: "1"
                ).encoded(.attendance)
            }
            #expect(throws: PushCommandError.self) {
                _ = try PushCommand.deleteUser(pin: text).encoded(.attendance)
            }
            #expect(throws: PushCommandError.self) {
                _ = try PushCommand.setOption(name: "A", value: text).encoded(.access)
            }
            #expect(throws: PushCommandError.self) {
                _ = try PushCommand.queryLog(from: text, to: text).encoded(.attendance)
            }
        }
        #expect(throws: PushCommandError.self) {
            _ = try PushCommand.setOption(name: "A", value: String(repeating: "x", count: 257))
                .encoded(.attendance)
        }
        #expect(
            try PushCommand.updateUser(
                pin: "7", name: "Zoë", privilege: 0, card: 12, group: "1"
            ).encoded(.attendance) == "DATA UPDATE USERINFO PIN=7\tName=Zoë\tPri=0\tCard=12\tGrp=1")
        #expect(try PushCommand.reboot.encoded(.access) == "CONTROL DEVICE 03000000")
    }

    @Test func `counts are held against the log`() {
        var proof = PushProof()
        #expect(proof.take(count: 10, stored: 8) == .missing(2))
        #expect(proof.take(count: 10, stored: 10) == .proved)
        #expect(proof.take(count: 10, stored: 11) == .behind(1))
        #expect(proof.take(count: 3, stored: 11) == .cleared(from: 10, to: 3))
        #expect(proof.take(count: 4, stored: 12) == .unknown)
        proof.wasRead(rows: 4, stored: 12)
        #expect(proof.take(count: 5, stored: 13) == .proved)
        #expect(proof.take(count: 0, stored: 13) == .cleared(from: 5, to: 0))
        #expect(proof.take(count: 1, stored: 13) == .missing(1))
        #expect(proof.take(count: 1, stored: 14) == .proved)
        // A terminal that was read in another way before.
        var other = PushProof()
        #expect(other.take(count: 3, stored: 100) == .unknown)
    }
}
