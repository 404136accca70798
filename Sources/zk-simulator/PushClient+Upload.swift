import Synchronization
import Transport
import ZKProtocol

extension PushClient {
    /// Uploads what of the log the server has not taken.
    func uploadLog(_ http: PushHTTP) async throws(PushFailure) {
        while !Task.isCancelled {
            let log = simulator.device.log
            let position = state.withLock { state in
                // The log was cleared.
                if state.position > log.count { state.position = 0 }
                return state.position
            }
            guard position < log.count else { return }
            let rows = log[position..<min(position + setup.batch, log.count)]
            try await upload(Array(rows), http)
            let end = rows.endIndex
            state.withLock { state in
                // Unless it was cleared meanwhile.
                if state.position == position { state.position = end }
            }
        }
    }

    /// Uploads rows; the server must say exactly how many it has taken.
    func upload(_ rows: [AttendanceRecord], _ http: PushHTTP) async throws(PushFailure) {
        let number = state.withLock { state in
            state.counters.uploads += 1
            return state.counters.uploads - 1
        }
        let isAccess = setup.dialect == .access
        let lines = rows.enumerated().map { index, row in
            isAccess ? Self.accessLine(row, index) : Self.line(row)
        }
        let body = Array((lines.joined(separator: "\n") + "\n").utf8)
        let stamp = rows.last.map { $0.time.packed } ?? 0
        let query =
            isAccess
            ? "table=tabledata&tablename=transaction&count=\(rows.count)"
            : "table=ATTLOG&Stamp=\(stamp)"
        let reply = try await send(http, "cdata", query, body, cut: setup.cuts[number])
        let wanted = isAccess ? "transaction=\(rows.count)" : "OK: \(rows.count)"
        guard reply.text == wanted else {
            throw PushFailure(description: "the server says `\(reply.text)`, not `\(wanted)`")
        }
        state.withLock { $0.counters.rowsTaken += rows.count }
    }

    static func line(_ row: AttendanceRecord) -> String {
        "\(row.userID)\t\(text(row.time))\t\(row.state)\t\(row.verify)\t\(row.workCode)\t0\t0"
    }

    private static func accessLine(_ row: AttendanceRecord, _ index: Int) -> String {
        let parts = [
            "cardno=0", "pin=\(row.userID)", "verified=\(row.verify)", "doorid=1", "eventtype=0",
            "inoutstate=\(row.state)", "time_second=\(row.time.packed)", "index=\(index)",
        ]
        return "transaction " + parts.joined(separator: "\t")
    }

    static func text(_ time: LocalTime) -> String {
        let text = time.description
        return text.prefix(10) + " " + text.suffix(8)
    }

    // MARK: Users

    /// Uploads the users once, each with a fingerprint that the server must not keep.
    func uploadUsers(_ http: PushHTTP) async throws(PushFailure) {
        let users = simulator.device.users
        while true {
            let start = state.withLock { $0.usersTaken }
            guard start < users.count, !Task.isCancelled else { return }
            let part = Array(users[start..<min(start + 100, users.count)])
            try await upload(part, http)
            state.withLock { $0.usersTaken = start + part.count }
        }
    }

    func upload(_ users: [DeviceUser], _ http: PushHTTP) async throws(PushFailure) {
        let isAccess = setup.dialect == .access
        var lines: [String] = []
        for user in users {
            if isAccess {
                lines.append(
                    "user cardno=\(user.card)\tpin=\(user.userID)\tname=\(user.name)"
                        + "\tprivilege=\(user.privilege)")
            } else {
                lines.append(
                    "USER PIN=\(user.userID)\tName=\(user.name)\tPri=\(user.privilege)"
                        + "\tPasswd=\(user.password)\tCard=\(user.card)\tGrp=1")
                lines.append(Self.finger(user.userID))
            }
        }
        let query =
            isAccess
            ? "table=tabledata&tablename=user&count=\(lines.count)" : "table=OPERLOG&Stamp=9999"
        let reply = try await send(
            http, "cdata", query, Array((lines.joined(separator: "\n") + "\n").utf8))
        let wanted = isAccess ? "user=\(lines.count)" : "OK: \(lines.count)"
        guard reply.text == wanted else {
            throw PushFailure(description: "the server says `\(reply.text)`, not `\(wanted)`")
        }
    }

    /// A made-up template, which a search finds wherever it is kept.
    static let template = "VGhpc0lzQVRlbXBsYXRlVGhhdE5vYm9keU1heUtlZXA="

    static func finger(_ userID: String) -> String {
        "FP PIN=\(userID)\tFID=6\tSize=\(template.utf8.count)\tValid=1\tTMP=\(template)"
    }
}
