import Foundation
import TestSchemas
import Testing

@testable import RPCRuntime

@Suite struct CodecTimestampTests {
    static let texts: [(String, Int64, Int32)] = [
        ("1970-01-01T00:00:00Z", 0, 0),
        ("1969-12-31T23:59:59.999999999Z", -1, 999_999_999),
        ("2026-03-01T07:58:13Z", 1_772_351_893, 0),
        ("2024-02-29T12:00:00.500Z", 1_709_208_000, 500_000_000),
        ("2000-02-29T00:00:00.000001Z", 951_782_400, 1000),
        ("0001-01-01T00:00:00Z", -62_135_596_800, 0),
        ("9999-12-31T23:59:59.999999999Z", 253_402_300_799, 999_999_999),
    ]

    @Test(arguments: texts)
    func `an instant and its text turn into each other`(
        _ text: String, _ seconds: Int64, _ nanoseconds: Int32
    ) throws {
        let instant = try #require(Timestamp(seconds: seconds, nanoseconds: nanoseconds))
        #expect(instant.description == text)
        #expect(Timestamp(text) == instant)
    }

    @Test func `offsets are taken off`() {
        #expect(Timestamp("2026-03-01T09:58:13+02:00") == Timestamp("2026-03-01T07:58:13Z"))
        #expect(Timestamp("2026-03-01t02:28:13-05:30") == Timestamp("2026-03-01T07:58:13z"))
    }

    @Test(arguments: [
        "", "2026-03-01", "2026-03-01T07:58:13", "2026-03-01 07:58:13Z", "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T23:60:00Z",
        "2026-06-30T23:59:60Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.0000000001Z",
        "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+0200", "2026-01-01T00:00:00ZZ",
        "0000-12-31T23:59:59Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
        "+026-01-01T00:00:00Z", "２026-01-01T00:00:00Z",
    ])
    func `what is no instant is refused`(_ text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test func `every prefix of a text is refused`() {
        let text = "2026-03-01T07:58:13.25+02:00"
        for count in 0..<text.count { #expect(Timestamp(text.prefix(count)) == nil) }
    }

    @Test func `the calendar agrees with Foundation's on every 9973rd day`() throws {
        let formatter = ISO8601DateFormatter()
        var checked = 0
        // Foundation's calendar changes to Julian before October 1582.
        for seconds in stride(from: Int64(-12_219_292_800), to: 253_402_300_799, by: 861_667_207) {
            let instant = try #require(Timestamp(seconds: seconds))
            let date = Date(timeIntervalSince1970: Double(seconds))
            #expect(instant.description == formatter.string(from: date))
            checked += 1
        }
        #expect(checked > 300)
    }

    @Test func `days and dates turn into each other over the whole range`() {
        for days in stride(from: Int64(-719_162), through: 2_932_896, by: 1) {
            let date = Timestamp.civil(days)
            if Timestamp.days(date.year, date.month, date.day) != days
                || date.day > Timestamp.daysInMonth(date.year, date.month)
            {
                Issue.record("day \(days) is \(date)")
            }
        }
    }

    @Test func `instants outside the range do not exist`() {
        #expect(Timestamp(seconds: -62_135_596_801) == nil)
        #expect(Timestamp(seconds: 253_402_300_800) == nil)
        #expect(Timestamp(seconds: 0, nanoseconds: -1) == nil)
        #expect(Timestamp(seconds: 0, nanoseconds: 1_000_000_000) == nil)
        #expect(Timestamp(millisecondsSince1970: .min) == nil)
        #expect(Timestamp(millisecondsSince1970: .max) == nil)
    }

    @Test func `arithmetic is exact and stops at the ends`() throws {
        let instant = try #require(Timestamp("2026-03-01T07:58:13.750Z"))
        #expect(instant.advanced(by: .milliseconds(250)).description == "2026-03-01T07:58:14Z")
        #expect(
            instant.advanced(by: .milliseconds(-751)).description == "2026-03-01T07:58:12.999Z")
        #expect(instant.advanced(by: .seconds(Int64.max)) == .max)
        #expect(instant.advanced(by: .seconds(Int64.min)) == .min)
        #expect(Timestamp.max.advanced(by: .nanoseconds(1)) == .max)
        #expect(instant.since(Timestamp()) == .milliseconds(1_772_351_893_750))
        #expect(Timestamp.min.since(.max) < .zero)
        #expect(instant.millisecondsSince1970 == 1_772_351_893_750)
        let before = try #require(Timestamp(millisecondsSince1970: -1))
        #expect(before.description == "1969-12-31T23:59:59.999Z")
        #expect(before.millisecondsSince1970 == -1)
        #expect(Timestamp.min < instant && instant < .max)
    }

    @Test func `times outside their range are refused on the wire`() throws {
        func timestamp(_ seconds: Int64, _ nanoseconds: Int32) -> [UInt8] {
            field(82, seconds, nanoseconds)
        }
        func duration(_ seconds: Int64, _ nanoseconds: Int32) -> [UInt8] {
            field(90, seconds, nanoseconds)
        }
        func field(_ tag: UInt64, _ seconds: Int64, _ nanoseconds: Int32) -> [UInt8] {
            var inner = WireWriter()
            inner.field(1, "seconds", seconds)
            inner.field(2, "nanos", nanoseconds)
            var writer = WireWriter()
            writer.varint(tag)
            writer.varint(UInt64(inner.bytes.count))
            writer.unknown(inner.bytes)
            return writer.bytes
        }
        for bytes in [
            timestamp(253_402_300_800, 0), timestamp(.min, 0), timestamp(0, -1),
            timestamp(0, 1_000_000_000), duration(315_576_000_001, 0), duration(.min, 0),
            duration(1, -1), duration(-1, 1), duration(0, 1_000_000_000), duration(0, .min),
        ] {
            let error = try #require(throws: DecodingFailure.self) {
                try Everything(decoding: bytes)
            }
            #expect(error.reason == .outOfRange)
        }
    }

    @Test func `a duration is written in nanoseconds and clamped to ten thousand years`() throws {
        for (duration, expected) in [
            (Duration.milliseconds(-1500), Duration.milliseconds(-1500)),
            (.nanoseconds(1) + .nanoseconds(1) / 2, .nanoseconds(1)),
            (.seconds(Int64.max), .seconds(315_576_000_000)),
            (.seconds(Int64.min), .seconds(-315_576_000_000)),
        ] {
            let message = Everything(aDuration: duration, maybeDuration: duration)
            let again = try Everything(decoding: message.encoded())
            #expect(again.aDuration == expected && again.maybeDuration == expected)
        }
    }
}
