public import RPCRuntime
import Synchronization
import Transport

/// Shows operators what a program's links are doing.
public final class IntrospectionService: Introspection.Service {
    /// Gives the links that are up.
    public typealias Source = @Sendable () -> [RPCConnection]

    /// The most failures of an answer.
    private static let failuresMax = 1000

    private let sources = Lock<[Source]>([])
    /// The names of methods, by number.
    private let names: [UInt32: String]

    /// - Parameter services: What this program serves and calls, for the names of methods.
    public init(services: [ServiceDescriptor]) {
        let methods = services.flatMap(\.methods)
        names = Dictionary(
            methods.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
    }

    /// Shows the links of a server too, which serves this and is made after it.
    public func observe(_ server: RPCServer) {
        observe { [weak server] in server?.connections ?? [] }
    }

    /// Shows further links too, such as those that the program has dialled.
    public func observe(_ source: @escaping Source) {
        sources.withLock { $0.append(source) }
    }

    private var links: [RPCConnection] { sources.withLock { $0 }.flatMap { $0() } }

    // MARK: - Calls

    public func totals(
        _ request: TotalsRequest, _ call: ServerCall
    ) async throws(RPCError) -> ServerTotals {
        var totals = ServerTotals()
        for link in links {
            try Self.checkCancelled()
            totals.add(await link.snapshot())
        }
        return totals
    }

    public func links(
        _ request: LinksRequest, to responses: MessageWriter<LinkReport>, _ call: ServerCall
    ) async throws(RPCError) {
        for link in links where request.peer.isEmpty || "\(link.peer)" == request.peer {
            try Self.checkCancelled()
            try await responses.write(LinkReport(await link.snapshot(), names))
        }
    }

    public func failures(
        _ request: FailuresRequest, _ call: ServerCall
    ) async throws(RPCError) -> FailureList {
        var failures: [FailureReport] = []
        for link in links {
            try Self.checkCancelled()
            let snapshot = await link.snapshot()
            failures += snapshot.failures.map { FailureReport($0, snapshot) }
            // So that a server with many links does not gather them all.
            if failures.count > 4 * Self.failuresMax { failures = Self.newest(failures) }
        }
        return FailureList(failures: Self.newest(failures))
    }

    private static func newest(_ failures: [FailureReport]) -> [FailureReport] {
        Array(failures.sorted { $0.age < $1.age }.prefix(failuresMax))
    }

    private static func checkCancelled() throws(RPCError) {
        if Task.isCancelled { throw RPCError(.cancelled, "the caller is gone") }
    }
}

extension ServerTotals {
    mutating func add(_ link: LinkSnapshot) {
        links += 1
        if link.isDraining { drainingLinks += 1 }
        openStreams += UInt32(clamping: link.streams.count)
        callsMade &+= link.callsMade
        callsServed &+= link.callsServed
        bytesSent &+= link.bytesSent
        bytesReceived &+= link.bytesReceived
        outputBytes &+= UInt64(clamping: link.outputBytes)
        backlogBytes &+= UInt64(clamping: link.backlogBytes)
        unreadBytes &+= UInt64(clamping: link.unreadBytes)
    }
}

extension LinkReport {
    init(_ link: LinkSnapshot, _ names: [UInt32: String]) {
        self.init(
            peer: "\(link.peer)", role: link.peer.role, address: "\(link.address)",
            isDialler: link.isDialler, agent: link.agent, isDraining: link.isDraining,
            isPeerDraining: link.isPeerDraining, age: link.age, roundTrip: link.roundTrip,
            sendCredit: Int64(link.sendCredit), receiveCredit: Int64(link.receiveCredit),
            outputBytes: UInt64(clamping: link.outputBytes),
            backlogBytes: UInt64(clamping: link.backlogBytes),
            unreadBytes: UInt64(clamping: link.unreadBytes),
            queuedCalls: UInt32(clamping: link.queuedCalls), callsMade: link.callsMade,
            callsServed: link.callsServed, bytesSent: link.bytesSent,
            bytesReceived: link.bytesReceived, streamCount: UInt32(clamping: link.streams.count),
            streams: link.streams.prefix(1000).map { StreamReport($0, names) })
    }
}

extension StreamReport {
    init(_ stream: LinkSnapshot.Stream, _ names: [UInt32: String]) {
        self.init(
            id: stream.id, method: names[stream.method] ?? "\(stream.method)",
            isServed: stream.isServed, remaining: stream.remaining,
            sendCredit: Int64(stream.sendCredit), receiveCredit: Int64(stream.receiveCredit),
            backlogBytes: UInt64(clamping: stream.backlogBytes),
            unreadBytes: UInt64(clamping: stream.unreadBytes))
    }
}

extension FailureReport {
    init(_ failure: LinkSnapshot.Failure, _ link: LinkSnapshot) {
        let error = failure.error
        self.init(
            age: failure.age, peer: "\(link.peer)", method: failure.method,
            code: StatusCode(rawValue: Int32(error.code.rawValue)),
            certainty: Certainty(rawValue: Int32(error.certainty.rawValue)),
            message: error.message)
    }
}
