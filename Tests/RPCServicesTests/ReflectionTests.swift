import RPCRuntime
import Testing

@testable import RPCServices

@Suite struct ReflectionTests {
    private func withReflection(_ body: (Reflection.Client) async throws -> Void) async throws {
        let service = ReflectionService([Health.descriptor])
        try await withLink(to: [Reflection.handlers(service)]) { link, _ in
            try await body(Reflection.Client(link))
        }
    }

    @Test func `the services are listed with their methods and fingerprints`() async throws {
        try await withReflection { client in
            let services = try await client.list(ServicesRequest()).services
            #expect(
                services.map(\.name) == ["mesh.health.v1.Health", "mesh.reflection.v1.Reflection"])
            let health = try #require(services.first)
            #expect(health.fingerprint == Health.descriptor.fingerprint)
            let watch = try #require(health.methods.last)
            #expect(
                watch
                    == ServedMethod(
                        name: "mesh.health.v1.Health/watch", number: Health.Method.watch.id,
                        fingerprint: Health.Method.watch.fingerprint, streamsResponses: true,
                        idleLimit: .seconds(60), roles: ["any"]))
        }
    }

    @Test func `a description is enough to judge a peer's schema by`() async throws {
        try await withReflection { client in
            let described = try await client.describe(
                DescribeRequest(service: Health.descriptor.name))
            let theirs = try DescriptorSet(decoding: described.descriptorSet)
            let ours = try DescriptorSet(decoding: Health.descriptor.descriptorSet)
            for method in described.service.methods {
                #expect(SchemaVerdict(of: method.name, own: ours, peer: theirs) == .identical)
            }
        }
    }

    @Test func `a service that is not served is not found`() async throws {
        try await withReflection { client in
            let error = await #expect(throws: RPCError.self) {
                try await client.describe(DescribeRequest(service: "x.Y"))
            }
            #expect(error?.code == .notFound && error?.message.contains("x.Y") == true)
        }
    }
}
