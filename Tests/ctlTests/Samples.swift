import MeshAPI
import RPCRuntime
import Testing

@testable import ctl

/// Two locations in two zones, with two punches.
enum Sample {
    static func script(complete: Bool = true) throws -> ScriptedFleet.Script {
        var script = ScriptedFleet.Script()
        let sources = try sources(complete: complete)
        script.locations = LocationList(
            data: [try cairo(), try riyadh(isUp: complete)], complete: complete,
            asOf: noon, sources: sources)
        script.devices = DeviceList(
            data: [try device()], complete: complete, asOf: noon, sources: sources)
        script.pages = [
            PunchPage(
                data: try punches(), nextCursor: "0", complete: complete, asOf: noon,
                sources: sources)
        ]
        return script
    }

    static func sources(complete: Bool) throws -> [Source] {
        [
            Source(
                location: "cairo", state: .linked,
                completeThrough: try instant("2026-03-01T17:59:30Z"), lastSequence: 210),
            Source(
                location: "riyadh", state: complete ? .linked : .unreachable,
                completeThrough: try instant("2026-03-01T12:55:00Z"), lastSequence: 90),
        ]
    }

    static func cairo() throws -> LocationState {
        LocationState(
            name: "cairo", state: .linked, zone: "Africa/Cairo", logID: [0xAB, 0x01],
            lastSequence: 210, announcedSequence: 210,
            completeThrough: try instant("2026-03-01T17:59:30Z"), lastContact: noon,
            address: "10.1.0.4:51234", devices: 2, punches: 200)
    }

    static func riyadh(isUp: Bool) throws -> LocationState {
        LocationState(
            name: "riyadh", state: isUp ? .linked : .unreachable, zone: "Asia/Riyadh",
            logID: [0xCD, 0x02], lastSequence: 90, announcedSequence: isUp ? 90 : 97,
            completeThrough: try instant("2026-03-01T12:55:00Z"),
            lastContact: try instant("2026-03-01T12:55:02.500Z"),
            address: isUp ? "10.2.0.4:40000" : "", devices: 1, punches: 88,
            cause: isUp ? "" : "the link ended: connection reset")
    }

    static func device() throws -> DeviceView {
        DeviceView(
            location: "cairo", serial: "CK0001", name: "باب رئيسي", platform: "ZEM560",
            firmware: "6.60", address: "10.1.0.20:4370", active: true, clockMode: "zone",
            pollIntervalSeconds: 30, state: .online, lastContact: noon,
            completeThrough: try instant("2026-03-01T17:59:30Z"), punches: 150,
            recordsOnDevice: 150, recordsCapacity: 100_000, users: 40,
            clockOffsetMilliseconds: -2350, clockMeasuredAt: noon,
            memory: DeviceMemory(percentFull: 0, punchesPerDay: 12, daysToFull: 8320),
            proof: .proved,
            lastException: DeviceException(
                device: "CK0001", at: noon, kind: .shortRead, text: "fewer rows than announced",
                announcedBytes: 6004, rows: 149, countBefore: 150, countAfter: 150, times: 2,
                firstAt: noon), transport: "tcp")
    }

    static func punches() throws -> [StoredPunch] {
        [
            try punch(1, "cairo", "12", "2026-03-01T08:00:03", 0, "2026-03-01T06:00:03Z"),
            try punch(2, "riyadh", "#7", "2026-03-01T17:31:00", 1, "2026-03-01T14:31:00Z"),
        ]
    }

    static func punch(
        _ sequence: UInt64, _ location: String, _ user: String, _ local: String, _ state: UInt32,
        _ time: String?
    ) throws -> StoredPunch {
        StoredPunch(
            sequence: sequence, location: location, device: "\(location)-1", user: user,
            resolvedUser: user == "#7" ? "7,5" : "", localTime: local,
            instant: try time.map(instant), state: state,
            stateName: [0: "check_in", 1: "check_out"][state] ?? "unknown", verify: 1, workCode: 0,
            source: .poll, receivedAt: try instant("2026-03-01T14:31:05Z"))
    }
}
