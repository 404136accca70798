import RPCRuntime
import Testing

@testable import RPCServices

/// A server that was built from another age of `health.rpc`.
private struct OtherAge: Reflection.Service {
    let descriptorSet: [UInt8]
    /// Methods whose fingerprint is still the same.
    var unchanged: Set<String> = []

    private var service: ServedService {
        var service = ServedService(Health.descriptor)
        service.fingerprint ^= 1
        for index in service.methods.indices
        where !unchanged.contains(service.methods[index].name) {
            service.methods[index].fingerprint ^= 1
        }
        return service
    }

    func list(
        _ request: ServicesRequest, _ call: ServerCall
    ) async throws(RPCError) -> ServiceList {
        ServiceList(services: [service])
    }

    func describe(
        _ request: DescribeRequest, _ call: ServerCall
    ) async throws(RPCError) -> ServiceDescription {
        ServiceDescription(service: service, descriptorSet: descriptorSet)
    }
}

@Suite struct SchemaCheckTests {
    private func verdicts(_ reflection: some Reflection.Service) async throws -> [String] {
        var found: [String] = []
        try await withLink(to: [Reflection.handlers(reflection)]) { link, _ in
            found = try await compareSchemas(of: [Health.descriptor], with: link)
                .map(\.description)
        }
        return found
    }

    /// The descriptors of `health.rpc` with some bytes in place of others.
    private func changed(_ old: [UInt8], _ new: [UInt8]) throws -> [UInt8] {
        let bytes = Health.descriptor.descriptorSet
        let changed = bytes.replacing(old, with: new)
        try #require(changed != bytes)
        return changed
    }

    @Test func `the same schema has no verdicts`() async throws {
        #expect(try await verdicts(ReflectionService([Health.descriptor])) == [])
        let same = OtherAge(descriptorSet: Health.descriptor.descriptorSet)
        #expect(try await verdicts(same) == [])
    }

    @Test func `a service that the peer lacks is broken in each method`() async throws {
        let text = "is broken: method: there is none of this name at the peer"
        #expect(
            try await verdicts(ReflectionService([])) == [
                "mesh.health.v1.Health/check \(text)", "mesh.health.v1.Health/watch \(text)",
            ])
    }

    @Test func `changes are told per method, with their paths`() async throws {
        // `service` in HealthRequest: number 1, optional, from string (9) to int32 (5).
        let field = Array("service".utf8) + [0x18, 1, 0x20, 1, 0x28]
        let broken = try changed(field + [9], field + [5])
        let text = "is broken: request.service: string here, int32 at the peer"
        #expect(
            try await verdicts(OtherAge(descriptorSet: broken)) == [
                "mesh.health.v1.Health/check \(text)", "mesh.health.v1.Health/watch \(text)",
            ])
        let renamed = try changed(Array("SERVICE_UNKNOWN".utf8), Array("SERVICE_MISSING".utf8))
        let one = OtherAge(
            descriptorSet: renamed, unchanged: ["mesh.health.v1.Health/check"])
        #expect(
            try await verdicts(one) == [
                "mesh.health.v1.Health/watch is compatible: response.status: the value 3 is "
                    + "`SERVING_STATUS_SERVICE_UNKNOWN` here, "
                    + "`SERVING_STATUS_SERVICE_MISSING` at the peer"
            ])
    }

    @Test func `descriptors that cannot be read are an error that says so`() async throws {
        let error = await #expect(throws: RPCError.self) {
            try await verdicts(OtherAge(descriptorSet: [0x0A, 5]))
        }
        #expect(error?.message.contains("cannot be read") == true)
    }
}
