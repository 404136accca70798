import ZKProtocol

/// A kind of terminal: what its firmware does differently from others.
enum DeviceProfile: String, Sendable, CaseIterable {
    /// An old terminal with a black-and-white display: UDP alone, rows with an index only.
    case monochrome
    /// A terminal with a colour display, as most installations have.
    case tft
    /// Firmware whose rows have 49 bytes.
    case rows49
    /// A face terminal: 120-byte users, longer counters.
    case face
    /// A terminal that pushes its log, and refuses to have it read.
    case push

    /// The model, with a serial number still to be given.
    var model: DeviceModel {
        var model = DeviceModel()
        switch self {
        case .monochrome:
            model.name = "Simulated MA300"
            model.platform = "ZEM500"
            model.firmware = "Ver 5.26 Mar 12 2009"
            model.userLayout = .bytes28
            model.recordLayout = .bytes8Flags
            model.eventLayout = .bytes10
            model.sizesBytes = 80
            model.transports = [.udp]
            model.userCapacity = 1500
            model.recordCapacity = 100_000
            // What one datagram carries.
            model.inlineBytesMax = 1000
        case .tft: break
        case .rows49:
            model.name = "Simulated MB560-VL"
            model.platform = "ZMM510_TFT"
            model.firmware = "Ver 8.0.4.3-20200831"
            model.recordLayout = .text(stride: 49)
            model.eventLayout = .bytes36
        case .face:
            model.name = "Simulated SpeedFace-V5L"
            model.platform = "ZAM180_TFT"
            model.firmware = "ZAM180-NF-Ver1.1.17"
            model.userLayout = .bytes120
            model.recordLayout = .text(stride: 40)
            model.eventLayout = .bytes52
            model.sizesBytes = 112
            model.userCapacity = 6000
        case .push:
            model.name = "Simulated SpeedFace-H5L"
            model.platform = "ZMM220_TFT"
            model.bulkReads = .refused(.bulkRefused)
            model.countsRecords = false
        }
        return model
    }
}
