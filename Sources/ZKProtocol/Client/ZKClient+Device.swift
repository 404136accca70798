/// What a device says of itself.
public struct DeviceIdentity: Sendable, Hashable {
    public var serial: String
    /// Empty where the device does not tell.
    public var name: String
    public var platform: String
    public var firmware: String
    public var mac: String

    public init(serial: String, name: String, platform: String, firmware: String, mac: String) {
        self.serial = serial
        self.name = name
        self.platform = platform
        self.firmware = firmware
        self.mac = mac
    }
}

extension ZKClient {
    /// Serial number, name, platform, firmware and MAC address.
    ///
    /// Fails where the device tells no serial number: nothing could be attributed to it.
    public func identity() async throws(ZKError) -> DeviceIdentity {
        guard let serial = try await option("~SerialNumber"), !serial.isEmpty else {
            throw failure(.malformed, .readOption, "the device tells no serial number")
        }
        return DeviceIdentity(
            serial: serial, name: try await option("~DeviceName") ?? "",
            platform: try await option("~Platform") ?? "", firmware: try await firmware(),
            mac: try await option("MAC") ?? "")
    }

    /// The value of a setting; nil where the device does not know it.
    public func option(_ name: String) async throws(ZKError) -> String? {
        let answer = try await request(.readOption, DeviceOption.request(name))
        switch answer.command {
        case .ok: break
        case .error, .unknown, .badCommand: return nil
        default: throw refusal(answer, of: .readOption)
        }
        let option = try decoding(.readOption) { () throws(FormatError) in
            try DeviceOption(decoding: answer.data, encoding)
        }
        guard option.name == name else {
            throw failure(
                .malformed, .readOption,
                "asked for \(name), the device answered \(option.name.prefix(64))")
        }
        return option.value
    }

    /// The firmware's version, such as `Ver 6.60 Apr 28 2017`.
    public func firmware() async throws(ZKError) -> String {
        DeviceText.decode(try await perform(.version))
    }

    /// The device's wall clock.
    public func time() async throws(ZKError) -> LocalTime {
        let data = try await perform(.getTime)
        guard data.count >= 4 else {
            throw failure(.malformed, .getTime, "the time has \(data.count) bytes, not 4")
        }
        return LocalTime(packed: data.span.u32(at: 0))
    }

    public func setTime(_ time: LocalTime) async throws(ZKError) {
        var data: [UInt8] = []
        data.append(u32: time.packed)
        try await perform(.setTime, data)
    }

    /// How full the device is.
    public func freeSizes() async throws(ZKError) -> FreeSizes {
        let data = try await perform(.freeSizes)
        return try decoding(.freeSizes) { () throws(FormatError) in
            try FreeSizes(decoding: data)
        }
    }

    /// Lets people punch again.
    public func enable() async throws(ZKError) { try await perform(.enable) }

    /// Keeps people from punching; the device lets them again by itself after `seconds`.
    public func disable(forSeconds seconds: UInt32) async throws(ZKError) {
        var data: [UInt8] = []
        data.append(u32: seconds)
        try await perform(.disable, data)
    }
}
