import MeshAPI
import RPCRuntime
import ServiceKit
import Transport

/// What a location may ask of its gateway: only about itself.
struct RegistryService: Registry.Service {
    let store: GatewayStore
    let log: Logger

    func copyState(_ request: CopyRequest, _ call: ServerCall) async throws(RPCError)
        -> CopyState
    {
        try Self.authorize(role: call.peer.role, name: call.peer.name, for: request.location)
        do throws(StoreError) {
            if let state = try await store.copyState(of: request.location) { return state }
        } catch {
            log.error("cannot answer a call", ["cause": error.message])
            throw RPCError(QueryError(error))
        }
        throw RPCError(.notFound, "this gateway holds nothing of a location \(request.location)")
    }

    /// Refuses a location that asks about another one.
    static func authorize(role: String, name: String, for location: String) throws(RPCError) {
        guard role != "location" || name == location else {
            throw RPCError(
                .permissionDenied,
                "location \(name) may ask about itself only, not about \(location)")
        }
    }
}
