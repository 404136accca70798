import RPCRuntime
import Synchronization
import TestSchemas
import Transport

/// gRPC's interoperability test service: what the caller asks for decides what it does.
struct InteropService: Interop.Service {
    /// What handlers have done, by name.
    final class Tally: Sendable {
        private let next = Lock<RPCConnection?>(nil)
        /// Whom a call that is to go onward is made to.
        var onward: RPCConnection? {
            get { next.withLock { $0 } }
            set { next.withLock { $0 = newValue } }
        }
        private let counts = Lock<[String: Int]>([:])
        subscript(_ name: String) -> Int { counts.withLock { $0[name] ?? 0 } }
        func add(_ name: String) { counts.withLock { $0[name, default: 0] += 1 } }
    }

    static let echoInitial = "x-grpc-test-echo-initial"
    /// Has the head sent ahead of the first answer.
    static let headFirst = "head-first"
    static let echoTrailing = "x-grpc-test-echo-trailing-bin"

    let tally = Tally()

    /// Runs a handler and notes how it ended.
    private func noted<Result: Sendable>(
        _ call: ServerCall, _ body: () async throws(RPCError) -> Result
    ) async throws(RPCError) -> Result {
        tally.add("began")
        try await echoMetadata(call)
        do throws(RPCError) {
            let result = try await body()
            tally.add("ended")
            return result
        } catch {
            tally.add(Task.isCancelled ? "cancelled" : "failed")
            throw error
        }
    }

    private func echoMetadata(_ call: ServerCall) async throws(RPCError) {
        func only(_ key: String) -> Metadata {
            Metadata(call.metadata.entries.filter { $0.key == key })
        }
        let (head, trailers) = (only(Self.echoInitial), only(Self.echoTrailing))
        if !head.isEmpty { try await call.setHead(head) }
        if call.metadata[Self.headFirst] != nil { try await call.sendHead() }
        if !trailers.isEmpty { try await call.setTrailers(trailers) }
    }

    private func sleep(_ duration: Duration, _ call: ServerCall) async throws(RPCError) {
        if duration == .zero { return }
        do throws(TransportError) {
            try await call.connection.loop.sleep(for: duration)
        } catch { throw RPCError(.cancelled, "the pause was cut short") }
    }

    private func fail(_ status: EchoStatus?) throws(RPCError) {
        guard let status, status.code != 0 else { return }
        let code = RPCError.Code(rawValue: UInt8(status.code)) ?? .unknown
        let error = RPCError(code, status.message)
        throw status.detail.isEmpty ? error : error.with(detail: status)
    }

    private func reply(_ wanted: Wanted, _ call: ServerCall) async throws(RPCError) -> Reply {
        try await sleep(wanted.pause, call)
        try await call.compressAnswers(wanted.compressed)
        var reply = Reply()
        reply.payload = [UInt8](repeating: 0, count: Int(wanted.size))
        return reply
    }

    private func expect(_ ask: Ask, isCompressed: Bool) throws(RPCError) {
        guard let expected = ask.expectCompressed, expected != isCompressed else { return }
        throw RPCError(.invalidArgument, "the payload came otherwise than its flag says")
    }

    // MARK: - Methods

    func emptyCall(_ request: Nothing, _ call: ServerCall) async throws(RPCError) -> Nothing {
        Nothing()
    }

    func unaryCall(_ request: Ask, _ call: ServerCall) async throws(RPCError) -> Reply {
        try await noted(call) { () throws(RPCError) in
            let left = call.remainingTime
            try expect(request, isCompressed: call.isRequestCompressed)
            if request.isOnward, let link = tally.onward {
                var ask = request
                ask.isOnward = false
                return try await Interop.Client(link).unaryCall(ask)
            }
            var reply = try await reply(request.answers.first ?? Wanted(), call)
            try fail(request.status)
            (reply.total, reply.count) = (UInt64(request.payload.count), 1)
            (reply.peer, reply.left) = (call.peer.description, left)
            return reply
        }
    }

    func streamingInput(
        _ requests: MessageStream<Ask>, _ call: ServerCall
    ) async throws(RPCError) -> Reply {
        try await noted(call) { () throws(RPCError) in
            var reply = Reply()
            var expected = 0
            var isChecked = false
            for try await ask in requests {
                reply.total += UInt64(ask.payload.count)
                reply.count += 1
                if let isCompressed = ask.expectCompressed {
                    isChecked = true
                    expected += isCompressed ? 1 : 0
                }
                for wanted in ask.answers { try await sleep(wanted.pause, call) }
                try fail(ask.status)
            }
            let came = try await requests.compressedCount()
            if isChecked, came != expected {
                throw RPCError(.invalidArgument, "\(came) payloads came compressed")
            }
            return reply
        }
    }

    private func answer(
        _ ask: Ask, _ replies: MessageWriter<Reply>, _ call: ServerCall
    ) async throws(RPCError) {
        for wanted in ask.answers {
            try await replies.write(reply(wanted, call))
            tally.add("wrote")
        }
        try fail(ask.status)
    }

    func streamingOutput(
        _ request: Ask, to replies: MessageWriter<Reply>, _ call: ServerCall
    ) async throws(RPCError) {
        try await noted(call) { () throws(RPCError) in try await answer(request, replies, call) }
    }

    func fullDuplex(
        _ requests: MessageStream<Ask>, to replies: MessageWriter<Reply>, _ call: ServerCall
    ) async throws(RPCError) {
        try await noted(call) { () throws(RPCError) in
            for try await ask in requests { try await answer(ask, replies, call) }
        }
    }

    func halfDuplex(
        _ requests: MessageStream<Ask>, to replies: MessageWriter<Reply>, _ call: ServerCall
    ) async throws(RPCError) {
        try await noted(call) { () throws(RPCError) in
            var asked: [Ask] = []
            for try await ask in requests { asked.append(ask) }
            for ask in asked { try await answer(ask, replies, call) }
        }
    }

    func greet(
        _ requests: MessageStream<Ask>, to replies: MessageWriter<Reply>, _ call: ServerCall
    ) async throws(RPCError) {
        try await noted(call) { () throws(RPCError) in
            try await replies.write(Reply())
            for try await ask in requests { try await answer(ask, replies, call) }
        }
    }

    func follow(
        _ request: Ask, to replies: MessageWriter<Reply>, _ call: ServerCall
    ) async throws(RPCError) {
        try await noted(call) { () throws(RPCError) in
            var number: UInt64 = 0
            while true {
                try await sleep(request.answers.first?.pause ?? .milliseconds(10), call)
                number += 1
                var reply = Reply()
                reply.total = number
                try await replies.write(reply)
            }
        }
    }

    func unimplemented(_ request: Nothing, _ call: ServerCall) async throws(RPCError) -> Nothing {
        throw RPCError(.unimplemented, "this method is not implemented")
    }
}

extension Ask {
    /// Asks for answers of these sizes.
    init(payload: Int = 0, answers sizes: Int...) {
        self.init()
        self.payload = [UInt8](repeating: 0, count: payload)
        answers = sizes.map { size in
            var wanted = Wanted()
            wanted.size = UInt32(size)
            return wanted
        }
    }

    /// Asks for an answer after a pause.
    init(pause: Duration) {
        self.init(answers: 0)
        answers[0].pause = pause
    }

    /// Asks for a failure behind answers of these sizes.
    init(failing code: RPCError.Code, _ message: String, behind sizes: Int...) {
        self.init()
        answers = sizes.map { size in
            var wanted = Wanted()
            wanted.size = UInt32(size)
            return wanted
        }
        var status = EchoStatus()
        (status.code, status.message) = (UInt32(code.rawValue), message)
        self.status = status
    }
}
