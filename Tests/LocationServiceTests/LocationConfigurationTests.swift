import Attendance
import Foundation
import ServiceKit
import TestSupport
import Testing
import ZKProtocol

@testable import LocationService

@Suite struct LocationConfigurationTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func load(
        _ text: String, _ environment: [String: String] = [:]
    ) throws -> LocationConfiguration {
        let file = directory.file("location.json5")
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return try LocationConfiguration.load(file: file, environment: environment)
    }

    private func text(_ more: String = "", device: String = "") -> String {
        """
        { zone: "Africa/Cairo", store: "s.db", tls: { certificate: "c", key: "k", ca: "a" },
          gateways: [{ address: "gw:7443" }],
          devices: [{ name: "door", address: "10.0.0.1:4370", \(device) }], \(more) }
        """
    }

    private func message(_ text: String) throws -> String {
        try #require(throws: ConfigurationError.self) { _ = try load(text) }.message
    }

    @Test func `the sample in the repository is right`() throws {
        let file = repositoryRoot + "/config/location.json5"
        let configuration = try LocationConfiguration.load(file: file, environment: [:])
        #expect(configuration.zone.name == "Africa/Cairo")
        #expect(configuration.devices.map(\.name) == ["front door"])
    }

    @Test func `what is not said has a default`() throws {
        let configuration = try load(text())
        #expect(configuration.tls.trustDomain == "biometricflow" && configuration.name == nil)
        #expect(configuration.store == directory.file("s.db"))
        let device = try #require(configuration.devices.first)
        #expect(device.pollInterval == .seconds(60) && device.clockMode == .zone)
        #expect(device.commKey == nil && device.serial == nil)
        #expect(device.encoding == nil)
        #expect(device.findsAgain)
    }

    @Test func `the encoding of a terminal's texts is one of those that are known`() throws {
        for name in ["utf-8", "gbk", "windows-1250", "windows-1256"] {
            let configuration = try load(text(device: "encoding: '\(name)'"))
            #expect(configuration.devices.first?.encoding?.name == name)
        }
        #expect(try load(text(device: "encoding: 'auto'")).devices.first?.encoding == nil)
        let stays = try load(text(device: "findAgain: false"))
        #expect(stays.devices.first?.findsAgain == false)
        let words = try message(text(device: "encoding: 'latin1'"))
        #expect(words.contains("devices[0].encoding") && words.contains("`windows-1256`"))
    }

    @Test func `the environment goes over the file`() throws {
        let configuration = try load(
            text(),
            [
                "BIOMETRICFLOW_LOCATION_ZONE": "Asia/Riyadh",
                "BIOMETRICFLOW_LOCATION_LOG_LEVEL": "debug",
                "BIOMETRICFLOW_LOCATION_GATEWAYS": "[{ address: 'other:1' }]",
            ])
        #expect(configuration.zone.name == "Asia/Riyadh" && configuration.logLevel == .debug)
        #expect(configuration.gateways == ["other:1"])
    }

    @Test func `a comm key comes from a file that only its owner reads`() throws {
        let file = directory.file("key")
        try "4711\n".write(toFile: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
        let configuration = try load(text(device: "commKeyFile: 'key', clockMode: '+02:00'"))
        #expect(configuration.devices.first?.commKey == 4711)
        #expect(configuration.devices.first?.clockMode == .fixed(seconds: 7200))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
        #expect(try message(text(device: "commKeyFile: 'key'")).contains("chmod 600"))
        try "secret".write(toFile: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
        let words = try message(text(device: "commKeyFile: 'key'"))
        #expect(words.contains("devices[0].commKeyFile") && !words.contains("secret"))
    }

    @Test(arguments: [
        (#""Africa/Cairo""#, "'Mars/Olympus'", "IANA time zone"),
        ("zone:", "zoen:", "zone` is missing"), ("} ],", "} ], zoen: 1,", "did you mean `zone`?"),
        ("4370\",", "4370\", adress: 'x'", "did you mean `address`?"),
        ("4370\",", "4370\", pollSeconds: 0", "1 to 86400"),
        ("4370\",", "4370\", clockMode: '+2'", "`+hh:mm`"),
        ("10.0.0.1:4370", "nowhere", "host:port"), ("10.0.0.1:4370", "h:0", "host:port"),
        ("10.0.0.1:4370", "h:65536", "host:port"), ("10.0.0.1:4370", ":1", "host:port"),
        ("devices: [", "devices: [{ name: 'door', address: 'h:2' },", "two devices named `door`"),
        ("gateways: [", "gateways: [{ address: 'gw:7443' },", "twice"),
    ])
    func `a mistake is refused by its name`(part: String, wrong: String, words: String) throws {
        let text = text().replacing(" }],", with: "} ],")
        try #require(text.contains(part))
        #expect(try message(text.replacing(part, with: wrong, maxReplacements: 1)).contains(words))
    }
}
