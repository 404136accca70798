import Attendance

/// A device as the configuration describes it.
struct DeviceSettings: Sendable {
    var name: String
    /// `host:port`; the host may be a name.
    var address: String
    /// The serial number it must have; nil for any.
    var serial: String?
    var commKey: UInt32?
    var clockMode = ClockMode.zone
    var pollInterval: Duration = .seconds(60)
    var clockPolicy = ClockPolicy()

    var pollSeconds: UInt32 { UInt32(clamping: pollInterval.components.seconds) }
}
