import Foundation
import MeshAPI
import RPCRuntime
import ServiceKit
import TestSupport
import Testing
import Transport

@testable import ctl

/// `ctl mesh` against a server that really has these links and failures.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct MeshCommandTests {
    private let peer = "spiffe://biometricflow/ctl/alice"

    private func gateway(_ failure: RPCError? = nil) async throws -> ScriptedGateway {
        var script = ScriptedFleet.Script()
        script.failure = failure
        return try await ScriptedGateway(ScriptedFleet(script))
    }

    private func data(_ run: Run) throws -> [[String: Any]] {
        let document = try JSONSerialization.jsonObject(with: Data(run.output.utf8))
        return try #require((document as? [String: Any])?["data"] as? [[String: Any]])
    }

    @Test func `the links are listed, and the own call among them`() async throws {
        let gateway = try await gateway()
        let table = try await gateway.run(["mesh", "links"])
        #expect(table.exitCode == .ok && table.errors == "")
        let lines = table.output.split(separator: "\n")
        #expect(lines.count == 2 && lines[0].hasPrefix("PEER"))
        #expect(lines[1].contains(peer) && lines[1].contains(" up "))
        let json = try await gateway.run(["mesh", "links", "-o", "json"])
        let link = try #require(try data(json).first)
        #expect(link["peer"] as? String == peer && link["role"] as? String == "ctl")
        #expect(link["calls_served"] as? String == "1" && link["agent"] as? String != "")
        #expect(link["streams"] is [Any])
    }

    @Test func `links are filtered by their peer`() async throws {
        let gateway = try await gateway()
        let own = try await gateway.run(["mesh", "links", "--peer", peer, "-o", "csv"])
        #expect(own.output.split(separator: "\n").count == 2)
        let none = try await gateway.run(["mesh", "links", "--peer", "spiffe://x/ctl/none"])
        #expect(none.exitCode == .ok && none.output == "" && none.errors == "no links\n")
    }

    @Test func `failures are listed while their link is up`() async throws {
        let gateway = try await gateway(RPCError(.dataLoss, "the page is torn"))
        let empty = try await gateway.run(["mesh", "failures"])
        #expect(empty.exitCode == .ok && empty.errors == "no failures\n")
        let certificates = try Shared.certificates.get()
        let loop = EventLoop(name: "other")
        defer { loop.shutdown() }
        let tls = try TLSContext.mutual(
            certificate: certificates.certificate("ctl/alice"), key: certificates.key("ctl/alice"),
            ca: certificates.ca, trustDomain: "biometricflow", isServer: false)
        let link = try await RPCDialler(address: gateway.address, tls: tls, loop: loop).connect()
        await #expect(throws: RPCError.self) {
            try await Fleet.Client(link).listLocations(ListLocations())
        }
        let json = try await gateway.run(["mesh", "failures", "-o", "json"])
        let failure = try #require(try data(json).first)
        #expect(failure["peer"] as? String == peer)
        #expect(failure["code"] as? String == "STATUS_CODE_DATA_LOSS")
        #expect((failure["method"] as? String)?.hasSuffix("Fleet/listLocations") == true)
        #expect(failure["certainty"] as? String == "CERTAINTY_PROCESSED")
        let csv = try await gateway.run(["mesh", "failures", "-o", "csv", "--no-headers"])
        #expect(csv.output.hasSuffix(",dataLoss,processed,the page is torn\n"))
        link.close()
    }

    @Test func `a location may not look`() async throws {
        let gateway = try await gateway()
        let run = try await gateway.run(["mesh", "links"], as: "location/cairo")
        #expect(run.exitCode == .notAllowed && run.output == "")
    }
}
