import Foundation
import ServiceKit
import Transport

/// What a gateway is told: a JSON5 file with `BIOMETRICFLOW_GATEWAY_…` variables over it.
struct GatewayConfiguration: Sendable {
    static let prefix = "BIOMETRICFLOW_GATEWAY"

    /// Where it came from, for messages.
    var origin: String
    var meshListen: SocketAddress
    var tls: TLSConfiguration
    var httpListen: SocketAddress
    /// The edge's own certificate and key; nil serves plain HTTP, on loopback only.
    var httpTLS: (certificate: String, key: String)?
    var store: String
    /// Keys the hashes of API keys; made when the file does not exist.
    var pepperFile: String
    /// The only locations that may link, and that answers name from the start; empty allows all.
    var locations: [String]
    var logLevel: Logger.Level
    var logFormat: Logger.Format

    init(file: String?, environment: [String: String]) throws(ConfigurationError) {
        let root = try Configuration(
            file: file, environment: environment, prefix: Self.prefix)
        origin = root.origin
        let mesh = try root.section("mesh")
        meshListen = try Self.address(mesh, "listen", default: "0.0.0.0:7443")
        tls = try TLSConfiguration(try root.section("tls"))
        let http = try root.section("http")
        httpListen = try Self.address(http, "listen", default: "127.0.0.1:8080")
        let web = try http.section("tls")
        let certificate = try web.optionalPath("certificate")
        let key = try web.optionalPath("key")
        switch (certificate, key) {
        case (let certificate?, let key?): httpTLS = (certificate, key)
        case (nil, nil): httpTLS = nil
        case (nil, _): throw web.error("key", "is set, and the certificate is not")
        case (_, nil): throw web.error("certificate", "is set, and the key is not")
        }
        store = try root.path("store", default: "gateway.db")
        pepperFile = try root.optionalPath("pepperFile") ?? store + ".pepper"
        locations = try root.strings("locations", maxCount: 10_000)
        for name in locations where name.utf8.count > 64 {
            throw root.error("locations", "names `\(name)`, which is longer than 64 bytes")
        }
        let log = try root.section("log")
        logLevel = try log.choice("level", default: .info)
        logFormat = try log.choice("format", default: .text)
        try root.finish()
    }

    private static func address(_ part: Configuration, _ key: String, default value: String)
        throws(ConfigurationError) -> SocketAddress
    {
        let text = try part.string(key, default: value)
        do throws(TransportError) {
            return try SocketAddress(parsing: text)
        } catch {
            throw part.error(key, "is `\(text)`; wanted is a numeric address such as \(value)")
        }
    }

    /// Refuses private keys that others can read.
    func checkSecrets() throws(ConfigurationError) {
        _ = try Secret.read(path: tls.key)
        if let httpTLS { _ = try Secret.read(path: httpTLS.key) }
    }

    /// The pepper; made from `random` with the file when there is none.
    func pepper(random: (Int) -> [UInt8]) throws(ConfigurationError) -> Secret {
        if !FileManager.default.fileExists(atPath: pepperFile) {
            let text = hex(random(32)) + "\n"
            guard
                FileManager.default.createFile(
                    atPath: pepperFile, contents: Data(text.utf8),
                    attributes: [.posixPermissions: 0o600])
            else { throw ConfigurationError("cannot make the pepper file \(pepperFile)") }
        }
        let secret = try Secret.read(path: pepperFile)
        guard secret.revealText().utf8.count >= 32 else {
            throw ConfigurationError(
                "the pepper file \(pepperFile) holds less than 32 characters")
        }
        return secret
    }
}
