import HTTP
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

    func write(to json: inout DocumentWriter) {
        json.object { json in
            json.member("peer", peer)
            json.member("role", role)
            json.member("address", address)
            json.member("agent", agent)
            json.member("state", state)
            json.member("age_seconds", age.components.seconds)
            json.key("round_trip_microseconds")
            if let value = roundTripMicroseconds { json.number(value) } else { json.null() }
            json.member("open_streams", streamCount)
            json.member("calls_served", callsServed)
            json.member("calls_made", callsMade)
            json.member("queued_calls", queuedCalls)
            json.member("bytes_received", bytesReceived)
            json.member("bytes_sent", bytesSent)
            json.member("send_credit", sendCredit)
            json.member("receive_credit", receiveCredit)
            json.member("output_bytes", outputBytes)
            json.member("backlog_bytes", backlogBytes)
            json.member("unread_bytes", unreadBytes)
            json.key("streams")
            json.array { json in for stream in streams { stream.write(to: &json) } }
        }
    }
}

extension StreamReport {
    fileprivate func write(to json: inout DocumentWriter) {
        json.object { json in
            json.member("id", id)
            json.member("method", method)
            json.member("is_served", isServed)
            json.key("remaining_milliseconds")
            if let remaining {
                json.number(remaining.microseconds / 1000)
            } else {
                json.null()
            }
            json.member("send_credit", sendCredit)
            json.member("receive_credit", receiveCredit)
            json.member("backlog_bytes", backlogBytes)
            json.member("unread_bytes", unreadBytes)
        }
    }
}

extension FailureReport: Row {
    static let plural = "failures"
    static let columns = [
        Column("AGO", isNumber: true), Column("PEER", widthMax: 60), Column("METHOD", widthMax: 60),
        Column("CODE"), Column("CERTAINTY"), Column("MESSAGE", widthMax: 100),
    ]

    private var codeWord: String {
        if case .unrecognized(let number) = code { "\(number)" } else { "\(code)" }
    }

    private var certaintyWord: String {
        if case .unrecognized(let number) = certainty { "\(number)" } else { "\(certainty)" }
    }

    func cells(_ times: Times) -> [Cell] {
        [
            Cell(Times.age(age)), Cell(peer), Cell(method), Cell(codeWord, .bad),
            Cell(certaintyWord), Cell(message),
        ]
    }

    static let fields = ["age_seconds", "peer", "method", "code", "certainty", "message"]

    func values(_ times: Times) -> [String] {
        ["\(age.components.seconds)", peer, method, codeWord, certaintyWord, message]
    }

    func write(to json: inout DocumentWriter) {
        json.object { json in
            json.member("age_seconds", age.components.seconds)
            json.member("peer", peer)
            json.member("method", method)
            json.member("code", codeWord)
            json.member("certainty", certaintyWord)
            json.member("message", message)
        }
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
