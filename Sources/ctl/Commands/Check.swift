import MeshAPI
import RPCRuntime
import ServiceKit
import Transport

extension Ctl {
    /// Looks at what is here first, then at the link, then at what the gateway finds.
    static func check(
        _ invocation: Invocation, _ output: Output, _ surroundings: Surroundings
    ) async throws(Failure) -> Terminal.ExitCode {
        var report = CheckScreen(output)
        try report.begin()
        try await check(invocation, output, surroundings, &report)
        try report.end()
        return report.count(.warning) + report.count(.failure) == 0 ? .ok : .incomplete
    }

    private static func check(
        _ invocation: Invocation, _ output: Output, _ surroundings: Surroundings,
        _ report: inout CheckScreen
    ) async throws(Failure) {
        let settings: Settings
        let tls: TLSContext
        do throws(Failure) {
            settings = try Settings(invocation, environment: surroundings.environment)
        } catch {
            try report.show([Finding(error, area: "configuration", subject: "ctl")])
            return
        }
        try report.show([
            Finding(
                area: "configuration", subject: "ctl", level: .ok,
                message: "gateway \(settings.gateway), from \(settings.origin)")
        ])
        do throws(Failure) { tls = try Session.tls(settings, invocation) } catch {
            try report.show([Finding(error, area: "certificates", subject: "ctl")])
            return
        }
        try report.show([certificate(tls, settings, surroundings.now())])
        try await withLoop { loop throws(Failure) in
            let session = Session(
                invocation: invocation, output: output, settings: settings,
                surroundings: surroundings, tls: tls, loop: loop)
            try await session.checkGateway(&report)
        }
    }

    /// The own certificate: who it says we are, and until when.
    static func certificate(
        _ tls: TLSContext, _ settings: Settings, _ now: Timestamp
    ) -> Finding {
        var finding = Finding(area: "certificates", subject: settings.certificate)
        finding.level = .failure
        finding.hint = "make a certificate with the URI spiffe://\(settings.trustDomain)/ctl/NAME"
        guard let identity = tls.identity else {
            finding.message = "has no SPIFFE identity"
            return finding
        }
        guard identity.role == "ctl", identity.trustDomain == settings.trustDomain else {
            finding.message = "is \(identity), and not of spiffe://\(settings.trustDomain)/ctl/"
            return finding
        }
        guard let end = tls.certificateValidity?.notAfter, let notAfter = Timestamp(seconds: end)
        else {
            finding.message = "\(identity), until nobody knows when"
            return finding
        }
        let left = notAfter.since(now)
        let until = Times(isUTC: true).text(notAfter, at: "")
        if left <= .zero {
            finding.message = "\(identity), expired \(until)"
        } else {
            finding.level = left < .seconds(7 * 86_400) ? .warning : .ok
            finding.message = "\(identity), valid until \(until) (\(Times.age(left)))"
        }
        if finding.level == .ok { finding.hint = "" }
        return finding
    }
}

extension Session {
    fileprivate func checkGateway(_ report: inout CheckScreen) async throws(Failure) {
        let connection: RPCConnection
        do throws(Failure) { connection = try await dial() } catch {
            if Task.isCancelled { throw error }
            try report.show([Finding(error, area: "link", subject: "ctl")])
            return
        }
        defer { connection.close() }
        try report.show([
            Finding(
                area: "link", subject: "ctl", level: .ok,
                message: "linked to \(connection.peer) at \(connection.remoteAddress)")
        ])
        let found: CheckReport
        do throws(Failure) {
            found = try await call("checking") { options throws(RPCError) in
                try await Fleet.Client(connection).check(CheckRequest(), options)
            }
        } catch {
            if Task.isCancelled { throw error }
            try report.show([Finding(error, area: "gateway", subject: settings.gateway)])
            return
        }
        try report.show(found.findings)
    }
}

extension Finding {
    init(_ failure: Failure, area: String, subject: String) {
        self.init(
            area: area, subject: subject, level: .failure, message: failure.message,
            hint: failure.hint ?? "")
    }
}
