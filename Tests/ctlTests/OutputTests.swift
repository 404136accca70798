import MeshAPI
import RPCRuntime
import ServiceKit
import Synchronization
import TestSupport
import Testing
import Transport

@testable import ctl

/// Whole screens, from a gateway over TLS.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct OutputTests {
    private func gateway(complete: Bool = true) async throws -> ScriptedGateway {
        try await ScriptedGateway(ScriptedFleet(try Sample.script(complete: complete)))
    }

    @Test func `locations are shown with their times in their own zones`() async throws {
        let run = try await gateway().run(["location", "list"])
        #expect(
            run.output == """
                LOCATION  STATE   ZONE          DEVICES  PUNCHES  BEHIND  COMPLETE THROUGH            ADDRESS         CAUSE
                cairo     linked  Africa/Cairo        2      200       0  2026-03-01 19:59:30 +02:00  10.1.0.4:51234
                riyadh    linked  Asia/Riyadh         1       88       0  2026-03-01 15:55:00 +03:00  10.2.0.4:40000

                """)
        #expect(run.errors == "")
        #expect(run.exitCode == .ok)
    }

    @Test func `an incomplete answer is shown, names the stale location and exits with 6`()
        async throws
    {
        let run = try await gateway(complete: false).run(["location", "list", "--no-headers"])
        #expect(
            run.output == """
                cairo     linked       Africa/Cairo        2      200       0  2026-03-01 19:59:30 +02:00  10.1.0.4:51234
                riyadh    unreachable  Asia/Riyadh         1       88       7  2026-03-01 15:55:00 +03:00  -               the link ended: connection reset

                """)
        #expect(
            run.errors == """
                warning: riyadh is unreachable: complete through 2026-03-01 15:55:00 +03:00 (5h05m ago)
                warning: the answer is incomplete: 1 of 2 locations lack data

                """)
        #expect(run.exitCode == .incomplete)
        let quiet = try await gateway(complete: false).run(["location", "list", "-q"])
        #expect(quiet.errors == "")
        #expect(quiet.exitCode == .incomplete)
    }

    @Test func `what is wrong at a location stands behind it`() async throws {
        let gateway = try await gateway()
        gateway.fleet.script.withLock {
            $0.locations.data[0].alarms = ["the store takes no entries", "4 MiB are left"]
        }
        let run = try await gateway.run(["location", "list", "--no-headers"])
        #expect(
            run.output.contains(
                "10.1.0.4:51234  the store takes no entries; 4 MiB are left\n"))
    }

    @Test func `devices are shown with their state, memory and clock`() async throws {
        let run = try await gateway().run(["device", "list", "--utc"])
        #expect(
            run.output == """
                LOCATION  DEVICE  NAME       STATE      RECORDS  PROOF   COMPLETE THROUGH      CONTACT  CLOCK     MEMORY  NEXT ATTEMPT  CAUSE
                cairo     CK0001  باب رئيسي  online  150 of 150  proved  2026-03-01 17:59:30Z   0s ago  -2.3s  0%, 8320d             -

                """)
        #expect(run.exitCode == .ok)
        let wide = try await gateway().run(["device", "list", "--utc", "-o", "wide"])
        #expect(
            wide.output.contains(
                "  150/100000     12     40  10.1.0.20:4370  tcp         itself        ZEM560"))
        #expect(
            wide.output.contains(
                "shortRead: fewer rows than announced (6004 bytes announced; 149 rows; "
                    + "150 counted before; 150 counted after; 2 times)"))
    }

    @Test func `a device that fails shows what is missing, and when it is tried again`()
        async throws
    {
        let gateway = try await gateway()
        gateway.fleet.script.withLock { script in
            script.devices.data[0].state = .failing
            script.devices.data[0].cause = "connect: timed out"
            script.devices.data[0].proof = .short
            script.devices.data[0].recordsOnDevice = 180
            script.devices.data[0].memory = nil
            script.devices.data[0].nextAttempt = noon.advanced(by: .seconds(25))
        }
        let run = try await gateway.run(["device", "list", "--no-headers"])
        #expect(run.output.contains("failing  150 of 180  short"))
        #expect(run.output.hasSuffix("  -        in 25s  connect: timed out\n"))
    }

    @Test func `punches are shown as a table, in the zone of each`() async throws {
        let run = try await gateway().run(["punch", "list"])
        #expect(
            run.output == """
                TIME                        LOCATION  DEVICE    USER  STATE      SOURCE
                2026-03-01 08:00:03 +02:00  cairo     cairo-1   12    check in   poll
                2026-03-01 17:31:00 +03:00  riyadh    riyadh-1  7,5   check out  poll

                """)
        #expect(run.errors == "")
    }

    @Test func `punches are written as comma-separated values`() async throws {
        let run = try await gateway().run(["punch", "list", "-o", "csv"])
        #expect(
            run.output == """
                sequence,location,device,user,resolved_user,local_time,instant,state,state_name,verify,work_code,source,received_at
                1,cairo,cairo-1,12,,2026-03-01T08:00:03,2026-03-01T08:00:03+02:00,0,check_in,1,0,poll,2026-03-01T16:31:05+02:00
                2,riyadh,riyadh-1,#7,"7,5",2026-03-01T17:31:00,2026-03-01T17:31:00+03:00,1,check_out,1,0,poll,2026-03-01T17:31:05+03:00

                """)
        let bare = try await gateway().run(["punch", "list", "-o", "csv", "--no-headers", "--utc"])
        #expect(
            bare.output.hasPrefix("1,cairo,cairo-1,12,,2026-03-01T08:00:03,2026-03-01T06:00:03Z,"))
    }

    @Test func `JSON is the document of the HTTP edge`() async throws {
        let run = try await gateway(complete: false).run(["punch", "list", "-o", "json"])
        #expect(
            run.output == """
                {"data":[{"sequence":"1","location":"cairo","device":"cairo-1","user":"12",\
                "resolved_user":"","local_time":"2026-03-01T08:00:03",\
                "instant":"2026-03-01T06:00:03Z","state":0,"state_name":"check_in","verify":1,\
                "work_code":0,"source":"PUNCH_SOURCE_POLL","received_at":"2026-03-01T14:31:05Z"},\
                {"sequence":"2","location":"riyadh","device":"riyadh-1","user":"#7",\
                "resolved_user":"7,5","local_time":"2026-03-01T17:31:00",\
                "instant":"2026-03-01T14:31:00Z","state":1,"state_name":"check_out","verify":1,\
                "work_code":0,"source":"PUNCH_SOURCE_POLL","received_at":"2026-03-01T14:31:05Z"}],\
                "next_cursor":"0","has_more":false,"complete":false,"as_of":"2026-03-01T18:00:00Z",\
                "sources":[{"location":"cairo","state":"LINK_STATE_LINKED",\
                "complete_through":"2026-03-01T17:59:30Z","last_sequence":"210"},\
                {"location":"riyadh","state":"LINK_STATE_UNREACHABLE",\
                "complete_through":"2026-03-01T12:55:00Z","last_sequence":"90"}]}

                """)
        #expect(run.exitCode == .incomplete)
    }

    @Test(arguments: [["location", "list"], ["device", "list"]])
    func `every list has JSON with the same envelope and CSV with its members`(
        command: [String]
    ) async throws {
        let gateway = try await gateway()
        let json = try await gateway.run(command + ["-o", "json"])
        #expect(json.output.hasPrefix(#"{"data":[{""#))
        #expect(json.output.contains(#"],"complete":true,"as_of":"#))
        #expect(json.output.hasSuffix(#","next_cursor":null}"# + "\n"))
        let csv = try await gateway.run(command + ["-o", "csv"])
        let lines = csv.output.split(separator: "\n")
        let members = try #require(lines.first).split(separator: ",")
        for member in members { #expect(json.output.contains("\"\(member)\":")) }
        for line in lines {
            #expect(
                line.split(separator: ",", omittingEmptySubsequences: false).count == members.count)
        }
    }

    @Test func `colour and cut texts are for terminals only`() async throws {
        let gateway = try await gateway(complete: false)
        gateway.fleet.script.withLock {
            $0.locations.data[1].cause = String(repeating: "a", count: 70)
        }
        let terminal = try await gateway.run(["location", "list"], isTerminal: true)
        #expect(terminal.output.contains("\u{1B}[31munreachable\u{1B}[0m"))
        #expect(terminal.output.contains(String(repeating: "a", count: 59) + "…"))
        let pipe = try await gateway.run(["location", "list"])
        #expect(!pipe.output.contains("\u{1B}"))
        #expect(pipe.output.contains(String(repeating: "a", count: 70)))
        let plain = try await gateway.run(
            ["location", "list"], isTerminal: true, environment: ["NO_COLOR": "1"])
        #expect(!plain.output.contains("\u{1B}"))
        let forced = try await gateway.run(["location", "list", "--color", "always"])
        #expect(forced.output.contains("\u{1B}[31m"))
    }

    @Test func `what a terminal would obey is not let through`() async throws {
        let gateway = try await gateway()
        gateway.fleet.script.withLock { script in
            script.devices.data[0].name = "a\u{1B}[2Jb\nc\u{202E}d"
        }
        let run = try await gateway.run(["device", "list"], isTerminal: true)
        #expect(run.output.contains("a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}d"))
        #expect(run.output.split(separator: "\n").count == 2)
    }

    @Test func `an empty list says so beside the data`() async throws {
        let gateway = try await ScriptedGateway(
            ScriptedFleet(
                ScriptedFleet.Script(pages: [PunchPage(nextCursor: "0", complete: true)])))
        let table = try await gateway.run(["punch", "list"])
        #expect(table.output == "")
        #expect(table.errors == "no punches\n")
        #expect(table.exitCode == .ok)
        let csv = try await gateway.run(["punch", "list", "-o", "csv"])
        #expect(csv.output.hasPrefix("sequence,"))
        #expect(csv.output.split(separator: "\n").count == 1)
    }

    @Test func `a punch whose time does not exist shows what the device said`() async throws {
        let gateway = try await gateway()
        let punch = try Sample.punch(3, "cairo", "1", "2026-04-24T00:30:00", 255, nil)
        gateway.fleet.script.withLock { $0.pages[0].data = [punch] }
        let run = try await gateway.run(["punch", "list", "--no-headers"])
        #expect(run.output == "2026-04-24T00:30:00 ?  cairo     cairo-1  1     unknown  poll\n")
    }
}

@Suite struct WidthTests {
    @Test func `width counts what a terminal shows`() {
        #expect(displayWidth("cairo") == 5)
        #expect(displayWidth("王小明") == 6)
        #expect(displayWidth("e\u{301}a") == 2)
        #expect(displayWidth("مُحَمَّد") == 4)
        #expect(displayWidth("👩‍👩‍👧") == 2)
        #expect(displayWidth("") == 0)
    }

    @Test func `a text is cut at its width and never inside of a character`() {
        #expect(truncated("cairo", to: 5) == "cairo")
        #expect(truncated("cairo", to: 4) == "cai…")
        #expect(truncated("王小明", to: 5) == "王小…")
        #expect(truncated("王小明", to: 4) == "王…")
        #expect(truncated("e\u{301}e\u{301}e\u{301}", to: 2) == "e\u{301}…")
    }

    @Test func `columns stand below one another whatever the script`() {
        var table = Table(
            [Column("NAME"), Column("N", isNumber: true)], isColoured: false, cuts: false)
        #expect(
            table.lines([["王小明", "1"], ["ab", "10"]], titles: true)
                == "NAME     N\n王小明   1\nab      10\n")
        // A later page with longer texts makes the column grow.
        #expect(
            table.lines([["abcdefgh", "2"], ["a", "3"]], titles: false)
                == "abcdefgh   2\na          3\n")
    }

    @Test func `values with structure in them are quoted`() {
        #expect(
            csvLine(["a", "b,c", "d\"e", "f\ng", " h", ""])
                == "a,\"b,c\",\"d\"\"e\",\"f\ng\",\" h\",\n")
    }
}
