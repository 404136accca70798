import Foundation
import MeshAPI
import RPCRuntime
import ServiceKit
import TestSupport
import Testing
import Transport

@testable import ctl

/// What goes wrong, with its exit code and its words.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct FailureTests {
    @Test(arguments: [
        (RPCError.Code.notFound, Terminal.ExitCode.notFound),
        (.permissionDenied, .notAllowed), (.unauthenticated, .notAllowed),
        (.invalidArgument, .conflict), (.failedPrecondition, .conflict), (.aborted, .conflict),
        (.alreadyExists, .conflict), (.outOfRange, .conflict), (.unavailable, .unreachable),
        (.deadlineExceeded, .unreachable), (.internal, .failed), (.unimplemented, .failed),
        (.resourceExhausted, .failed), (.dataLoss, .failed), (.unknown, .failed),
    ])
    func `each status has its exit code`(code: RPCError.Code, exitCode: Terminal.ExitCode)
        async throws
    {
        var script = try Sample.script()
        script.failure = RPCError(code, "the reason")
        let gateway = try await ScriptedGateway(ScriptedFleet(script))
        let run = try await gateway.run(["key", "list"])
        #expect(run.exitCode == exitCode)
        #expect(run.output == "")
        #expect(
            run.errors.hasPrefix(
                "ctl: listing API keys: the gateway at \(gateway.address) says: the reason\n"))
    }

    @Test func `with JSON an error is a problem document on standard error`() async throws {
        var script = try Sample.script()
        script.failure = RPCError(.notFound, "no location is named x")
        let gateway = try await ScriptedGateway(ScriptedFleet(script))
        let run = try await gateway.run(["location", "list", "-o", "json"])
        #expect(run.output == "")
        #expect(
            run.errors == """
                {"type":"about:blank","title":"There is nothing of that name","status":404,\
                "detail":"listing locations: the gateway at \(gateway.address) says: \
                no location is named x","code":"not_found","hint":null}

                """)
    }

    @Test func `a gateway that is not there is named with stage and cause`() async throws {
        let gateway = try await ScriptedGateway(ScriptedFleet(try Sample.script()))
        var flags = try gateway.flags()
        flags[1] = "127.0.0.1:1"
        let run = await runCtl(["location", "list"] + flags)
        #expect(run.exitCode == .unreachable)
        #expect(
            run.errors == """
                ctl: cannot reach the gateway at 127.0.0.1:1: connect: Connection refused
                hint: is GatewayService running there, and is --gateway its mesh address?

                """)
    }

    @Test func `a gateway that does not answer in time is named with what was asked`() async throws
    {
        var script = try Sample.script()
        script.isSilent = true
        let gateway = try await ScriptedGateway(ScriptedFleet(script))
        let run = try await gateway.run(["key", "list", "--timeout", "1s"])
        #expect(run.exitCode == .unreachable)
        #expect(run.errors.hasPrefix("ctl: listing API keys: the gateway at \(gateway.address) "))
        #expect(run.errors.hasSuffix("\nhint: --timeout gives it longer\n"))
    }

    @Test func `a location's certificate may not ask what operators ask`() async throws {
        let gateway = try await ScriptedGateway(ScriptedFleet(try Sample.script()))
        let run = try await gateway.run(["location", "list"], as: "location/cairo")
        #expect(run.exitCode == .notAllowed)
        #expect(
            run.errors.contains(
                "may be called by ctl, edge, not by spiffe://biometricflow/location/cairo"))
        #expect(run.errors.contains("hint: ctl needs a certificate with the role ctl"))
    }

    @Test func `a gateway of another CA is not trusted`() async throws {
        let gateway = try await ScriptedGateway(ScriptedFleet(try Sample.script()))
        var flags = try gateway.flags()
        flags[3] = try Shared.strangers.get().ca
        let run = await runCtl(["location", "list"] + flags)
        #expect(run.exitCode == .notAllowed)
        #expect(run.errors.hasPrefix("ctl: cannot reach the gateway at \(gateway.address): TLS: "))
    }

    @Test(arguments: ["expired", "stranger"])
    func `a certificate that the gateway refuses is a failure of trust`(kind: String) async throws {
        let gateway = try await ScriptedGateway(ScriptedFleet(try Sample.script()))
        var flags = try gateway.flags()
        let certificates = kind == "expired" ? Shared.certificates : Shared.strangers
        let identity = kind == "expired" ? "ctl/expired" : "ctl/alice"
        flags[5] = try certificates.get().certificate(identity)
        flags[7] = try certificates.get().key(identity)
        let run = await runCtl(["location", "list"] + flags)
        #expect(run.exitCode == .notAllowed)
        #expect(run.errors.hasPrefix("ctl: cannot reach the gateway at \(gateway.address): TLS: "))
    }

    @Test func `certificates that cannot be used are named`() async throws {
        let gateway = try await ScriptedGateway(ScriptedFleet(try Sample.script()))
        var flags = try gateway.flags()
        flags[5] = "/nonexistent.pem"
        let run = await runCtl(["location", "list"] + flags)
        #expect(run.exitCode == .usage)
        #expect(run.errors.contains("/nonexistent.pem"))
        let folder = try TemporaryDirectory()
        let open = folder.file("open.key")
        flags = try gateway.flags()
        try FileManager.default.copyItem(atPath: flags[7], toPath: open)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: open)
        flags[7] = open
        let second = await runCtl(["location", "list"] + flags)
        #expect(second.exitCode == .usage)
        #expect(second.errors.contains("chmod 600 \(open)"))
    }
}

/// `ctl check`, from the desk to the terminals.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct CheckTests {
    private func script() throws -> ScriptedFleet.Script {
        var script = try Sample.script()
        script.findings = [
            Finding(
                area: "store", subject: "gateway.db", level: .ok, message: "sound, 288 punches"),
            Finding(area: "link", subject: "cairo", level: .ok, message: "linked from 10.1.0.4:1"),
        ]
        return script
    }

    /// The certificate's own line has times and paths that differ from run to run.
    private func withoutCertificate(_ output: String) -> String {
        output.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.contains(" certificates ") }.joined(separator: "\n")
    }

    @Test func `a check without findings exits with 0`() async throws {
        let gateway = try await ScriptedGateway(ScriptedFleet(try script()))
        let run = try await gateway.run(["check"])
        #expect(
            withoutCertificate(run.output) == """
                ✓ configuration ctl: gateway \(gateway.address), from --gateway
                ✓ link          ctl: linked to spiffe://biometricflow/gateway/main at \(gateway.address)
                ✓ store         gateway.db: sound, 288 punches
                ✓ link          cairo: linked from 10.1.0.4:1
                5 checks: 5 ok, 0 warnings, 0 failures

                """)
        #expect(run.output.contains("✓ certificates"))
        #expect(run.output.contains("spiffe://biometricflow/ctl/alice, valid until "))
        #expect(run.exitCode == .ok)
    }

    @Test func `findings have marks and hints, and the exit code is 6`() async throws {
        var script = try script()
        script.findings += [
            Finding(
                area: "device", subject: "cairo/CK1", level: .warning, message: "memory 91 % full",
                hint: "clear the device's log when it has been read"),
            Finding(area: "link", subject: "riyadh", level: .failure, message: "never linked"),
        ]
        let gateway = try await ScriptedGateway(ScriptedFleet(script))
        let run = try await gateway.run(["check"])
        #expect(
            run.output.hasSuffix(
                """
                ‼ device        cairo/CK1: memory 91 % full
                                hint: clear the device's log when it has been read
                ✗ link          riyadh: never linked
                7 checks: 5 ok, 1 warning, 1 failure

                """))
        #expect(run.exitCode == .incomplete)
        let json = try await gateway.run(["check", "-o", "json"])
        #expect(json.output.hasSuffix(#"],"warnings":1,"failures":1}"# + "\n"))
        #expect(
            json.output.contains(
                #"{"area":"link","subject":"riyadh","level":"CHECK_LEVEL_FAILURE","message":"never linked","hint":""}"#
            ))
        #expect(json.exitCode == .incomplete)
        let csv = try await gateway.run(["check", "-o", "csv"])
        #expect(csv.output.hasPrefix("area,subject,level,message,hint\nconfiguration,ctl,ok,"))
    }

    @Test func `the check ends where the way ends`() async throws {
        let gateway = try await ScriptedGateway(ScriptedFleet(try script()))
        var flags = try gateway.flags()
        flags[1] = "127.0.0.1:1"
        let unreachable = await runCtl(["check"] + flags)
        #expect(
            unreachable.output.contains(
                "✗ link          ctl: cannot reach the gateway at 127.0.0.1:1: connect: "))
        #expect(unreachable.output.hasSuffix("3 checks: 2 ok, 0 warnings, 1 failure\n"))
        #expect(unreachable.exitCode == .incomplete)
        let nothing = await runCtl(["check"], environment: ["HOME": "/nonexistent"])
        #expect(
            nothing.output.hasPrefix(
                "✗ configuration ctl: --gateway, --ca, --cert, --key are missing\n"))
        #expect(nothing.exitCode == .incomplete)
    }

    @Test func `the own certificate is looked at before the link`() async throws {
        let gateway = try await ScriptedGateway(ScriptedFleet(try script()))
        let expired = try await gateway.run(["check"], as: "ctl/expired")
        #expect(expired.output.contains("✗ certificates"))
        #expect(expired.output.contains("ctl/expired, expired 2020-02-01 00:00:00Z"))
        #expect(expired.exitCode == .incomplete)
        let location = try await gateway.run(["check"], as: "location/cairo")
        #expect(
            location.output.contains(
                "is spiffe://biometricflow/location/cairo, and not of spiffe://biometricflow/ctl/"))
    }
}
