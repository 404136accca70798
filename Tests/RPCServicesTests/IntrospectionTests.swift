import RPCRuntime
import Testing

@testable import RPCServices

@Suite struct IntrospectionTests {
    private func withIntrospection(
        as identity: String = "ctl/ops",
        _ body: (RPCConnection, HealthService) async throws -> Void
    ) async throws {
        let health = HealthService()
        let service = IntrospectionService(services: [Health.descriptor, Introspection.descriptor])
        let services = [Health.handlers(health), Introspection.handlers(service)]
        try await withLink(to: services, as: identity) { link, server in
            service.observe(server)
            try await body(link, health)
        }
    }

    private func links(_ client: Introspection.Client, peer: String = "") async throws
        -> [LinkReport]
    {
        try await client.links(LinksRequest(peer: peer)) {
            (reports: MessageStream<LinkReport>) throws(RPCError) in
            var all: [LinkReport] = []
            for try await report in reports { all.append(report) }
            return all
        }
    }

    @Test func `a link shows its peer, its calls and its windows`() async throws {
        try await withIntrospection { link, _ in
            _ = try await Health.Client(link).check(HealthRequest())
            let report = try #require(try await links(Introspection.Client(link)).first)
            #expect(report.peer == "spiffe://biometricflow/ctl/ops" && report.role == "ctl")
            #expect(report.address.hasPrefix("127.0.0.1:") && !report.isDialler)
            #expect(!report.isDraining && !report.isPeerDraining)
            #expect(report.callsServed == 2 && report.callsMade == 0)
            #expect(report.bytesReceived > 0 && report.bytesSent > 0)
            #expect(report.sendCredit > 0 && report.receiveCredit > 0)
            #expect(report.age > .zero && report.agent == RPCOptions().agent)
        }
    }

    @Test func `open calls are listed with their methods`() async throws {
        try await withIntrospection { link, _ in
            let streams = try await Health.Client(link).watch(HealthRequest()) {
                (reports: MessageStream<HealthReport>) throws(RPCError) -> [StreamReport] in
                var iterator = reports.makeAsyncIterator()
                _ = try await iterator.next()
                let found = try await Introspection.Client(link).links(LinksRequest()) {
                    (links: MessageStream<LinkReport>) throws(RPCError) in
                    var iterator = links.makeAsyncIterator()
                    return try await iterator.next()
                }
                return found?.streams ?? []
            }
            let watch = try #require(streams.first { $0.method == "mesh.health.v1.Health/watch" })
            #expect(watch.isServed && watch.remaining == nil)
        }
    }

    @Test func `totals are the sums over all links`() async throws {
        try await withIntrospection { link, _ in
            for _ in 0..<3 { _ = try await Health.Client(link).check(HealthRequest()) }
            let totals = try await Introspection.Client(link).totals(TotalsRequest())
            #expect(totals.links == 1 && totals.drainingLinks == 0)
            #expect(totals.callsServed == 4 && totals.bytesReceived > 0)
        }
    }

    @Test func `links are found by their peer`() async throws {
        try await withIntrospection { link, _ in
            let client = Introspection.Client(link)
            let own = try await links(client, peer: "spiffe://biometricflow/ctl/ops")
            #expect(own.count == 1)
            let others = try await links(client, peer: "spiffe://biometricflow/ctl/other")
            #expect(others.isEmpty)
        }
    }

    @Test func `failures are kept with peer, method, code and certainty`() async throws {
        try await withIntrospection { link, _ in
            let health = Health.Client(link)
            for name in ["a", "b"] {
                _ = await #expect(throws: RPCError.self) {
                    try await health.check(HealthRequest(service: name))
                }
            }
            let failures = try await Introspection.Client(link).failures(FailuresRequest())
                .failures
            #expect(failures.map(\.message).first?.contains("`b`") == true)
            let oldest = try #require(failures.last)
            #expect(oldest.peer == "spiffe://biometricflow/ctl/ops")
            #expect(oldest.method == "mesh.health.v1.Health/check")
            #expect(oldest.code == .notFound && oldest.certainty == .processed)
            #expect(oldest.message.contains("`a`") && oldest.age >= failures[0].age)
        }
    }

    @Test func `only operators may look`() async throws {
        try await withIntrospection(as: "location/cairo") { link, _ in
            let error = await #expect(throws: RPCError.self) {
                try await Introspection.Client(link).totals(TotalsRequest())
            }
            #expect(error?.code == .permissionDenied && error?.certainty == .refused)
        }
    }

    @Test func `the codes are those of errors`() {
        for code in RPCError.Code.allCases {
            #expect("\(StatusCode(rawValue: Int32(code.rawValue)))" == "\(code)")
        }
        for certainty in RPCError.Certainty.allCases {
            #expect("\(Certainty(rawValue: Int32(certainty.rawValue)))" == "\(certainty)")
        }
    }
}
