import Foundation
import Synchronization
import TestSupport
import Testing
import Transport

@testable import ServiceKit

/// Certificates that come to their ends, and files that change.
@Suite struct CertificateWatchTests {
    private final class Lines: Sendable {
        private let lines = Lock<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        func take() -> [String] {
            lines.withLock { lines in
                defer { lines = [] }
                return lines
            }
        }
    }

    private let certificates: Certificates
    private let tls: TLSContext
    private let validity: CertificateValidity
    private let time: Clock
    private let lines = Lines()
    private let watch: CertificateWatch

    private final class Clock: Sendable {
        let value = Atomic<Int64>(0)
    }

    init() throws {
        certificates = try Certificates(["location/cairo"])
        tls = try TLSConfiguration(
            certificate: certificates.certificate("location/cairo"),
            key: certificates.key("location/cairo"), ca: certificates.ca
        ).context(peerRoles: [], isServer: false)
        validity = try #require(tls.certificateValidity)
        let time = Clock()
        self.time = time
        let lines = lines
        watch = CertificateWatch(
            [(purpose: "mesh", tls: tls)], log: Logger(now: { (0, 0) }, write: { lines.add($0) }),
            now: { time.value.load(ordering: .relaxed) })
    }

    /// Puts the clock where this much of the certificate's life is left, and checks twice: what has
    /// been said is not said again.
    private func lines(left: Double) -> [String] {
        let life = Double(validity.notAfter - validity.notBefore)
        let now = validity.notAfter - Int64(life * left)
        time.value.store(now, ordering: .relaxed)
        watch.check()
        let lines = lines.take()
        watch.check()
        #expect(self.lines.take() == [])
        return lines
    }

    @Test func `a certificate's end is told at a half, a quarter and a tenth of its life`() throws {
        #expect(lines(left: 0.99) == [])
        #expect(lines(left: 0.51) == [])
        let half = try #require(lines(left: 0.49).first)
        #expect(half.contains("info half of the certificate's life is over certificate=mesh"))
        #expect(half.contains("until=\(RFC3339.text(seconds: validity.notAfter))"))
        #expect(half.contains("percent_left=49"))
        #expect(lines(left: 0.26) == [])
        #expect(lines(left: 0.24).first?.contains("warning a quarter of") == true)
        #expect(lines(left: 0.09).first?.contains("error a tenth of") == true)
        #expect(lines(left: -0.01).first?.contains("error the certificate has expired") == true)
    }

    @Test func `what is late already is told at the first look`() {
        #expect(lines(left: 0.05).first?.contains("a tenth of") == true)
    }

    @Test func `a certificate that is not valid yet is told`() {
        #expect(lines(left: 1.01).first?.contains("not valid yet") == true)
    }

    @Test func `readings are numbers for metrics`() throws {
        time.value.store(validity.notAfter, ordering: .relaxed)
        let reading = try #require(watch.readings.first)
        #expect(reading.notAfterSeconds == validity.notAfter && reading.lifeLeft == 0)
        #expect(reading.purpose == "mesh" && reading.file.hasSuffix("location-cairo.pem"))
    }

    @Test func `changed files are read, and a broken one is told once and changes nothing`() throws
    {
        time.value.store(validity.notBefore, ordering: .relaxed)
        let file = certificates.certificate("location/cairo")
        let text = try String(contentsOfFile: file, encoding: .utf8)
        watch.check()
        #expect(lines.take() == [])
        try "broken".write(toFile: file, atomically: true, encoding: .utf8)
        watch.check()
        watch.check()
        let broken = lines.take()
        #expect(broken.count == 1)
        #expect(broken.first?.contains("those read before stay") == true)
        #expect(broken.first?.contains("cannot read the certificate file \(file)") == true)
        #expect(tls.certificateValidity == validity)
        // An operator who asks gets an answer.
        watch.check(evenIfUnchanged: true)
        #expect(lines.take().count == 1)
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        watch.check()
        watch.check()
        let repaired = lines.take()
        #expect(repaired.count == 1)
        #expect(repaired.first?.contains("certificates were read again") == true)
        watch.check(evenIfUnchanged: true)
        #expect(lines.take().first?.contains("certificates were read again") == true)
    }

    @Test func `it looks at once, and ends with its task`() async throws {
        let loop = EventLoop(name: "test")
        defer { loop.shutdown() }
        time.value.store(validity.notAfter, ordering: .relaxed)
        let running = Task { await watch.run(on: loop) }
        var seen: [String] = []
        while seen.isEmpty {
            await Task.yield()
            seen = lines.take()
        }
        #expect(seen.first?.contains("a tenth of") == true)
        running.cancel()
        await running.value
    }
}
