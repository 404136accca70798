import MeshAPI
import RPCRuntime

extension DeviceView: Row {
    static let plural = "devices"
    static let columns = [
        Column("LOCATION"), Column("DEVICE"), Column("NAME"), Column("STATE"),
        Column("RECORDS", isNumber: true), Column("PROOF"), Column("COMPLETE THROUGH"),
        Column("CONTACT", isNumber: true), Column("CLOCK", isNumber: true),
        Column("MEMORY", isNumber: true), Column("NEXT ATTEMPT", isNumber: true),
        Column("CAUSE", widthMax: 60),
    ]

    func cells(_ times: Times) -> [Cell] {
        [
            Cell(location), Cell(serial.isEmpty ? "-" : serial), Cell(name),
            stateCell,
            records, Cell(proof == .unknown ? "-" : proof.word, proof.style),
            Cell(times.text(completeThrough, at: location)),
            Cell(times.ago(lastContact)), clock, fill, Cell(times.ahead(nextAttempt)),
            Cell(cause),
        ]
    }

    /// A terminal that nobody has approved is not one that was removed.
    private var stateCell: Cell {
        if active { return Cell(state.word, state.style) }
        return name.hasPrefix("waiting: ") ? Cell("waiting", .warning) : Cell("removed", .faint)
    }

    static let wideColumns: [Column] =
        columns.dropLast() + [
            Column("ON DEVICE", isNumber: true), Column("A DAY", isNumber: true),
            Column("USERS", isNumber: true), Column("ADDRESS"), Column("REACHED BY"),
            Column("CLOCK SET BY"), Column("PLATFORM"), Column("FIRMWARE"),
            Column("LAST EXCEPTION", widthMax: 80),
            Column("CAUSE", widthMax: 100),
        ]

    func wideCells(_ times: Times) -> [Cell] {
        let onDevice =
            recordsCapacity == 0
            ? "\(recordsOnDevice)" : "\(recordsOnDevice)/\(recordsCapacity)"
        return cells(times).dropLast() + [
            Cell(onDevice), Cell(memory?.punchesPerDay.map { "\($0)" } ?? "-"), Cell("\(users)"),
            Cell(address), Cell(transport.isEmpty ? "-" : transport),
            Cell(clockSetBy), Cell(platform), Cell(firmware),
            Cell(lastException.map { "\(times.text($0.at, at: location)) \($0.summary)" } ?? "-"),
            Cell(cause),
        ]
    }

    private var clockSetBy: String { clockSource.isEmpty ? "itself" : clockSource }

    /// Stored punches of those that the terminal had at its last full read.
    private var records: Cell {
        guard completeThrough != nil || recordsOnDevice > 0 || punches > 0 else { return "-" }
        return Cell(
            "\(punches) of \(recordsOnDevice)",
            punches < UInt64(recordsOnDevice) ? .warning : .plain)
    }

    /// The device's clock against true time; a minute is what people notice.
    private var clock: Cell {
        guard clockMeasuredAt != nil else { return "-" }
        let milliseconds = clockOffsetMilliseconds
        let tenths = milliseconds.magnitude / 100
        let text = "\(milliseconds < 0 ? "-" : "+")\(tenths / 10).\(tenths % 10)s"
        return Cell(text, milliseconds.magnitude >= 60_000 ? .warning : .plain)
    }

    /// How full its memory is, and for how long it lasts.
    private var fill: Cell {
        guard let memory else { return "-" }
        var text = "\(memory.percentFull)%"
        if let days = memory.daysToFull { text += days > 9999 ? ", years" : ", \(days)d" }
        let isNear = memory.percentFull >= 90 || (memory.daysToFull ?? .max) < 30
        return Cell(text, isNear ? .warning : .plain)
    }

    static let fields = [
        "location", "serial", "name", "platform", "firmware", "address", "active", "clock_mode",
        "poll_interval_seconds", "state", "cause", "last_contact", "next_attempt",
        "complete_through", "punches", "records_on_device", "records_capacity", "users",
        "clock_offset_milliseconds", "clock_measured_at", "percent_full", "punches_per_day",
        "days_to_full", "proof", "last_exception", "transport", "clock_source",
    ]

    func values(_ times: Times) -> [String] {
        func time(_ instant: Timestamp?) -> String { times.value(instant, at: location) }
        return [
            location, serial, name, platform, firmware,
            address, "\(active)", clockMode, "\(pollIntervalSeconds)",
            state.word, cause, time(lastContact), time(nextAttempt),
            time(completeThrough), "\(punches)", "\(recordsOnDevice)",
            "\(recordsCapacity)", "\(users)", "\(clockOffsetMilliseconds)",
            time(clockMeasuredAt), memory.map { "\($0.percentFull)" } ?? "",
            memory?.punchesPerDay.map { "\($0)" } ?? "",
            memory?.daysToFull.map { "\($0)" } ?? "", proof.word, lastException?.summary ?? "",
            transport, clockSetBy,
        ]
    }
}

extension DeviceException {
    /// The kind, the words and those of the numbers that are known.
    fileprivate var summary: String {
        let numbers = [
            announcedBytes.map { "\($0) bytes announced" }, rows.map { "\($0) rows" },
            countBefore.map { "\($0) counted before" }, countAfter.map { "\($0) counted after" },
            times > 1 ? "\(times) times" : nil,
        ].compactMap(\.self)
        let text = "\(kind.word): \(text)"
        return numbers.isEmpty ? text : text + " (\(numbers.joined(separator: "; ")))"
    }
}

extension ProofState {
    fileprivate var style: Style {
        switch self {
        case .proved: .good
        case .short: .bad
        case .unproven: .warning
        default: .plain
        }
    }
}
