/// What a device is busy with.
public struct DeviceState: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let waiting = DeviceState(rawValue: 0)
    public static let enrolling = DeviceState(rawValue: 1)
    public static let identifying = DeviceState(rawValue: 2)
    public static let inMenu = DeviceState(rawValue: 3)
    public static let busy = DeviceState(rawValue: 4)
    public static let writingCard = DeviceState(rawValue: 5)

    /// The name, or the number where it is not known.
    public var description: String {
        switch self {
        case .waiting: "waiting"
        case .enrolling: "enrolling"
        case .identifying: "identifying"
        case .inMenu: "in the menu"
        case .busy: "busy"
        case .writingCard: "writing a card"
        default: "\(rawValue)"
        }
    }
}
