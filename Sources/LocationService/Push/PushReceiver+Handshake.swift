import Attendance
import HTTP
import RPCRuntime
import Synchronization
import ZKProtocol

extension PushReceiver {
    /// Below the versions in which the terminal wants to encrypt.
    static let attendanceVersion = "2.3.0"
    static let accessVersion = "3.0.1"

    /// `GET cdata`: the terminal asks for its options.
    func handshake(_ call: PushCall) async throws(StoreError) -> HTTPResponse {
        // A roaming user of another terminal; there is none here.
        guard call["options"] != nil else { return .push("OK") }
        if call["devicetype"]?.lowercased() == "acc" { return accessHandshake(call) }
        note(call.serial, .attendance)
        guard let terminal = terminal(call.serial) else { return .push("OK") }
        let stamps = try await store.pushStamps(of: call.serial)
        let offset = offset(of: terminal.clockMode)
        update(call.serial) { $0.toldOffset = offset }
        var lines = ["GET OPTION FROM: \(call.serial)"]
        lines += ["ATTLOG", "OPERLOG"].map { "\($0)Stamp=\(stamps[$0] ?? "0")" }
        lines.append("ATTPHOTOStamp=None")
        if call["pushver"] == nil {
            // The names that firmware before 2.2 knows.
            lines.append("Stamp=\(stamps["ATTLOG"] ?? "0")")
            lines.append("OpStamp=\(stamps["OPERLOG"] ?? "0")")
            lines.append("PhotoStamp=None")
        }
        lines += [
            "ErrorDelay=\(settings.errorSeconds)", "Delay=\(settings.pollSeconds)",
            "TransTimes=00:00;12:00", "TransInterval=1",
            // No templates and no pictures: they would be thrown away.
            "TransFlag=TransData AttLog\tOpLog\tEnrollUser\tChgUser",
            "TimeZone=\(Self.zoneText(offset))", "Realtime=1", "Encrypt=None",
            "ServerVer=\(Self.attendanceVersion)", "PushProtVer=\(Self.attendanceVersion)",
        ]
        return .push(lines.joined(separator: "\n") + "\n")
    }

    /// Whole hours, or minutes where the offset is none.
    static func zoneText(_ offset: Int64) -> String {
        offset % 3600 == 0 ? "\(offset / 3600)" : "\(offset / 60)"
    }

    /// Notes which family the terminal is of.
    func note(_ serial: String, _ dialect: PushDialect) {
        guard terminal(serial)?.dialect != dialect else { return }
        update(serial) { $0.dialect = dialect }
        commands.know(serial, dialect)
    }

    /// `table=options`, or a registration: `name=value,name=value,…`.
    func takeOptions(_ call: PushCall) async throws(StoreError) {
        let parts = call.body.prefix(65_536).split { $0 == 0x2C || $0 == 10 || $0 == 13 }
        let pairs = PushPairs(Array(parts.prefix(512)))
        func text(_ names: [String], max: Int) -> String? {
            for name in names {
                guard let value = pairs[name], !value.isEmpty else { continue }
                return PushText.shown(PushText.trimmed(value), max: max)
            }
            return nil
        }
        let platform = text(["~devicename", "devicename", "~platform"], max: 128)
        let firmware = text(["firmver", "fwversion"], max: 128)
        let mac = text(["mac"], max: 32)?.lowercased()
        update(call.serial) { terminal in
            if let platform { terminal.platform = platform }
            if let firmware, terminal.firmware.isEmpty || terminal.dialect == .access {
                terminal.firmware = firmware
            }
            if let mac { terminal.mac = mac }
        }
        try await declare(call.serial)
    }

    // MARK: Access terminals

    private func accessHandshake(_ call: PushCall) -> HTTPResponse {
        note(call.serial, .access)
        guard let code = terminal(call.serial)?.registryCode else { return .push("OK") }
        return .push(
            "registry=ok\nRegistryCode=\(code)\n" + accessLines(call.serial).joined(separator: "\n")
                + "\n")
    }

    /// `POST registry`.
    func register(_ call: PushCall) async throws(StoreError) -> HTTPResponse {
        note(call.serial, .access)
        let digits = surroundings.randomBytes(8).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
        let code = digits.joined()
        update(call.serial) { $0.registryCode = code }
        try await takeOptions(call)
        return .push("RegistryCode=\(code)")
    }

    /// `push`: the options of an access terminal.
    func accessOptions(_ call: PushCall) -> HTTPResponse {
        note(call.serial, .access)
        return .push(accessLines(call.serial).joined(separator: "\n") + "\n")
    }

    private func accessLines(_ serial: String) -> [String] {
        let session = Array(serial.utf8).map { String($0, radix: 16) }.joined().prefix(32)
        return [
            "ServerVersion=\(Self.accessVersion)", "ServerName=ADMS",
            "PushProtVer=\(Self.accessVersion)", "ErrorDelay=\(settings.errorSeconds)",
            "RequestDelay=\(settings.pollSeconds)", "TransTimes=00:00 12:00", "TransInterval=1",
            "TransTables=User Transaction", "Realtime=1", "SessionID=\(session)", "TimeoutSec=10",
        ]
    }

    /// `rtdata`: the time, packed as the terminal packs it, in GMT.
    func accessTime() -> HTTPResponse {
        let packed = LocalTime(secondsSince1970: surroundings.now().seconds)?.packed ?? 0
        let minutes = offset(of: .zone) / 60
        let sign = minutes < 0 ? "-" : "+"
        func padded(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let zone = sign + padded(abs(minutes) / 60) + padded(abs(minutes) % 60)
        return .push("DateTime=\(packed),ServerTZ=\(zone)")
    }
}
