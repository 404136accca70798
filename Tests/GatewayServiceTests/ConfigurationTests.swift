import Foundation
import ServiceKit
import TestSupport
import Testing
import Transport

@testable import GatewayService

@Suite struct ConfigurationTests {
    private func read(_ text: String, _ environment: [String: String] = [:])
        throws(ConfigurationError) -> GatewayConfiguration
    {
        let folder: TemporaryDirectory
        do {
            folder = try TemporaryDirectory()
            try text.write(toFile: folder.file("g.json5"), atomically: true, encoding: .utf8)
        } catch {
            throw ConfigurationError("\(error)")
        }
        return try GatewayConfiguration(file: folder.file("g.json5"), environment: environment)
    }

    private let tls = #"tls: { certificate: "c", key: "k", ca: "a" }"#

    @Test func `the sample configuration is right`() throws {
        let sample = try GatewayConfiguration(
            file: "\(repositoryRoot)/config/gateway.json5", environment: [:])
        #expect(sample.httpListen.description == "127.0.0.1:8080")
        #expect(sample.store == "\(repositoryRoot)/config/gateway.db")
        #expect(sample.pepperFile == "\(repositoryRoot)/config/gateway.db.pepper")
    }

    @Test func `the environment goes over the file`() throws {
        let read = try read(
            "{ \(tls), locations: ['a'] }",
            [
                "BIOMETRICFLOW_GATEWAY_HTTP_LISTEN": "127.0.0.1:9",
                "BIOMETRICFLOW_GATEWAY_LOCATIONS": "['b', 'c']",
            ])
        #expect(read.httpListen.port == 9)
        #expect(read.locations == ["b", "c"])
        #expect(read.tls.certificate.hasSuffix("/c"))
    }

    @Test func `mistakes name the key`() throws {
        for (text, words) in [
            ("{}", "`tls.certificate` is missing"),
            ("{ \(tls), htpt: {} }", "did you mean `http`"),
            ("{ \(tls), http: { listen: 'here' } }", "`http.listen`"),
            ("{ \(tls), http: { tls: { key: 'k' } } }", "`http.tls.key`"),
            ("{ \(tls), http: { tls: { certificate: 'k' } } }", "`http.tls.certificate`"),
            ("{ \(tls), log: { level: 'loud' } }", "`log.level`"),
        ] {
            let error = #expect(throws: ConfigurationError.self) { _ = try read(text) }
            #expect(error?.message.contains(words) == true, "\(text): \(error?.message ?? "")")
        }
    }

    @Test func `the pepper is made once, for its owner alone, and an open one is refused`() throws {
        let folder = try TemporaryDirectory()
        var configuration = try read("{ \(tls) }")
        configuration.pepperFile = folder.file("pepper")
        let made = try configuration.pepper { [UInt8](repeating: 0x5A, count: $0) }
        #expect(made.revealText() == String(repeating: "5a", count: 32))
        let again = try configuration.pepper { [UInt8](repeating: 0, count: $0) }
        #expect(again.revealText() == made.revealText())
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644], ofItemAtPath: configuration.pepperFile)
        let open = configuration
        let error = #expect(throws: ConfigurationError.self) {
            _ = try open.pepper { [UInt8](repeating: 0, count: $0) }
        }
        #expect(error?.message.contains("chmod 600") == true)
    }
}
