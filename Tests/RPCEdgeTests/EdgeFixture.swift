import RPCRuntime
import Synchronization
import TestSchemas
import Testing
import Transport

@testable import HTTP
@testable import RPCEdge

/// A server of `Boxes` and its edge, without sockets.
final class EdgeFixture: Sendable {
    let loop = EventLoop(name: "edge")
    let edge: HTTPEdge
    let service = BoxService()
    private let running: Task<Void, Never>

    /// `patience` is how long a stream is waited for before it says that it is alive.
    init(streamsMax: Int = 128, patience: Duration = .seconds(600)) throws {
        let server = RPCServer(tls: nil, loop: loop, services: [Boxes.handlers(service)])
        let identity = try #require(PeerIdentity(uri: "spiffe://test/edge/one"))
        let own = try #require(PeerIdentity(uri: "spiffe://test/server/one"))
        let link = RPCLink(RPCDialler(to: server.local(as: identity, to: own), loop: loop))
        running = Task(executorPreference: loop) {
            await link.run(random: { 0.5 }, grace: .zero)
        }
        let failures = Shared<[HTTPEdge.Failure]>([])
        reported = failures
        var options = HTTPEdge.Options(random: { [UInt8](repeating: 0x0F, count: $0) })
        options.statuses = ["too_old": .gone]
        options.heartbeat = patience
        options.streamStart = patience
        options.streamsMax = streamsMax
        options.report = { failure in failures.value.withLock { $0.append(failure) } }
        edge = HTTPEdge(
            routes: Boxes.routes, to: link, on: loop,
            resources: [HTTPEdge.Resource("/free", needsCaller: false) { Array("free".utf8) }],
            options: options
        ) { request async throws(Problem) in
            guard request.head.fields.only("authorization") != "nobody" else {
                throw Problem(.unauthorized, "unauthorized", "who are you?")
            }
            return "key:1"
        }
    }

    final class Shared<Value: Sendable>: Sendable {
        let value: Mutex<Value>
        init(_ value: Value) { self.value = Mutex(value) }
    }

    let reported: Shared<[HTTPEdge.Failure]>

    deinit { loop.shutdown() }

    func end() async {
        running.cancel()
        await running.value
    }

    struct Answer {
        var status: UInt16
        var fields: HTTPFields
        var body: String
        /// The `code` of a problem.
        var code: String? {
            body.firstMatch(of: /"code":"([a-z_]+)"/).map { String($0.output.1) }
        }
    }

    /// What is answered; of a stream, its first `pieces` pieces.
    func send(
        _ line: String, _ body: String = "", fields: [HTTPField] = [], pieces: Int = 100
    ) async throws -> Answer {
        var all = [HTTPField("Host", "h")] + fields
        if !body.isEmpty, !fields.contains(where: { $0.name == "Content-Type" }) {
            all.append(HTTPField("Content-Type", "application/json"))
        }
        let head = try RequestHead(
            line: RequestLine(parsing: Array("\(line) HTTP/1.1".utf8)[...]),
            fields: Self.named(all), limits: HTTPLimits())
        let response = await edge.respond(
            to: HTTPRequest(
                head: head, body: Array(body.utf8),
                remote: SocketAddress(bytes: [127, 0, 0, 1], port: 9)))
        let fields = Self.named(response.fields)
        switch response.body {
        case .bytes(let bytes):
            return Answer(
                status: response.status.code, fields: fields,
                body: String(decoding: bytes, as: UTF8.self))
        case .stream(let produce):
            return try await stream(produce, response.status, fields, pieces)
        }
    }

    /// Fields by names in small letters, as they are looked up.
    private static func named(_ fields: [HTTPField]) -> HTTPFields {
        HTTPFields(fields.map { HTTPField($0.name.lowercased(), $0.value) })
    }

    private struct Enough: Error {}

    private func stream(
        _ produce: @escaping @Sendable (HTTPBodyWriter) async throws -> Void,
        _ status: HTTPStatus, _ fields: HTTPFields, _ pieces: Int
    ) async throws -> Answer {
        let text = Shared<[String]>([])
        let writer = HTTPBodyWriter { piece in
            let count = text.value.withLock { text in
                text.append(String(decoding: piece, as: UTF8.self))
                return text.count
            }
            if count >= pieces { throw Enough() }
        }
        do {
            try await produce(writer)
        } catch let instead as HTTPInstead {
            guard case .bytes(let bytes) = instead.response.body else { throw instead }
            return Answer(
                status: instead.response.status.code, fields: Self.named(instead.response.fields),
                body: String(decoding: bytes, as: UTF8.self))
        } catch is Enough {}
        return Answer(
            status: status.code, fields: fields, body: text.value.withLock { $0.joined() })
    }
}

/// Answers with what it was asked.
struct BoxService: Boxes.Service {
    /// How many streams have begun and ended.
    let streams = EdgeFixture.Shared((begun: 0, ended: 0))
    let principals = EdgeFixture.Shared<[String]>([])

    func find(_ request: Find, _ call: ServerCall) async throws(RPCError) -> Find {
        principals.value.withLock {
            $0.append(
                "\(call.metadata.text("principal") ?? "") \(call.metadata.text("request-id") ?? "")"
            )
        }
        return request
    }

    func search(_ request: Find, _ call: ServerCall) async throws(RPCError) -> Find { request }

    func all(_ request: Find, _ call: ServerCall) async throws(RPCError) -> Find {
        var answer = request
        answer.id = "all"
        return answer
    }

    func add(_ request: Box, _ call: ServerCall) async throws(RPCError) -> Box { request }
    func change(_ request: Box, _ call: ServerCall) async throws(RPCError) -> Box { request }
    func put(_ request: PutBox, _ call: ServerCall) async throws(RPCError) -> PutBox { request }

    func putParts(_ request: PutParts, _ call: ServerCall) async throws(RPCError) -> PutParts {
        request
    }

    func remove(_ request: Part, _ call: ServerCall) async throws(RPCError) -> Done {
        Done()
    }

    func reset(_ request: Done, _ call: ServerCall) async throws(RPCError) -> Done {
        Done()
    }

    func secret(_ request: Done, _ call: ServerCall) async throws(RPCError) -> Done {
        Done()
    }

    func fail(_ request: Part, _ call: ServerCall) async throws(RPCError) -> Done {
        if request.name == "reason" {
            throw RPCError(.failedPrecondition, "no more").with(reason: "too_old")
        }
        let code = RPCError.Code.allCases.first { "\($0)" == request.name }
        throw RPCError(code ?? .unknown, "as asked")
    }

    func follow(
        _ request: Follow, to responses: MessageWriter<Step>, _ call: ServerCall
    ) async throws(RPCError) {
        streams.value.withLock { $0.begun += 1 }
        defer { streams.value.withLock { $0.ended += 1 } }
        let start = Int(request.after) ?? 0
        if request.after == "bad" { throw RPCError(.invalidArgument, "no such place") }
        for number in 0..<Int(request.count) {
            try await responses.write(Step(place: "\(start + number + 1)"))
        }
        if request.breaks { throw RPCError(.dataLoss, "torn") }
        // Quiet until nobody listens.
        if request.count == 0 { try? await call.connection.loop.sleep(for: .seconds(600)) }
    }
}
