public import RPCRuntime

/// What the schema of a peer means for calls to one method.
public struct MethodVerdict: Sendable, Hashable, CustomStringConvertible {
    /// `package.Service/method`.
    public let method: String
    public let verdict: SchemaVerdict

    public var description: String {
        let changes = verdict.changes.map(\.description).joined(separator: "; ")
        return switch verdict {
        case .identical: "\(method) is identical"
        case .compatible: "\(method) is compatible: \(changes)"
        case .breaking: "\(method) is broken: \(changes)"
        }
    }
}

/// Compares services that this program calls with those that a peer serves, by its reflection.
///
/// Costs one call where all fingerprints are equal, and one more for each service that differs.
///
/// - Returns: The methods that are not identical.
public func compareSchemas(
    of services: [ServiceDescriptor], with peer: some RPCTarget,
    _ options: CallOptions = CallOptions()
) async throws(RPCError) -> [MethodVerdict] {
    let reflection = Reflection.Client(peer)
    let served = try await reflection.list(ServicesRequest(), options).services
    var verdicts: [MethodVerdict] = []
    for service in services {
        let theirs = served.first { $0.name == service.name }
        if let theirs, theirs.fingerprint == service.fingerprint { continue }
        var descriptors: [UInt8] = []
        if theirs != nil {
            let request = DescribeRequest(service: service.name)
            descriptors = try await reflection.describe(request, options).descriptorSet
        }
        let own = try read(service.descriptorSet, service.name)
        let other = try read(descriptors, service.name)
        for method in service.methods {
            let match = theirs?.methods.first { $0.name == method.name }
            if let match, match.fingerprint == method.fingerprint { continue }
            let verdict = SchemaVerdict(of: method.name, own: own, peer: other)
            if verdict == .identical { continue }
            verdicts.append(MethodVerdict(method: method.name, verdict: verdict))
        }
    }
    return verdicts
}

private func read(_ bytes: [UInt8], _ service: String) throws(RPCError) -> DescriptorSet {
    do throws(DecodingFailure) {
        return try DescriptorSet(decoding: bytes)
    } catch {
        throw RPCError(.internal, "the descriptors of \(service) cannot be read: \(error)")
    }
}
