import Foundation
import ServiceKit

/// Which gateway to ask, and who asks: flags over the environment over the configuration's context.
struct Settings: Sendable {
    var gateway: String
    var ca: String
    var certificate: String
    var key: String
    var trustDomain: String
    /// For the connection and for each call; nil for their own defaults.
    var timeout: Duration?
    /// Where the gateway's address came from, for `ctl check`.
    var origin: String

    /// - Parameters:
    ///   - invocation: The flags.
    ///   - environment: `CTL_…` and `HOME`.
    init(_ invocation: Invocation, environment: [String: String]) throws(Failure) {
        let context = try Context.read(invocation, environment)
        func find(_ option: String, _ inContext: String?) throws(Failure) -> (String, String)? {
            if let value = invocation.value(option) {
                guard !value.isEmpty else { throw .usage("\(option) is empty") }
                return (value, option)
            }
            let variable = Self.variable(option)
            if let value = environment[variable], !value.isEmpty { return (value, variable) }
            return inContext.map { ($0, context?.origin ?? "") }
        }
        let gateway = try find("--gateway", context?.gateway)
        let ca = try find("--ca", context?.ca)
        let certificate = try find("--cert", context?.certificate)
        let key = try find("--key", context?.key)
        guard let gateway, let ca, let certificate, let key else {
            var missing: [String] = []
            if gateway == nil { missing.append("--gateway") }
            if ca == nil { missing.append("--ca") }
            if certificate == nil { missing.append("--cert") }
            if key == nil { missing.append("--key") }
            let variables = missing.map(Self.variable).joined(separator: ", ")
            throw .usage(
                "\(missing.joined(separator: ", ")) \(missing.count == 1 ? "is" : "are") missing",
                hint: "give the flags, set \(variables), or write a context to "
                    + Context.defaultFile(environment))
        }
        self.gateway = gateway.0
        origin = gateway.1
        self.ca = ca.0
        self.certificate = certificate.0
        self.key = key.0
        trustDomain = try find("--trust-domain", context?.trustDomain)?.0 ?? "biometricflow"
        timeout = nil
        if let (text, place) = try find("--timeout", context?.timeout) {
            guard let time = Times.duration(text), time > .zero, time <= .seconds(3600) else {
                throw .usage(
                    "\(place) is `\(text)`; wanted is a time up to 1h, such as 5s or 500ms")
            }
            timeout = time
        }
    }

    /// `--trust-domain` → `CTL_TRUST_DOMAIN`.
    static func variable(_ option: String) -> String {
        "CTL_" + option.dropFirst(2).uppercased().replacing("-", with: "_")
    }
}

/// One context of the configuration file.
struct Context: Sendable {
    var gateway: String?
    var ca: String?
    var certificate: String?
    var key: String?
    var trustDomain: String?
    var timeout: String?
    /// The file and the context's name.
    var origin: String

    static func defaultFile(_ environment: [String: String]) -> String {
        let home = environment["HOME"] ?? ""
        let folder =
            environment["XDG_CONFIG_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? home + "/.config"
        return folder + "/ctl/config"
    }

    /// The context asked for, or the current one; nil when there is no configuration.
    static func read(
        _ invocation: Invocation, _ environment: [String: String]
    ) throws(Failure) -> Context? {
        let given = invocation.value("--config") ?? environment["CTL_CONFIG"]
        let asked = invocation.value("--context") ?? environment["CTL_CONTEXT"]
        let file = given ?? defaultFile(environment)
        if given == nil, !FileManager.default.fileExists(atPath: file) {
            guard let asked else { return nil }
            throw .usage("the context `\(asked)` is asked for, and there is no \(file)")
        }
        try checkMode(of: file)
        do throws(ConfigurationError) {
            return try read(file, asked)
        } catch {
            throw .usage(error.message)
        }
    }

    private static func read(
        _ file: String, _ asked: String?
    ) throws(ConfigurationError) -> Context? {
        let root = try Configuration(file: file, environment: [:], prefix: "CTL")
        let current = try root.optionalString("current-context", max: 64)
        let contexts = try root.section("contexts")
        var chosen: Context?
        let names = contexts.keys
        for name in names {
            let section = try contexts.section(name)
            let context = Context(
                gateway: try section.optionalString("gateway"),
                ca: try section.optionalPath("ca"),
                certificate: try section.optionalPath("cert"),
                key: try section.optionalPath("key"),
                trustDomain: try section.optionalString("trust-domain", max: 255),
                timeout: try section.optionalString("timeout", max: 16),
                origin: "context `\(name)` of \(file)")
            if name == asked ?? current { chosen = context }
        }
        try root.finish()
        guard chosen == nil, let wanted = asked ?? current else { return chosen }
        let hint = closest(to: wanted, in: names).map { "; did you mean `\($0)`?" } ?? ""
        throw ConfigurationError(
            "\(file) has no context `\(wanted)`\(hint); there are: \(names.joined(separator: ", "))"
        )
    }

    /// Who can change the file chooses the gateway that is trusted and the keys that are used.
    private static func checkMode(of file: String) throws(Failure) {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: file),
            let mode = attributes[.posixPermissions] as? NSNumber
        else { return }
        guard mode.intValue & 0o077 == 0 else {
            throw .usage(
                "the configuration \(file) is open to others than its owner",
                hint: "chmod 600 \(file)")
        }
    }
}
