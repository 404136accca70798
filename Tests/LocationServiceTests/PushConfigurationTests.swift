import Foundation
import ServiceKit
import TestSupport
import Testing

@testable import LocationService

@Suite struct PushConfigurationTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func load(_ devices: String, _ more: String) throws -> LocationConfiguration {
        let file = directory.file("location.json5")
        let text = """
            { zone: "Africa/Cairo", store: "s.db", tls: { certificate: "c", key: "k", ca: "a" },
              gateways: [], devices: [\(devices)], \(more) }
            """
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return try LocationConfiguration.load(file: file, environment: [:])
    }

    private func message(_ devices: String, _ more: String) throws -> String {
        try #require(throws: ConfigurationError.self) { _ = try load(devices, more) }.message
    }

    @Test func `without a section nothing is received`() throws {
        #expect(try load("", "").push == nil)
    }

    @Test func `a section needs an address, and the rest has defaults`() throws {
        let configuration = try load(
            "{ name: 'side', push: true, serial: 'CEXA1' }", "push: { listen: '0.0.0.0:8081' }")
        let push = try #require(configuration.push)
        #expect(push.listen == "0.0.0.0:8081" && push.approval == .operator)
        #expect(push.bodyMax == 16 << 20 && push.pollSeconds == 10 && push.commKey == nil)
        #expect(configuration.devices.first?.isPush == true)
        #expect(configuration.devices.first?.serial == "CEXA1")
    }

    @Test func `what cannot be is refused with its key`() throws {
        let push = "push: { listen: '0.0.0.0:8081' }"
        #expect(try message("{ name: 'a', push: true }", push).contains("serial"))
        #expect(try message("{ name: 'a', push: true, serial: 'x y' }", push).contains("serial"))
        #expect(try message("{ name: 'a', push: true, serial: 'X' }", "").contains("push"))
        #expect(
            try message(
                "{ name: 'a', push: true, serial: 'X' }, { name: 'b', push: true, serial: 'X' }",
                push
            ).contains("`X`"))
        #expect(try message("", "push: {}").contains("listen"))
        #expect(try message("", "push: { listen: '8081' }").contains("host:port"))
        #expect(try message("", "push: { listen: 'a:1', approve: 'all' }").contains("everyone"))
        #expect(
            try message("", "push: { listen: 'a:1', bodyMaxBytes: 1 }").contains("bodyMaxBytes"))
    }
}
