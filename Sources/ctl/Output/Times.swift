import Foundation
import RPCRuntime

/// Shows and reads instants in the zones of the locations.
struct Times: Sendable {
    /// The IANA zone of each location.
    private var zones: [String: TimeZone] = [:]
    private let isUTC: Bool
    /// When what is shown was so; instants near it are shown as their distance.
    var asOf: Timestamp?

    /// - Parameters:
    ///   - isUTC: Whether everything is shown in UTC.
    ///   - zones: The IANA zone of each location; one that is not known here counts as UTC.
    init(isUTC: Bool, zones: [String: String] = [:]) {
        self.isUTC = isUTC
        self.zones = zones.compactMapValues { TimeZone(identifier: $0) }
    }

    func knows(_ location: String) -> Bool { isUTC || zones[location] != nil }

    // MARK: Showing

    /// `2026-03-01 08:00:03 +02:00` for people, in whole seconds; `-` for none.
    func text(_ instant: Timestamp?, at location: String) -> String {
        guard let instant else { return "-" }
        let (date, time, offset) = parts(instant, at: location)
        return "\(date) \(time.prefix(8))" + (offset == "Z" ? "Z" : " " + offset)
    }

    /// `2026-03-01T08:00:03+02:00` for programs; empty for none.
    func value(_ instant: Timestamp?, at location: String) -> String {
        guard let instant else { return "" }
        let (date, time, offset) = parts(instant, at: location)
        return "\(date)T\(time)\(offset)"
    }

    private func parts(_ instant: Timestamp, at location: String) -> (Substring, Substring, String)
    {
        var seconds = 0
        if !isUTC, let zone = zones[location] {
            let date = Date(timeIntervalSince1970: Double(instant.seconds))
            seconds = zone.secondsFromGMT(for: date)
        }
        let isLocal = !isUTC && zones[location] != nil
        let text = instant.advanced(by: .seconds(seconds)).description.dropLast()
        return (text.prefix(10), text.dropFirst(11), isLocal ? Self.offset(seconds) : "Z")
    }

    private static func offset(_ seconds: Int) -> String {
        let minutes = abs(seconds) / 60
        func pad(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(seconds < 0 ? "-" : "+")\(pad(minutes / 60)):\(pad(minutes % 60))"
    }

    /// How long before the answer the instant was; `-` for none.
    func ago(_ instant: Timestamp?) -> String {
        guard let instant, let asOf else { return "-" }
        return Self.age(asOf.since(instant)) + " ago"
    }

    /// How long behind the answer the instant is; `-` for none.
    func ahead(_ instant: Timestamp?) -> String {
        guard let instant, let asOf else { return "-" }
        return instant > asOf ? "in " + Self.age(instant.since(asOf)) : "now"
    }

    /// `42s`, `12m`, `5h07m`, `3d04h`.
    static func age(_ duration: Duration) -> String {
        let seconds = max(duration.components.seconds, 0)
        func pad(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        if seconds < 60 { return "\(seconds)s" }
        if seconds < 3600 { return "\(seconds / 60)m" }
        if seconds < 86_400 { return "\(seconds / 3600)h\(pad(seconds / 60 % 60))m" }
        return "\(seconds / 86_400)d\(pad(seconds / 3600 % 24))h"
    }

    // MARK: Reading

    /// `5s`, `500ms`, `2m`, `1h`, `7d`, or plain seconds.
    static func duration(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int64(digits), count <= 100_000_000 else { return nil }
        return switch text.dropFirst(digits.count) {
        case "ms": .milliseconds(count)
        case "", "s": .seconds(count)
        case "m": .seconds(count * 60)
        case "h": .seconds(count * 3600)
        case "d": .seconds(count * 86_400)
        default: nil
        }
    }

    /// Whether the text needs a zone to be an instant.
    static func needsZone(_ text: String) -> Bool {
        Timestamp(text) == nil && !isAgo(text)
    }

    private static func isAgo(_ text: String) -> Bool {
        text.last.map { "smhd".contains($0) } ?? false && duration(text) != nil
    }

    /// An instant, a date or wall time in the one zone of `locations`, `today`, `yesterday`, or
    /// how long ago.
    func instant(
        _ text: String, _ option: String, locations: [String], now: Timestamp
    ) throws(Failure) -> Timestamp {
        if let instant = Timestamp(text) { return instant }
        if Self.isAgo(text), let ago = Self.duration(text) { return now.advanced(by: .zero - ago) }
        guard let wall = try wallTime(text, locations, option, now) else {
            throw .usage(
                "\(option) is `\(text)`; wanted is an instant such as 2026-03-01T08:00:00+02:00, "
                    + "a date, today, yesterday, or 2h for two hours ago")
        }
        return wall
    }

    private func wallTime(
        _ text: String, _ locations: [String], _ option: String, _ now: Timestamp
    ) throws(Failure) -> Timestamp? {
        let isDay = ["today", "yesterday"].contains(text)
        let wall = isDay ? nil : Self.readAsUTC(text)
        guard isDay || wall != nil else { return nil }
        let zone = try zone(of: locations, text, option)
        func offset(_ seconds: Int64) -> Int64 {
            Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds))))
        }
        var local: Int64
        if let wall {
            local = wall.seconds
        } else {
            local = now.seconds + offset(now.seconds)
            let (days, rest) = local.quotientAndRemainder(dividingBy: 86_400)
            local = (rest < 0 ? days - 1 : days) * 86_400 - (text == "yesterday" ? 86_400 : 0)
        }
        // The offset is that of the instant looked for, so it takes two steps to it.
        let guess = local - offset(local)
        return Timestamp(seconds: local - offset(guess))
    }

    /// A date, or a date and a time without an offset, as if it were UTC.
    private static func readAsUTC(_ text: String) -> Timestamp? {
        for suffix in ["T00:00:00Z", ":00Z", "Z"] {
            if let instant = Timestamp(text + suffix) { return instant }
        }
        return nil
    }

    /// The one zone that all of `locations` have; of all locations where none is named.
    private func zone(
        of locations: [String], _ text: String, _ option: String
    ) throws(Failure) -> TimeZone {
        if isUTC { return .gmt }
        let found = Set(
            locations.isEmpty ? Array(zones.values) : locations.compactMap { zones[$0] })
        if let zone = found.first, found.count == 1 { return zone }
        throw .usage(
            "\(option) is `\(text)`, and the locations do not have one zone in which it could be",
            hint: "give an offset, as in 2026-03-01T08:00:00+02:00, or --utc, or one --location")
    }
}
