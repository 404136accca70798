import Attendance
import ZKProtocol

/// A device as the configuration describes it.
struct DeviceSettings: Sendable {
    var name: String
    /// `host:port`; the host may be a name.
    var address: String
    /// The serial number it must have; nil for any.
    var serial: String?
    var commKey: UInt32?
    /// How it is reached; nil to find out.
    var transport: ZKTransport?
    /// How the terminal's texts are encoded; nil for UTF-8, and names that are none by language.
    var encoding: TextEncoding?
    var clockMode = ClockMode.zone
    var pollInterval: Duration = .seconds(60)
    var clockPolicy = ClockPolicy()
    var patience = DevicePatience()
    /// Whether the terminal uploads by itself and is never dialled; it then has a serial and no
    /// address.
    var isPush = false
    /// Whether it is looked for in its network when it is no longer at its address.
    var findsAgain = true

    var pollSeconds: UInt32 { UInt32(clamping: pollInterval.components.seconds) }
}

/// How long a session waits for a device.
struct DevicePatience: Sendable {
    var connect: Duration = .seconds(5)
    /// For an answer, or the next packet of one.
    var request: Duration = .seconds(10)
    /// For a whole log.
    var bulk: Duration = .seconds(600)
    /// Before a datagram is sent again.
    var retry: Duration = .milliseconds(500)
    /// Before UDP is tried beside TCP.
    var probe: Duration = .seconds(1)
    /// How long a connection may be silent before the device is asked for its time.
    var silence: Duration = .seconds(30)
    /// How soon after an event that only the log explains the log is read.
    var event: Duration = .seconds(1)
    /// Before a failed session is begun again, at first and at most.
    var again: ClosedRange<Duration> = .milliseconds(500) ... .seconds(30)
    /// The device's counter can stay the same while its log changes: the log is read in full after
    /// this long at the latest.
    var fullRead: Duration = .seconds(3600)
}
