import Synchronization
import Transport
import ZKProtocol

extension PushClient {
    private static let unsupported = -1002

    /// Does what the server wants; the result without its id.
    func execute(_ command: String, _ http: PushHTTP) async -> String {
        let words = command.split(separator: " ", maxSplits: 2).map(String.init)
        let rest = words.count > 2 ? words[2] : ""
        switch (words.first ?? "", words.count > 1 ? words[1] : "") {
        case ("INFO", _): return information()
        case ("REBOOT", _):
            state.withLock { $0.hasHandshake = false }
            return result(0, "REBOOT")
        case ("AC_UNLOCK", _): return result(0, "AC_UNLOCK")
        case ("CONTROL", "DEVICE"): return result(0, "CONTROL DEVICE")
        case ("CHECK", _):
            state.withLock { $0.hasHandshake = false }
            return result(0, "CHECK")
        case ("LOG", _):
            let isSent = await isDone { () throws(PushFailure) in try await uploadLog(http) }
            return result(isSent ? 0 : -3, "LOG")
        case ("CLEAR", "LOG"):
            simulator.edit { $0.clearLog() }
            state.withLock { $0.position = 0 }
            return result(0, "CLEAR LOG")
        case ("SET", "OPTION"), ("SET", "OPTIONS"):
            guard let equals = rest.firstIndex(of: "=") else { return result(-1, "SET OPTION") }
            let option = DeviceOption(
                name: String(rest[..<equals]), value: String(rest[rest.index(after: equals)...]))
            return result(simulator.edit { $0.write(option) } ? 0 : -1, "SET OPTION")
        case ("VERIFY", "SUM"):
            guard setup.knowsSum else { return result(Self.unsupported, "VERIFY SUM") }
            return result(0, "VERIFY SUM") + "&AttlogSum=\(rows(rest).count)"
        case ("DATA", "QUERY"): return result(await query(rest, http), "DATA")
        case ("DATA", "UPDATE"): return result(update(rest), "DATA")
        case ("DATA", "DELETE"): return result(delete(rest), "DATA")
        case ("ENROLL_FP", _):
            let pin = pairs(command.drop { $0 != " " }.dropFirst())["pin"] ?? ""
            return result(simulator.device.user(pin) == nil ? -10 : 0, "ENROLL_FP")
        default: return result(Self.unsupported, words.first ?? "")
        }
    }

    private func result(_ code: Int, _ command: String) -> String {
        "Return=\(code)&CMD=\(command)"
    }

    private func isDone(_ body: () async throws(PushFailure) -> Void) async -> Bool {
        do throws(PushFailure) {
            try await body()
            return true
        } catch {
            return false
        }
    }

    private func information() -> String {
        let device = simulator.device
        let lines = [
            "Return=0", "CMD=INFO", "~DeviceName=\(device.model.name)",
            "FWVersion=\(device.model.firmware)", "UserCount=\(device.users.count)",
            "TransactionCount=\(device.log.count)",
        ]
        return lines.joined(separator: "\n")
    }

    private func pairs(_ text: some StringProtocol) -> [String: String] {
        var pairs: [String: String] = [:]
        for part in text.split(separator: "\t") {
            guard let equals = part.firstIndex(of: "=") else { continue }
            pairs[part[..<equals].lowercased()] = String(part[part.index(after: equals)...])
        }
        return pairs
    }

    /// The rows of `ATTLOG StartTime=…⇥EndTime=…`.
    private func rows(_ text: String) -> [AttendanceRecord] {
        let span = pairs(text.drop { $0 != " " }.dropFirst())
        let (from, to) = (span["starttime"] ?? "", span["endtime"] ?? "")
        return simulator.device.log.filter {
            from <= Self.text($0.time) && Self.text($0.time) <= to
        }
    }

    /// Uploads what was asked for; how many there were, or a code below 0.
    private func query(_ text: String, _ http: PushHTTP) async -> Int {
        if text.hasPrefix("ATTLOG") || text.hasPrefix("tablename=transaction") {
            let rows = text.hasPrefix("ATTLOG") ? rows(text) : simulator.device.log
            for start in stride(from: 0, to: rows.count, by: setup.batch) {
                let part = Array(rows[start..<min(start + setup.batch, rows.count)])
                var isSent = false
                for _ in 0..<5 where !isSent {
                    isSent = await isDone { () throws(PushFailure) in try await upload(part, http) }
                }
                guard isSent else { return -3 }
            }
            return rows.count
        }
        if text.hasPrefix("USERINFO") || text.hasPrefix("tablename=user") {
            let users = simulator.device.users
            guard await isDone({ () throws(PushFailure) in try await upload(users, http) }) else {
                return -3
            }
            return users.count
        }
        return -1004
    }

    private func update(_ text: String) -> Int {
        guard text.hasPrefix("USERINFO") || text.hasPrefix("user") else { return -1004 }
        let pairs = pairs(text.drop { $0 != " " }.dropFirst())
        guard let pin = pairs["pin"], !pin.isEmpty else { return -1 }
        return simulator.edit { device in
            let known = device.user(pin)
            var user = known ?? DeviceUser(uid: 0, userID: pin)
            if known == nil {
                let free = (device.users.map(\.uid).max() ?? 0) + 1
                user.uid = free
            }
            if let name = pairs["name"] { user.name = name }
            if let card = (pairs["card"] ?? pairs["cardno"]).flatMap({ UInt32($0) }) {
                user.card = card
            }
            if let privilege = (pairs["pri"] ?? pairs["privilege"]).flatMap({ UInt8($0) }) {
                user.privilege = privilege
            }
            return device.write(user) ? 0 : -1001
        }
    }

    private func delete(_ text: String) -> Int {
        guard text.hasPrefix("USERINFO") || text.hasPrefix("user") else { return -1004 }
        let pin = pairs(text.drop { $0 != " " }.dropFirst())["pin"] ?? ""
        return simulator.edit { device in
            guard let user = device.user(pin) else { return -10 }
            return device.deleteUser(uid: user.uid) ? 0 : -1
        }
    }
}
