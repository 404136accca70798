import MeshAPI
import RPCRuntime
import ServiceKit
import Transport

/// Looks at everything a location depends on, for `ctl check`.
struct LocationCheck: Sendable {
    let configuration: LocationConfiguration
    let name: String
    let tls: TLSContext
    let store: LocationStore
    let board: DeviceBoard
    let links: LinkBoard
    let surroundings: Surroundings

    func findings() async -> [Finding] {
        let now = surroundings.now()
        var findings = [
            finding(
                "configuration", configuration.origin, .ok,
                "\(configuration.devices.count) devices, \(configuration.gateways.count) gateways")
        ]
        findings.append(certificate(now))
        findings += await storeFindings()
        for link in links.all {
            findings.append(
                link.isUp
                    ? finding("link", link.address, .ok, "linked to \(link.detail)")
                    : finding(
                        "link", link.address, .failure, "no link: \(link.detail)",
                        "check the address, the gateway and the certificates of both"))
        }
        for status in board.statuses { findings += device(status, now) }
        return findings
    }

    private func finding(
        _ area: String, _ subject: String, _ level: CheckLevel, _ message: String,
        _ hint: String = ""
    ) -> Finding {
        Finding(
            area: area, subject: subject.clipped(toBytes: 256), level: level,
            message: message.clipped(toBytes: 1024), hint: hint.clipped(toBytes: 1024))
    }

    private func certificate(_ now: Timestamp) -> Finding {
        let subject = configuration.tls.certificate
        guard let end = tls.certificateValidity?.notAfter else {
            return finding("certificates", subject, .failure, "its end cannot be read")
        }
        let days = (end - now.seconds) / 86_400
        let hint = "issue a new certificate; the service reads it within a minute"
        if end <= now.seconds {
            return finding("certificates", subject, .failure, "expired \(-days) days ago", hint)
        }
        let message = "expires in \(days) days"
        return days < 14
            ? finding("certificates", subject, .warning, message, hint)
            : finding("certificates", subject, .ok, message)
    }

    private func storeFindings() async -> [Finding] {
        let (_, lastSequence) = await store.position
        let isWhole: Bool
        do throws(StoreError) {
            isWhole = try await store.check()
        } catch {
            return [
                finding(
                    "store", store.path, .failure, error.message,
                    error.code == .corrupt ? StoreError.afterDamage : "")
            ]
        }
        let extent = isWhole ? "sound" : "sound where it was looked at (a backup proves all of it)"
        var findings = [
            finding("store", store.path, .ok, "\(extent), \(lastSequence) entries")
        ]
        for sentence in store.alarm.sentences {
            findings.append(
                finding(
                    "store", store.path, store.alarm.isStoring ? .warning : .failure, sentence,
                    "make space on its disk; it goes on by itself, and the devices keep what is "
                        + "not stored"))
        }
        if store.opening == .replaced {
            findings.append(
                finding(
                    "store", store.path, .warning,
                    "the file was replaced by a copy before the service started; "
                        + "its log has a new id"))
        }
        return findings
    }

    private func device(_ status: DeviceStatus, _ now: Timestamp) -> [Finding] {
        let subject = status.device.name
        var findings: [Finding] = []
        switch status.state {
        case .online where status.cause.isEmpty:
            let through = status.completeThrough.map { "complete through \($0)" } ?? "not yet read"
            findings.append(
                finding("device", subject, .ok, "\(status.device.serial) online, \(through)"))
        case .online:
            findings.append(
                finding(
                    "device", subject, .warning, status.cause,
                    "its log could not be proved complete; it is tried again at each poll"))
        case .connecting:
            findings.append(finding("device", subject, .warning, "connecting"))
        default:
            findings.append(
                finding(
                    // One that nobody knows is no failure of the location.
                    "device", subject,
                    status.device.push && !status.device.active ? .warning : .failure,
                    status.cause, Self.hint(status.device)))
        }
        if status.clockMeasuredAt != nil {
            findings.append(clock(subject, status.clockOffsetMilliseconds))
        }
        if status.recordsCapacity > 0 {
            let percent = UInt64(status.recordsOnDevice) * 100 / UInt64(status.recordsCapacity)
            let message = """
                memory \(percent) % full (\(status.recordsOnDevice) of \
                \(status.recordsCapacity) records)
                """
            findings.append(
                percent >= 90
                    ? finding(
                        "device", subject, .warning, message,
                        "clear its log once the gateway holds all of it")
                    : finding("device", subject, .ok, message))
        }
        if let settings = configuration.devices.first(where: { $0.name == subject }),
            !settings.isPush, settings.commKey == nil || settings.commKey == 0
        {
            findings.append(
                finding(
                    "device", subject, .warning, "no comm key: anyone on its network can open it",
                    "set one at the device and in commKeyFile"))
        }
        return findings
    }

    private static func hint(_ device: Device) -> String {
        if device.push, !device.active {
            return "ctl device approve \(device.serial) NAME, or clear the server in its menu"
        }
        return device.push
            ? "check the server's address and port in the terminal's menu"
            : "check that \(device.address) is reachable and the comm key is right"
    }

    private func clock(_ subject: String, _ offset: Int64) -> Finding {
        let message = "clock \(abs(offset) / 1000) s \(offset < 0 ? "behind" : "ahead")"
        let hint = "set the device's clock, or correct zone and clockMode"
        switch abs(offset) {
        case 0...60_000: return finding("device", subject, .ok, message)
        case 60_001...600_000: return finding("device", subject, .warning, message, hint)
        default: return finding("device", subject, .failure, message, hint)
        }
    }
}
