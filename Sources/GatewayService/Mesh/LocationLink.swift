import MeshAPI
import RPCRuntime
import Transport

/// A link of a location, as far as the gateway needs it.
protocol LocationLink: Sendable {
    /// The name in the location's certificate.
    var location: String { get }
    /// Where the link comes from.
    var address: String { get }
    /// Runs `Log.follow` and gives each batch to `receive` until either ends.
    func follow(
        _ request: FollowLog,
        _ receive: @escaping @Sendable (LogBatch) async throws(RPCError) -> Void
    ) async throws(RPCError)
    /// What the location finds when it checks itself.
    func check(timeout: Duration) async throws(RPCError) -> CheckReport
    /// Takes commands to the location's terminals; nil where it cannot.
    var devices: Devices.Client? { get }
    /// Lets what is under way finish and ends the link.
    func retire() async
}

extension LocationLink {
    var devices: Devices.Client? { nil }
}

/// A link over the mesh.
struct MeshLink: LocationLink {
    let connection: RPCConnection

    /// What calls under way get when the link is given up.
    private static let grace = Duration.seconds(5)

    var location: String { connection.peer.name }
    var address: String { connection.remoteAddress.description }

    func follow(
        _ request: FollowLog,
        _ receive: @escaping @Sendable (LogBatch) async throws(RPCError) -> Void
    ) async throws(RPCError) {
        try await Log.Client(connection).follow(request) {
            (batches: MessageStream<LogBatch>) async throws(RPCError) in
            var iterator = batches.makeAsyncIterator()
            while let batch = try await iterator.next() { try await receive(batch) }
        }
    }

    func check(timeout: Duration) async throws(RPCError) -> CheckReport {
        try await Location.Client(connection).check(
            CheckRequest(), CallOptions(timeout: timeout))
    }

    var devices: Devices.Client? { Devices.Client(connection) }

    func retire() async { await connection.drain(grace: Self.grace) }
}
