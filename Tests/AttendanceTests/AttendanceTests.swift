import Foundation
import Testing

@testable import Attendance

private func zone(_ name: String) throws -> ZoneRules { try #require(ZoneRules(name)) }

/// Seconds since 1970 of a UTC text.
private func utc(_ text: String) throws -> Int64 { try #require(WallTime(text)).seconds }

@Suite struct WallTimeTests {
    @Test func `a wall time counts as Foundation counts UTC`() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        for _ in 0..<3000 {
            let seconds = Int64.random(in: -30_000_000_000...200_000_000_000)
            let date = Date(timeIntervalSince1970: TimeInterval(seconds))
            let parts = calendar.dateComponents(
                [.year, .month, .day, .hour, .minute, .second], from: date)
            guard let year = parts.year, year > 1600 else { continue }
            let text = String(
                format: "%04d-%02d-%02dT%02d:%02d:%02d", year, parts.month ?? 0, parts.day ?? 0,
                parts.hour ?? 0, parts.minute ?? 0, parts.second ?? 0)
            #expect(WallTime(text)?.seconds == seconds, "\(text)")
        }
    }

    @Test(arguments: [
        "", "2025-02-29T00:00:00", "2025-02-31T10:00:00", "2025-00-10T00:00:00",
        "2025-04-31T00:00:00", "2025-01-01T24:00:00", "2025-01-01T00:60:00",
        "2025-01-01T00:00:60", "2025-01-01 00:00:00", "2025-01-01T00:00:00Z", "2025-01-01T00:00:0",
        "２０25-01-01T00:00:00", "+025-01-01T00:00:00", "2025-01-01T00:00:0\0",
    ])
    func `what is no wall time is refused`(text: String) {
        #expect(WallTime(text) == nil)
    }
}

@Suite struct ClockModeTests {
    @Test(arguments: [
        ("zone", ClockMode.zone), ("+03:30", .fixed(seconds: 12_600)),
        ("-05:00", .fixed(seconds: -18_000)), ("+00:00", .fixed(seconds: 0)),
    ])
    func `a mode reads and writes as the same text`(text: String, mode: ClockMode) {
        #expect(ClockMode(text) == mode)
        #expect(mode.description == text)
    }

    @Test(arguments: [
        "", "Zone", "+3:00", "03:00", "+03:60", "+19:00", "+03:00 ", "+0300", "−03:00",
    ])
    func `another text is refused`(text: String) { #expect(ClockMode(text) == nil) }
}

@Suite struct ZoneRulesTests {
    @Test(arguments: ["", "Mars/Olympus", "EST", "+03:00", "GMT+3", "../../etc/passwd"])
    func `what is no zone is refused`(name: String) { #expect(ZoneRules(name) == nil) }

    @Test(arguments: [
        "Africa/Cairo", "Asia/Riyadh", "Asia/Tehran", "Europe/Berlin", "Europe/Moscow",
        "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu",
        "Pacific/Apia", "UTC", "America/Sao_Paulo",
    ])
    func `every instant is among the readings of its own wall time`(name: String) throws {
        let rules = try zone(name)
        let foundation = try #require(TimeZone(identifier: name))
        for _ in 0..<3000 {
            let instant = Int64.random(in: 946_684_800...2_500_000_000)
            let date = Date(timeIntervalSince1970: TimeInterval(instant))
            let wall = WallTime(seconds: instant + Int64(foundation.secondsFromGMT(for: date)))
            switch rules.reading(of: wall) {
            case .once(let found): #expect(found == instant)
            case .twice(let first, let second):
                #expect(first == instant || second == instant)
                #expect(first < second)
            case .never: Issue.record("\(name): \(instant) has no reading")
            }
        }
    }

    @Test func `a year that no calendar has is answered too`() throws {
        let rules = try zone("Europe/Berlin")
        for seconds in [Int64(-62_167_219_200), 253_402_300_799, 5_200_000_000] {
            guard case .once = rules.reading(of: WallTime(seconds: seconds)) else {
                Issue.record("\(seconds)")
                continue
            }
        }
    }
}

/// A resolver by reference, so that an expectation may call it.
private final class DeviceLog {
    private var resolver: InstantResolver
    init(_ zone: ZoneRules, _ mode: ClockMode = .zone) {
        resolver = InstantResolver(zone: zone, mode: mode)
    }
    func resolve(_ local: String) -> InstantResolver.Resolved? { resolver.resolve(local) }
}

@Suite struct InstantResolverTests {
    @Test func `a time in the gap takes the offset before the change`() throws {
        let resolver = DeviceLog(try zone("Europe/Berlin"))
        let resolved = try #require(resolver.resolve("2025-03-30T02:30:00"))
        #expect(resolved.isInGap)
        #expect(resolved.instant == (try utc("2025-03-30T01:30:00")))
    }

    @Test func `the order of the log tells the hour that comes twice apart`() throws {
        let resolver = DeviceLog(try zone("Europe/Berlin"))
        let log = [
            ("2025-10-26T01:50:00", "2025-10-25T23:50:00"),
            ("2025-10-26T02:10:00", "2025-10-26T00:10:00"),
            ("2025-10-26T02:50:00", "2025-10-26T00:50:00"),
            ("2025-10-26T02:05:00", "2025-10-26T01:05:00"),
            ("2025-10-26T02:20:00", "2025-10-26T01:20:00"),
            ("2025-10-26T02:59:59", "2025-10-26T01:59:59"),
            ("2025-10-26T03:00:00", "2025-10-26T02:00:00"),
        ]
        for (local, expected) in log {
            let resolved = try #require(resolver.resolve(local))
            #expect(resolved.instant == (try utc(expected)), "\(local)")
            #expect(resolved.isInFold == (local.contains("T02:")))
        }
    }

    @Test func `without a record before it a time that comes twice is the first`() throws {
        let resolver = DeviceLog(try zone("Europe/Berlin"))
        #expect(
            resolver.resolve("2025-10-26T02:30:00")?.instant == (try utc("2025-10-26T00:30:00")))
        let jumped = DeviceLog(try zone("Europe/Berlin"))
        _ = jumped.resolve("2026-01-01T00:00:00")
        #expect(jumped.resolve("2025-10-26T02:30:00")?.instant == (try utc("2025-10-26T00:30:00")))
    }

    @Test func `half an hour that comes twice works alike`() throws {
        let resolver = DeviceLog(try zone("Australia/Lord_Howe"))
        // +11 to +10:30 at 02:00 on 6 April 2025.
        _ = resolver.resolve("2025-04-06T01:55:00")
        #expect(
            resolver.resolve("2025-04-06T01:40:00")?.instant == (try utc("2025-04-05T15:10:00")))
    }

    @Test func `a fixed clock subtracts its offset and knows no changes`() throws {
        let resolver = DeviceLog(try zone("Europe/Berlin"), .fixed(seconds: 3600))
        for local in ["2025-03-30T02:30:00", "2025-10-26T02:30:00"] {
            let resolved = try #require(resolver.resolve(local))
            #expect(resolved.instant == (try utc(local)) - 3600)
            #expect(!resolved.isInGap && !resolved.isInFold)
        }
    }

    @Test func `a record without a date leaves the records after it alone`() throws {
        let resolver = DeviceLog(try zone("Europe/Berlin"))
        _ = resolver.resolve("2025-10-26T02:50:00")
        #expect(resolver.resolve("2025-02-31T00:00:00") == nil)
        #expect(
            resolver.resolve("2025-10-26T02:05:00")?.instant == (try utc("2025-10-26T01:05:00")))
    }
}

@Suite struct PunchMatchingTests {
    typealias Stored = PunchMatching.Stored

    @Test func `an equal state is known and another state is new`() {
        #expect(PunchMatching.decide(state: 0, stored: []) == .new)
        #expect(PunchMatching.decide(state: 255, stored: []) == .new)
        #expect(PunchMatching.decide(state: 0, stored: [Stored(state: 0)]) == .known)
        #expect(PunchMatching.decide(state: 1, stored: [Stored(state: 0)]) == .new)
    }

    @Test func `the unknown state matches any`() {
        #expect(PunchMatching.decide(state: 255, stored: [Stored(state: 4)]) == .known)
        #expect(PunchMatching.decide(state: 255, stored: [Stored(state: 255)]) == .known)
        #expect(PunchMatching.decide(state: 4, stored: [Stored(state: 255)]) == .amends)
    }

    @Test func `what was learned once is known, and another state is another punch`() {
        let learned = [Stored(state: 255, amendedState: 4)]
        #expect(PunchMatching.decide(state: 4, stored: learned) == .known)
        #expect(PunchMatching.decide(state: 1, stored: learned) == .new)
        #expect(
            PunchMatching.decide(state: 1, stored: learned + [Stored(state: 1)]) == .known)
    }
}
