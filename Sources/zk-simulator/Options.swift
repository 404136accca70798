import Foundation
import ServiceKit
import ZKProtocol

/// What the command line asks for.
struct Options {
    var listen: String
    /// How many devices there are, each at the next address.
    var fleet: Int
    var model: DeviceModel
    var seed: UInt64
    var users: Int
    var history: History
    /// Days since 1970.
    var lastDay: Int
    var clockAheadSeconds: Int
    var driftPPM: Int
    var zone: TimeZone
    var liveRate: Double
    var liveUntil: Int?
    var stateFile: String?
    var dumpFile: String?
    var traceFile: String?
    var faults: [Fault]
    var scenario: Scenario?
    var push: PushOptions?

    /// How much log there is at the start.
    enum History {
        case days(Int)
        case records(Int)
        /// So many rows, each made when it is read.
        case derived(Int)
    }

    static let command = ServiceKit.Command(
        "zk-simulator",
        summary: "A ZKTeco terminal that exists only here: protocol, memory, people and clock.",
        options: [
            CommandOption(
                "--listen", value: "HOST:PORT",
                help: "Where to listen (127.0.0.1:4370); port 0 takes a free one."),
            CommandOption(
                "--seed", value: "N", help: "People, log and serial number follow from it (1)."),
            CommandOption("--serial", value: "TEXT", help: "The serial number."),
            CommandOption("--name", value: "TEXT", help: "The device's name."),
            CommandOption("--users", value: "N", help: "How many people there are."),
            CommandOption(
                "--days", value: "N", help: "The log covers this many days (30)."),
            CommandOption(
                "--records", value: "N", help: "The log has exactly this many records."),
            CommandOption(
                "--derived", value: "N",
                help: "The log has N records that are made when they are read, for fleets."),
            CommandOption(
                "--fleet", value: "N",
                help: "So many devices, at --listen and the addresses behind it (1)."),
            CommandOption(
                "--profile", value: "KIND",
                help: "What kind of terminal it is (tft); the other options change it.",
                choices: DeviceProfile.allCases.map(\.rawValue)),
            CommandOption(
                "--last-day", value: "DATE",
                help: "The log's last day: YYYY-MM-DD (2025-12-31), or `yesterday`."),
            CommandOption("--comm-key", value: "N", help: "The comm key; 0 for none (0)."),
            CommandOption(
                "--comm-key-file", value: "PATH", help: "A file of mode 0600 with the comm key."),
            CommandOption(
                "--zone", value: "ZONE", help: "The time zone of the device's clock (UTC)."),
            CommandOption(
                "--clock-offset", value: "SECONDS", help: "How far the clock is ahead (0)."),
            CommandOption(
                "--drift", value: "PPM", help: "How much the clock gains; negative: loses (0)."),
            CommandOption(
                "--user-format", value: "BYTES", help: "The size of user records (72).",
                choices: ["28", "72", "120"]),
            CommandOption(
                "--record-format", value: "BYTES",
                help: "The size of log records (40); `8-flags` is the other layout of 8 bytes.",
                choices: ["8", "8-flags", "16", "22", "36", "40", "49"]),
            CommandOption(
                "--event-format", value: "BYTES",
                help: "The size of live punches (32; 12 with 28-byte users).",
                choices: EventLayout.allCases.map { "\($0.rawValue)" }),
            CommandOption(
                "--max-records", value: "N",
                help: "How many records fit (200000); then nobody can punch."),
            CommandOption(
                "--live-rate", value: "RATE", help: "Punches per second while it runs (0)."),
            CommandOption(
                "--until", value: "N",
                help: "Ends live punches after this many, and prints `DONE` and the log's length."),
            CommandOption(
                "--state-file", value: "PATH",
                help: "Keeps users and log here; if it exists, they are taken from it."),
            CommandOption(
                "--dump", value: "PATH",
                help: "Writes all punches here on SIGUSR1 and at the end."),
            CommandOption(
                "--trace", value: "PATH",
                help: "Writes each live punch here with the millisecond of its making."),
            CommandOption(
                "--transport", value: "KIND",
                help: "How clients reach it (both; udp where the profile is monochrome).",
                choices: ["tcp", "udp", "both"]),
            CommandOption(
                "--delay", value: "MS",
                help: "How late each answer comes, as after a long way there and back (0)."),
            CommandOption("--drops-oldest", help: "A full memory takes punches for its oldest."),
            CommandOption(
                "--fault", value: "FAULT",
                help: """
                    Something that goes wrong, KIND[=VALUE][@PHASE][+SKIP][xTIMES], of kind \
                    \(Fault.Kind.allCases.map(\.rawValue).joined(separator: ", ")), in phase \
                    \(Fault.Phase.allCases.map(\.rawValue).joined(separator: ", ")) or any, after \
                    SKIP chances, TIMES times or always.
                    """, isRepeatable: true),
            CommandOption(
                "--scenario", value: "PATH",
                help: """
                    A file whose lines are SECONDS and a command of the standard input, such as \
                    `10 fault cut=5000@logx1`; `repeat` as the last begins it anew.
                    """),
            CommandOption(
                "--encrypted", help: "Answers like firmware that speaks only encrypted."),
        ] + PushOptions.options,
        examples: [
            "zk-simulator --listen 127.0.0.1:0 --seed 7 --users 50 --days 90",
            "zk-simulator --records 100000 --comm-key-file key --zone Africa/Cairo",
            "zk-simulator --live-rate 2 --until 500 --dump punches.tsv",
            "zk-simulator --fleet 500 --listen 127.1.0.1:4370 --derived 10000 --live-rate 1000",
            "zk-simulator --transport udp --fault lose=10 --fault silence@logx2",
        ])

    init(_ line: Invocation, now: Date) throws(UsageError) {
        listen = line.value("--listen") ?? "127.0.0.1:4370"
        seed = UInt64(try line.integer("--seed", default: 1, in: 0...Int.max))
        zone = try Options.zone(line.value("--zone") ?? "UTC")
        lastDay = try Options.day(line.value("--last-day") ?? "2025-12-31", zone, now)
        clockAheadSeconds = try line.integer(
            "--clock-offset", default: 0, in: -1_000_000_000...1_000_000_000)
        driftPPM = try line.integer("--drift", default: 0, in: -100_000...100_000)
        let records = try line.integer("--records", default: -1, in: 0...10_000_000)
        let days = try line.integer("--days", default: 30, in: 0...9000)
        let derived = try line.integer("--derived", default: -1, in: 0...10_000_000)
        guard ["--records", "--days", "--derived"].count(where: { line.value($0) != nil }) < 2
        else { throw UsageError("--records, --days and --derived exclude each other") }
        history = derived >= 0 ? .derived(derived) : records >= 0 ? .records(records) : .days(days)
        fleet = try line.integer("--fleet", default: 1, in: 1...10_000)
        for name in ["--serial", "--state-file", "--push"]
        where fleet > 1 && line.value(name) != nil {
            throw UsageError("\(name) is for one device, and --fleet asks for \(fleet)")
        }
        users = try line.integer(
            "--users", default: max(12, records / 600), in: 0...Population.usersMax)
        liveRate = try Options.rate(line.value("--live-rate") ?? "0")
        liveUntil =
            line.value("--until") == nil
            ? nil : try line.integer("--until", default: 0, in: 0...Int.max)
        stateFile = line.value("--state-file")
        dumpFile = line.value("--dump")
        traceFile = line.value("--trace")
        faults = []
        for text in line.values("--fault") { faults.append(try Fault(text)) }
        scenario = try line.value("--scenario").map { path throws(UsageError) in
            try Scenario(path: path)
        }
        push = try PushOptions(line)
        model = try Options.model(line, seed)
        model.userCapacity = max(model.userCapacity, users)
        model.recordCapacity = try line.integer(
            "--max-records", default: max(model.recordCapacity, max(records, derived) * 2),
            in: 0...10_000_000)
    }

    private static func model(_ line: Invocation, _ seed: UInt64) throws(UsageError)
        -> DeviceModel
    {
        let profile = line.value("--profile").flatMap { DeviceProfile(rawValue: $0) } ?? .tft
        var model = profile.model
        (model.serial, model.mac) = identity(seed: seed)
        if let serial = line.value("--serial") { model.serial = serial }
        if let name = line.value("--name") { model.name = name }
        model.commKey = try key(line)
        if line.value("--user-format") == "28" {
            model.userLayout = .bytes28
            model.eventLayout = .bytes12
        }
        if line.value("--user-format") == "72" { model.userLayout = .bytes72 }
        if line.value("--user-format") == "120" { model.userLayout = .bytes120 }
        switch line.value("--record-format") {
        case nil: break
        case "8": model.recordLayout = .bytes8
        case "8-flags": model.recordLayout = .bytes8Flags
        case "16": model.recordLayout = .bytes16
        case "22": model.recordLayout = .bytes22
        case let stride?: model.recordLayout = .text(stride: Int(stride) ?? 40)
        }
        if let bytes = line.value("--event-format").flatMap({ Int($0) }),
            let layout = EventLayout(rawValue: bytes)
        {
            model.eventLayout = layout
        }
        switch line.value("--transport") {
        case "tcp": model.transports = [.tcp]
        case "udp": model.transports = [.udp]
        case "both": model.transports = [.tcp, .udp]
        default: break
        }
        model.answerDelay = try line.integer("--delay", default: 0, in: 0...60_000)
        model.dropsOldest = line.flag("--drops-oldest")
        model.isEncrypted = line.flag("--encrypted")
        return model
    }

    /// The serial number and hardware address that follow from a seed.
    static func identity(seed: UInt64) -> (serial: String, mac: String) {
        var generator = SeededGenerator(seed: seed, part: 0)
        let digits = String(generator.below(1_000_000_000))
        let serial = "CEXA" + String(repeating: "0", count: 9 - digits.count) + digits
        let tail = (0..<3).map { _ in
            let byte = String(generator.below(256), radix: 16)
            return byte.count == 1 ? "0" + byte : byte
        }
        return (serial, (["00", "17", "61"] + tail).joined(separator: ":"))
    }

    private static func key(_ line: Invocation) throws(UsageError) -> UInt32 {
        guard let path = line.value("--comm-key-file") else {
            return UInt32(try line.integer("--comm-key", default: 0, in: 0...0xFFFF_FFFF))
        }
        do throws(ConfigurationError) {
            guard let key = UInt32(try Secret.read(path: path).revealText()) else {
                throw ConfigurationError("the comm key in \(path) is not a number")
            }
            return key
        } catch {
            throw UsageError("--comm-key-file: \(error.message)")
        }
    }

    /// Punches per second, as an option or a line of the console asks for them.
    static func rate(
        _ text: String, of name: String = "--live-rate"
    ) throws(UsageError) -> Double {
        guard let rate = Double(text), 0...10_000 ~= rate else {
            throw UsageError("\(name) is `\(text)`; wanted is a number from 0 to 10000")
        }
        return rate
    }

    private static func zone(_ name: String) throws(UsageError) -> TimeZone {
        guard let zone = TimeZone(identifier: name) else {
            throw UsageError("--zone is `\(name)`; wanted is a name like Africa/Cairo")
        }
        return zone
    }

    private static func day(_ text: String, _ zone: TimeZone, _ now: Date) throws(UsageError)
        -> Int
    {
        if text == "yesterday" {
            let seconds = Int(now.timeIntervalSince1970) + zone.secondsFromGMT(for: now)
            return seconds / 86_400 - 1
        }
        guard let time = LocalTime(text + "T00:00:00"), let seconds = time.secondsSince1970 else {
            throw UsageError("--last-day is `\(text)`; wanted is YYYY-MM-DD or `yesterday`")
        }
        return Int(seconds / 86_400)
    }
}
