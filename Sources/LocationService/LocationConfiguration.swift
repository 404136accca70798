import Attendance
import ServiceKit
import ZKProtocol

/// What a location is told to do; see `config/location.json5` for each key.
struct LocationConfiguration: Sendable {
    static let environmentPrefix = "BIOMETRICFLOW_LOCATION"

    /// The file it was read from.
    var origin: String
    /// The name that the certificate must have; nil to take whatever it has.
    var name: String?
    var zone: ZoneRules
    var store: String
    var tls: TLSConfiguration
    /// `host:port` of each gateway.
    var gateways: [String]
    var devices: [DeviceSettings]
    /// What holds for devices that say nothing else.
    var clock = ClockPolicy()
    var templates = TemplatePolicy.forbidden
    /// How terminals that push are received; nil where none are.
    var push: PushConfiguration?
    var logLevel: Logger.Level
    var logFormat: Logger.Format

    /// Reads and checks everything, secrets included; nothing is opened or dialled.
    static func load(
        file: String?, environment: [String: String]
    ) throws(ConfigurationError) -> LocationConfiguration {
        let root = try Configuration(
            file: file, environment: environment, prefix: environmentPrefix)
        let zoneName = try root.string("zone", max: 64)
        guard let zone = ZoneRules(zoneName) else {
            throw root.error(
                "zone", "is `\(zoneName)`, no IANA time zone such as Africa/Cairo")
        }
        let tls = try TLSConfiguration(try root.section("tls"))
        let log = try root.section("log")
        var gateways: [String] = []
        for gateway in try root.sections("gateways", maxCount: 16) {
            gateways.append(try address(gateway))
        }
        var devices: [DeviceSettings] = []
        let clock = try clockPolicy(root, ClockPolicy())
        for section in try root.sections("devices", maxCount: 1000) {
            var settings = try device(section)
            settings.clockPolicy = try clockPolicy(section, clock)
            devices.append(settings)
        }
        if let twice = firstRepeated(devices.map(\.name)) {
            throw root.error("devices", "has two devices named `\(twice)`")
        }
        if let twice = firstRepeated(gateways) {
            throw root.error("gateways", "has `\(twice)` twice")
        }
        let push = try PushConfiguration.read(root)
        if push == nil, let device = devices.first(where: \.isPush) {
            throw root.error("devices", "`\(device.name)` pushes, and there is no section `push`")
        }
        let serials = devices.filter(\.isPush).compactMap(\.serial)
        if let twice = firstRepeated(serials) {
            throw root.error("devices", "has two devices that push with serial `\(twice)`")
        }
        let configuration = LocationConfiguration(
            origin: root.origin, name: try root.optionalString("name", max: 64),
            zone: zone, store: try root.path("store"), tls: tls, gateways: gateways,
            devices: devices, clock: clock,
            templates: try root.choice("templates", default: .forbidden), push: push,
            logLevel: try log.choice("level", default: .info),
            logFormat: try log.choice("format", default: .text))
        try root.finish()
        return configuration
    }

    private static func device(
        _ section: Configuration
    ) throws(ConfigurationError) -> DeviceSettings {
        let isPush = try section.boolean("push", default: false)
        var settings = DeviceSettings(
            name: try section.string("name", max: 64),
            address: isPush ? "push" : try address(section))
        settings.serial = try section.optionalString("serial", max: 64)
        settings.isPush = isPush
        if isPush, !PushCall.isSerial(settings.serial ?? "") {
            throw section.error(
                "serial", "must be that of the terminal: 1 to 32 letters, digits, `-` and `_`")
        }
        if let secret = try section.optionalSecret("commKeyFile") {
            guard let key = UInt32(secret.revealText()) else {
                throw section.error(
                    "commKeyFile", "names a file that holds no number from 0 to 4294967295")
            }
            settings.commKey = key
        }
        let transport = try section.string("transport", default: "auto", max: 8)
        settings.transport = ZKTransport(rawValue: transport)
        guard settings.transport != nil || transport == "auto" else {
            throw section.error(
                "transport", "is `\(transport)`; allowed are `auto`, `tcp` and `udp`")
        }
        let mode = try section.string("clockMode", default: "zone", max: 16)
        guard let clockMode = ClockMode(mode) else {
            throw section.error(
                "clockMode", "is `\(mode)`; allowed are `zone`, `+hh:mm` and `-hh:mm`")
        }
        settings.clockMode = clockMode
        settings.encoding = try encoding(section)
        settings.findsAgain = try section.boolean("findAgain", default: true)
        settings.pollInterval = .seconds(
            try section.integer("pollSeconds", default: 60, in: 1...86_400))
        return settings
    }

    private static func clockPolicy(
        _ section: Configuration, _ inherited: ClockPolicy
    ) throws(ConfigurationError) -> ClockPolicy {
        let section = try section.section("clock")
        var policy = inherited
        policy.setting = try section.choice("set", default: inherited.setting)
        let seconds = try section.integer(
            "toleranceSeconds", default: Int(inherited.tolerance.components.seconds),
            in: 2...86_400)
        policy.tolerance = .seconds(seconds)
        return policy
    }

    private static func encoding(
        _ section: Configuration
    ) throws(ConfigurationError) -> TextEncoding? {
        let name = try section.string("encoding", default: "auto", max: 32)
        do throws(UnknownEncoding) { return try UnknownEncoding.encoding(named: name) } catch {
            throw section.error("encoding", error.description)
        }
    }

    /// `host:port`.
    private static func address(
        _ section: Configuration
    ) throws(ConfigurationError) -> String {
        let text = try section.string("address", max: 256)
        guard let colon = text.lastIndex(of: ":"), colon != text.startIndex,
            let port = UInt16(text[text.index(after: colon)...]), port > 0
        else { throw section.error("address", "is `\(text)`; wanted is host:port") }
        return text
    }

    private static func firstRepeated(_ texts: [String]) -> String? {
        var seen: Set<String> = []
        return texts.first { !seen.insert($0).inserted }
    }
}
