import RPCRuntime
import Testing

@testable import RPCServices

/// The meaning of the calls is gRPC's: health.proto of its repository.
@Suite struct HealthTests {
    private func withHealth(
        _ body: (HealthService, Health.Client) async throws -> Void
    ) async throws {
        let service = HealthService(services: ["a.v1.A"])
        try await withLink(to: [Health.handlers(service)]) { link, _ in
            try await body(service, Health.Client(link))
        }
    }

    private func status(
        _ service: String, _ client: Health.Client
    ) async throws -> ServingStatus {
        try await client.check(HealthRequest(service: service)).status
    }

    private func expect(
        _ expected: ServingStatus, _ service: String, _ client: Health.Client
    ) async throws {
        let found = try await status(service, client)
        #expect(found == expected)
    }

    @Test func `the server and each service say whether they serve`() async throws {
        try await withHealth { service, client in
            try await expect(.serving, "", client)
            try await expect(.serving, "a.v1.A", client)
            service.set(.notServing, for: "a.v1.A")
            try await expect(.notServing, "a.v1.A", client)
            try await expect(.serving, "", client)
        }
    }

    @Test func `a check of an unknown service is not found, until it is known`() async throws {
        try await withHealth { service, client in
            let error = await #expect(throws: RPCError.self) {
                try await status("b.v1.B", client)
            }
            #expect(error?.code == .notFound)
            service.set(.serving, for: "b.v1.B")
            try await expect(.serving, "b.v1.B", client)
        }
    }

    @Test func `a watcher hears the status now and every change`() async throws {
        try await withHealth { service, client in
            let heard = try await client.watch(HealthRequest(service: "b.v1.B")) {
                (reports: MessageStream<HealthReport>) throws(RPCError) -> [ServingStatus?] in
                var iterator = reports.makeAsyncIterator()
                var heard = [try await iterator.next()?.status]
                service.set(.serving, for: "b.v1.B")
                heard.append(try await iterator.next()?.status)
                // What does not change is not told.
                service.set(.serving, for: "b.v1.B")
                service.set(.notServing, for: "")
                service.set(.notServing, for: "b.v1.B")
                heard.append(try await iterator.next()?.status)
                return heard
            }
            #expect(heard == [.serviceUnknown, .serving, .notServing])
        }
    }

    @Test func `a watcher that goes is forgotten`() async throws {
        try await withHealth { service, client in
            let count = try await client.watch(HealthRequest()) {
                (reports: MessageStream<HealthReport>) throws(RPCError) -> Int in
                var iterator = reports.makeAsyncIterator()
                _ = try await iterator.next()
                return service.watcherCount(of: "")
            }
            #expect(count == 1)
            while service.watcherCount(of: "") > 0 { await Task.yield() }
        }
    }

    @Test func `after the shutdown nothing serves again`() async throws {
        try await withHealth { service, client in
            service.shutDown()
            service.set(.serving, for: "a.v1.A")
            try await expect(.notServing, "", client)
            try await expect(.notServing, "a.v1.A", client)
        }
    }
}
