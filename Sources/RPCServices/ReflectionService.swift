public import RPCRuntime

/// Serves the schemas of services to tools that were built without them.
public struct ReflectionService: Reflection.Service {
    private let services: [ServiceDescriptor]

    /// - Parameter services: What the server serves; reflection itself is added.
    public init(_ services: [ServiceDescriptor]) {
        let others = services.filter { $0.name != Reflection.descriptor.name }
        self.services = (others + [Reflection.descriptor]).sorted { $0.name < $1.name }
    }

    public func list(
        _ request: ServicesRequest, _ call: ServerCall
    ) async throws(RPCError) -> ServiceList {
        ServiceList(services: services.map { ServedService($0) })
    }

    public func describe(
        _ request: DescribeRequest, _ call: ServerCall
    ) async throws(RPCError) -> ServiceDescription {
        guard let service = services.first(where: { $0.name == request.service }) else {
            throw RPCError(.notFound, "the server has no service `\(request.service)`")
        }
        return ServiceDescription(
            service: ServedService(service), descriptorSet: service.descriptorSet)
    }
}

extension ServedService {
    init(_ service: ServiceDescriptor) {
        self.init(
            name: service.name, fingerprint: service.fingerprint,
            methods: service.methods.map { ServedMethod($0) })
    }
}

extension ServedMethod {
    init(_ method: MethodDescriptor) {
        self.init(
            name: method.name, number: method.id, fingerprint: method.fingerprint,
            streamsRequests: method.kind == .clientStreaming || method.kind == .bidirectional,
            streamsResponses: method.kind == .serverStreaming || method.kind == .bidirectional,
            deadline: method.deadline, idleLimit: method.idleLimit, roles: method.roles)
    }
}
