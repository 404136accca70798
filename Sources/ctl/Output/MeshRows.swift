import RPCRuntime
import RPCServices

extension LinkReport: Row {
    static let plural = "links"
    static let columns = [
        Column("PEER", widthMax: 60), Column("ADDRESS"), Column("STATE"),
        Column("AGE", isNumber: true), Column("ROUND TRIP", isNumber: true),
        Column("OPEN", isNumber: true), Column("SERVED", isNumber: true),
        Column("MADE", isNumber: true), Column("IN", isNumber: true), Column("OUT", isNumber: true),
        Column("WAITING", isNumber: true), Column("AGENT"),
    ]

    private var state: String {
        switch (isDraining, isPeerDraining) {
        case (true, true): "closing"
        case (true, false): "draining"
        case (false, true): "peer drains"
        case (false, false): "up"
        }
    }

    /// Bytes that wait for anything.
    private var waitingBytes: UInt64 {
        [outputBytes, backlogBytes, unreadBytes].reduce(0) { sum, bytes in
            let (result, isOver) = sum.addingReportingOverflow(bytes)
            return isOver ? .max : result
        }
    }

    private var roundTripMicroseconds: Int64? { roundTrip.map { $0.microseconds } }

    func cells(_ times: Times) -> [Cell] {
        [
            Cell(peer), Cell(address), Cell(state, state == "up" ? .good : .warning),
            Cell(Times.age(age)), Cell(roundTripMicroseconds.map { "\($0)µs" } ?? "-"),
            Cell("\(streamCount)"), Cell("\(callsServed)"), Cell("\(callsMade)"),
            Cell("\(bytesReceived)"), Cell("\(bytesSent)"), Cell("\(waitingBytes)"), Cell(agent),
        ]
    }

    static let fields = [
        "peer", "role", "address", "agent", "state", "age_seconds", "round_trip_microseconds",
        "open_streams", "calls_served", "calls_made", "queued_calls", "bytes_received",
        "bytes_sent", "send_credit", "receive_credit", "output_bytes", "backlog_bytes",
        "unread_bytes",
    ]

    func values(_ times: Times) -> [String] {
        [
            peer, role, address, agent, state, "\(age.components.seconds)",
            roundTripMicroseconds.map { "\($0)" } ?? "", "\(streamCount)", "\(callsServed)",
            "\(callsMade)", "\(queuedCalls)", "\(bytesReceived)", "\(bytesSent)", "\(sendCredit)",
            "\(receiveCredit)", "\(outputBytes)", "\(backlogBytes)", "\(unreadBytes)",
        ]
    }
}

extension FailureReport: Row {
    static let plural = "failures"
    static let columns = [
        Column("AGO", isNumber: true), Column("PEER", widthMax: 60), Column("METHOD", widthMax: 60),
        Column("CODE"), Column("CERTAINTY"), Column("MESSAGE", widthMax: 100),
    ]

    func cells(_ times: Times) -> [Cell] {
        [
            Cell(Times.age(age)), Cell(peer), Cell(method), Cell(code.word, .bad),
            Cell(certainty.word), Cell(message),
        ]
    }

    static let fields = ["age_seconds", "peer", "method", "code", "certainty", "message"]

    func values(_ times: Times) -> [String] {
        ["\(age.components.seconds)", peer, method, code.word, certainty.word, message]
    }
}

extension Duration {
    /// Whole microseconds, of a time that a peer has named.
    fileprivate var microseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, isOver) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, isFar) = whole.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        return isOver || isFar ? .max : sum
    }
}
