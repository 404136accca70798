import Testing

@testable import ZKProtocol

@Suite struct LocalTimeTests {
    @Test(arguments: [
        ("00000000", "2000-01-01T00:00:00"), ("1790482E", "2024-02-29T08:30:15"),
        ("9F69E42F", "2024-12-31T17:59:59"), ("00BEE42F", "2025-01-01T00:00:00"),
        ("8BEC8433", "2026-11-23T01:02:03"), ("FFF792BF", "2099-12-31T23:59:59"),
        ("6BB36823", "2018-06-25T17:50:35"), ("A8EBA71E", "2016-01-01T19:02:00"),
    ])
    func `known times are read and written`(bytes: String, text: String) throws {
        let time = LocalTime(packed: hex(bytes).span.u32(at: 0))
        #expect(time.description == text)
        #expect(LocalTime(text) == time)
        #expect(time.isRealDate)
    }

    @Test func `every day from 2000 to 2133 goes through text and seconds and back`() throws {
        var seconds: Int64 = 946_684_800
        while let time = LocalTime(secondsSince1970: seconds) {
            #expect(time.secondsSince1970 == seconds)
            #expect(LocalTime(time.description) == time)
            seconds += 86_400 + 3601 * 7
        }
        #expect(seconds > 5_100_000_000)
    }

    @Test func `a day that no calendar has is kept and told`() throws {
        let time = try #require(
            LocalTime(year: 2024, month: 2, day: 31, hour: 1, minute: 2, second: 3))
        #expect(!time.isRealDate)
        #expect(time.secondsSince1970 == nil)
        #expect(time.description == "2024-02-31T01:02:03")
        #expect(LocalTime("2024-02-31T01:02:03") == time)
        #expect(LocalTime("2023-02-29T00:00:00")?.isRealDate == false)
        #expect(LocalTime("2100-02-29T00:00:00")?.isRealDate == false)
    }

    @Test(arguments: [
        "", "2024-02-31", "2024-02-31 01:02:03", "2024-13-01T00:00:00", "2024-00-01T00:00:00",
        "2024-01-32T00:00:00", "2024-01-01T24:00:00", "2024-01-01T00:60:00",
        "1999-12-31T23:59:59", "2134-01-01T00:00:00", "2024-01-01T00:00:00Z",
        "2024-01-01T00:00:0é",
    ])
    func `any other text is no time`(text: String) {
        #expect(LocalTime(text) == nil)
    }

    @Test func `all 32 bits decode and encode to themselves`() {
        var packed: UInt32 = 1
        for _ in 0..<20_000 {
            packed = packed &* 1_664_525 &+ 1_013_904_223
            let time = LocalTime(packed: packed)
            let again = LocalTime(
                year: time.year, month: time.month, day: time.day, hour: time.hour,
                minute: time.minute, second: time.second)
            #expect(again == time)
        }
        #expect(LocalTime(packed: .max).year == 2133)
    }
}
