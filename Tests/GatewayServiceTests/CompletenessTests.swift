import MeshAPI
import RPCRuntime
import Testing

@testable import GatewayService

/// A row of the table: what is known of one location, and what an answer may say.
struct CompletenessCase: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// Watermarks of the active devices, in seconds; nil for none yet.
    var watermarks: [Int64?] = [100]
    /// Watermarks of devices that are no longer configured.
    var inactive: [Int64?] = []
    var unread: Int64 = 0
    /// Whether the link's last heartbeat names devices, and one that was never read among them.
    var hasHeartbeat = true
    var hasNewDevice = false
    var state = LinkState.linked
    var stored: UInt64 = 10
    var announced: UInt64 = 10
    var isSameLog = true
    var now: Int64 = 110
    var through: Int64? = 100
    /// Of a range that ends at 100, of one that ends at 101, and of one with an open end.
    var past = true
    var later = false
    var open = true

    init(_ name: String, _ change: (inout CompletenessCase) -> Void) {
        testDescription = name
        change(&self)
    }

    var view: LocationView {
        func device(_ watermark: Int64?, active: Bool) -> StoredDevice {
            StoredDevice(
                device: Device(serial: "D", active: active, pollIntervalSeconds: 10),
                watermark: watermark.map { at($0) }, records: 0, clockOffsetMilliseconds: 0,
                clockMeasuredAt: nil, punches: 0)
        }
        var statuses: [DeviceStatus] = []
        if hasHeartbeat {
            statuses.append(
                DeviceStatus(device: Device(serial: "D", active: true), completeThrough: at(0)))
        }
        if hasNewDevice {
            statuses.append(DeviceStatus(device: Device(name: "new", active: true)))
        }
        let log = [UInt8](repeating: 1, count: 16)
        return LocationView(
            stored: StoredLocation(
                name: "cairo", logID: log, lastSequence: stored, zone: "", lastContact: nil,
                punches: 0, unread: unread,
                devices: watermarks.map { device($0, active: true) }
                    + inactive.map { device($0, active: false) }),
            link: LinkView(
                state: state, logID: isSameLog ? log : [2], announcedSequence: announced,
                devices: statuses),
            now: at(now))
    }
}

@Suite struct CompletenessTests {
    static let cases = [
        CompletenessCase("linked, followed, fresh") { _ in },
        CompletenessCase("the earliest device counts") {
            $0.watermarks = [130, 100, 140]
            $0.now = 115
        },
        CompletenessCase("a device that was never read") {
            $0.watermarks = [100, nil]
            $0.through = nil
            $0.past = false
            $0.open = false
        },
        CompletenessCase("a device that the location never reached") {
            $0.unread = 1
            $0.through = nil
            $0.past = false
            $0.open = false
        },
        CompletenessCase("a device that is new on the link") {
            $0.hasNewDevice = true
            $0.through = nil
            $0.past = false
            $0.open = false
        },
        CompletenessCase("a link without a heartbeat yet") {
            $0.hasHeartbeat = false
            $0.open = false
        },
        CompletenessCase("no device") {
            $0.watermarks = []
            $0.through = nil
            $0.past = false
            $0.open = false
        },
        CompletenessCase("a device that is gone does not count") {
            $0.inactive = [5, nil]
        },
        CompletenessCase("a dead location does not make the past incomplete") {
            $0.state = .unreachable
            $0.open = false
        },
        CompletenessCase("a name in conflict") {
            $0.state = .conflict
            $0.open = false
        },
        CompletenessCase("entries announced and not yet stored") {
            $0.announced = 11
            $0.open = false
        },
        CompletenessCase("another log announced") {
            $0.isSameLog = false
            $0.open = false
        },
        CompletenessCase("two poll intervals old") { $0.now = 120 },
        CompletenessCase("older than two poll intervals") {
            $0.now = 121
            $0.open = false
        },
        CompletenessCase("a watermark behind the range") {
            $0.watermarks = [101]
            $0.through = 101
            $0.later = true
        },
    ]

    @Test(arguments: cases)
    func `an answer is complete by the rule`(row: CompletenessCase) {
        #expect(row.view.completeThrough == row.through.map { at($0) })
        #expect(row.view.isComplete(to: at(100)) == row.past)
        #expect(row.view.isComplete(to: at(101)) == row.later)
        #expect(row.view.isComplete(to: nil) == row.open)
        #expect([row.view].areComplete(to: nil) == row.open)
    }

    @Test func `one incomplete location makes the answer incomplete, and so does knowing none`() {
        let good = CompletenessCase("good") { _ in }.view
        let bad = CompletenessCase("bad") { $0.state = .unreachable }.view
        #expect([good, good].areComplete(to: nil))
        #expect(![good, bad].areComplete(to: nil))
        #expect([good, bad].areComplete(to: at(100)))
        #expect(![LocationView]().areComplete(to: nil))
    }
}
