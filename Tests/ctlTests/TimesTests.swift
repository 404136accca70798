import RPCRuntime
import ServiceKit
import Testing

@testable import ctl

@Suite struct TimesTests {
    private let times = Times(
        isUTC: false,
        zones: ["cairo": "Africa/Cairo", "kathmandu": "Asia/Kathmandu", "lima": "America/Lima"])

    @Test func `an instant is shown with the offset that holds at it`() throws {
        let winter = try instant("2026-03-01T06:00:03.25Z")
        let summer = try instant("2026-07-01T22:30:00Z")
        #expect(times.text(winter, at: "cairo") == "2026-03-01 08:00:03 +02:00")
        #expect(times.text(summer, at: "cairo") == "2026-07-02 01:30:00 +03:00")
        #expect(times.value(winter, at: "kathmandu") == "2026-03-01T11:45:03.250+05:45")
        #expect(times.value(winter, at: "lima") == "2026-03-01T01:00:03.250-05:00")
        #expect(times.text(winter, at: "nowhere") == "2026-03-01 06:00:03Z")
        #expect(
            Times(isUTC: true, zones: ["cairo": "Africa/Cairo"]).text(winter, at: "cairo")
                == "2026-03-01 06:00:03Z")
        #expect(times.text(nil, at: "cairo") == "-")
        #expect(times.value(nil, at: "cairo") == "")
    }

    @Test(arguments: [
        ("2026-03-01T08:00:00+02:00", "2026-03-01T06:00:00Z"),
        ("2026-03-01", "2026-02-28T22:00:00Z"), ("2026-07-01", "2026-06-30T21:00:00Z"),
        ("2026-03-01T08:30", "2026-03-01T06:30:00Z"),
        ("2026-03-01T08:30:15", "2026-03-01T06:30:15Z"),
        ("today", "2026-02-28T22:00:00Z"), ("yesterday", "2026-02-27T22:00:00Z"),
        ("2h", "2026-03-01T16:00:00Z"), ("7d", "2026-02-22T18:00:00Z"),
        ("90m", "2026-03-01T16:30:00Z"),
    ])
    func `a bound is an instant, a wall time in the zone of the locations, or an age`(
        text: String, expected: String
    ) throws {
        let found = try times.instant(text, "--from", locations: ["cairo"], now: noon)
        #expect(found.description == expected)
    }

    @Test(arguments: [
        "", "tomorow", "2026-13-01", "2026-02-30", "2026-03-01T25:00", "-2h", "h", "12",
    ])
    func `a bound that is no time is refused by name`(text: String) throws {
        let failure = try #require(throws: Failure.self) {
            try times.instant(text, "--from", locations: ["cairo"], now: noon)
        }
        #expect(failure.exitCode == .usage)
        #expect(failure.message.hasPrefix("--from is `\(text)`; wanted is"))
    }

    @Test func `a wall time needs one zone`() throws {
        let failure = try #require(throws: Failure.self) {
            try times.instant("today", "--to", locations: [], now: noon)
        }
        #expect(failure.message.contains("do not have one zone"))
        #expect(failure.hint?.contains("--utc") == true)
        let inUTC = try Times(isUTC: true).instant("today", "--to", locations: [], now: noon)
        #expect(inUTC.description == "2026-03-01T00:00:00Z")
        let only = Times(isUTC: false, zones: ["cairo": "Africa/Cairo"])
        #expect(
            try only.instant("2026-03-01", "--to", locations: [], now: noon).description
                == "2026-02-28T22:00:00Z")
    }

    @Test func `ages are short`() {
        #expect(Times.age(.seconds(42)) == "42s")
        #expect(Times.age(.seconds(-5)) == "0s")
        #expect(Times.age(.seconds(720)) == "12m")
        #expect(Times.age(.seconds(18_420)) == "5h07m")
        #expect(Times.age(.seconds(273_600)) == "3d04h")
    }

    @Test func `durations have a unit or are seconds`() {
        #expect(Times.duration("5") == .seconds(5))
        #expect(Times.duration("500ms") == .milliseconds(500))
        #expect(Times.duration("2m") == .seconds(120))
        #expect(Times.duration("1h") == .seconds(3600))
        for wrong in ["", "s", "5 s", "5x", "-5s", "٥s", "99999999999999999999s"] {
            #expect(Times.duration(wrong) == nil)
        }
    }
}
