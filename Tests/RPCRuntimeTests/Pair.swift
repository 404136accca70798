import Testing

@testable import RPCRuntime

/// What tests keep with a call.
final class Tag {
    let number: Int
    init(_ number: Int) { self.number = number }
}

typealias Core = ConnectionCore<Tag>

/// Two state machines that talk to each other through arrays: no sockets, no tasks, no clock.
struct Pair {
    var client: Core
    var server: Core
    /// Bytes that a side has been given and has not used.
    private var clientInput: [UInt8] = []
    private var serverInput: [UInt8] = []
    /// What each side saw.
    var clientSaw: [Seen] = []
    var serverSaw: [Seen] = []
    /// How many bytes are handed over at once.
    var piece = Int.max
    var now: UInt64 = 1_000_000_000

    enum Seen: Equatable {
        case ready, draining, limitsChanged, idle, old
        case request(UInt32, method: UInt32, [UInt8])
        /// A stream of requests begins without a message.
        case opened(UInt32, method: UInt32)
        case requestEnded(UInt32)
        case message(UInt32, [UInt8], isLast: Bool)
        /// A call ends with its one answer.
        case answer(UInt32, [UInt8], Int?)
        case head(UInt32, Metadata)
        case ended(Int?, RPCError.Code?, RPCError.Certainty?)
        case cancelled(UInt32)
        case failed(RPCError.Code)
    }

    init(
        _ options: RPCOptions = RPCOptions(), server: RPCOptions? = nil, streaming: [UInt32] = []
    ) {
        client = Core(.dialler, options, peerName: "server", services: [], now: now)
        self.server = Core(
            .listener, server ?? options, peerName: "client", services: [], now: now)
        self.server.streamingMethods = streaming
    }

    /// Exchanges until nobody has more to say.
    mutating func run() {
        while true {
            client.pump()
            server.pump()
            let toServer = client.output.bytes
            let toClient = server.output.bytes
            client.output.bytes = []
            server.output.bytes = []
            if toServer.isEmpty, toClient.isEmpty { return }
            Self.hand(toServer, to: &server, &serverInput, &serverSaw, piece, now)
            Self.hand(toClient, to: &client, &clientInput, &clientSaw, piece, now)
        }
    }

    /// Lets time pass at one side until nothing more is due; what it saw.
    static func tick(_ core: inout Core, _ now: UInt64) -> [Seen] {
        var seen: [Seen] = []
        while let event = core.tick(now) {
            see(event, &core, [], &seen)
            if event.isForOwner { break }
        }
        return seen
    }

    static func hand(
        _ bytes: [UInt8], to core: inout Core, _ input: inout [UInt8],
        _ seen: inout [Seen], _ piece: Int, _ now: UInt64
    ) {
        var rest = bytes[...]
        while !rest.isEmpty {
            input += rest.prefix(piece)
            rest = rest.dropFirst(piece)
            var cursor = 0
            while true {
                if let answer = core.nextAnswer(input.span, &cursor, now: now) {
                    let data = read(Core.Body(range: answer.range), core, input)
                    seen.append(.answer(answer.stream, data, answer.call.number))
                    continue
                }
                let event = core.next(input.span, &cursor, now: now)
                if case .needsBytes = event { break }
                see(event, &core, input, &seen)
            }
            input.removeFirst(cursor)
        }
    }

    /// Notes an event, and takes its messages as a reader does that keeps up.
    static func see(
        _ event: Core.Event, _ core: inout Core, _ input: [UInt8], _ seen: inout [Seen]
    ) {
        switch event {
        case .needsBytes: break
        case .ready: seen.append(.ready)
        case .draining: seen.append(.draining)
        case .limitsChanged: seen.append(.limitsChanged)
        case .idle: seen.append(.idle)
        case .old: seen.append(.old)
        case .request(let request):
            guard let body = request.body else {
                return seen.append(.opened(request.stream, method: request.method))
            }
            seen.append(
                .request(request.stream, method: request.method, read(body, core, input)))
        case .requestEnded(let stream): seen.append(.requestEnded(stream))
        case .head(let stream): seen.append(.head(stream, core.detail.metadata))
        case .message(let stream, let body, let isLast, let hasHead):
            if hasHead { seen.append(.head(stream, core.detail.metadata)) }
            seen.append(.message(stream, read(body, core, input), isLast: isLast))
            if !body.isAssembled { core.owe(body.credit) }
            if isLast, core.isOurs(stream) {
                core.takeCall(stream)
            } else {
                core.consumed(stream, body.credit)
            }
        case .ended:
            let error = core.detail.error
            seen.append(.ended(core.detail.attachment?.number, error?.code, error?.certainty))
        case .cancelled(let stream): seen.append(.cancelled(stream))
        case .failed: seen.append(.failed(core.detail.error?.code ?? .unknown))
        }
    }

    static func read(_ body: Core.Body, _ core: Core, _ input: [UInt8]) -> [UInt8] {
        let bytes = body.isAssembled ? core.detail.assembled.joined() : Array(input[body.range])
        return (try? Blob(decoding: bytes))?.data ?? [0xBA, 0xD0]
    }

    mutating func call(_ data: [UInt8], timeout: UInt64? = nil, _ attachment: Int = 7)
        throws(RPCError) -> UInt32
    {
        try client.call(
            echo, Blob(data), deadline: timeout.map { now + $0 } ?? .max, now: now, attachment)
    }
}

/// A message with one field of bytes.
struct Blob: Message {
    static let typeName = "test.Blob"
    var data: [UInt8] = []

    init() {}
    init(_ data: [UInt8]) { self.data = data }

    func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
        writer.field(1, "data", data)
    }

    mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        try reader.field(bytes, 1, "data", &data, 0...(64 << 20))
        try reader.rest(bytes)
    }
}

extension ConnectionCore where Attachment == Tag {
    mutating func call(
        _ method: MethodDescriptor, _ request: Blob, deadline: UInt64, now: UInt64,
        _ attachment: Int, isForOneAnswer: Bool = false
    ) throws(RPCError) -> UInt32 {
        var terms = CallTerms()
        terms.deadline = deadline
        terms.isForOneAnswer = isForOneAnswer
        return try call(method, terms, now: now, Tag(attachment)) { request.encode(into: &$0) }
    }

    /// Begins a call with a stream of requests.
    mutating func open(_ method: MethodDescriptor, now: UInt64, _ attachment: Int = 7)
        throws(RPCError) -> UInt32
    {
        var terms = CallTerms()
        terms.streamsRequest = true
        return try call(method, terms, now: now, Tag(attachment)) { _ in }
    }

    mutating func answer(_ stream: UInt32, _ response: Blob, isLast: Bool) throws(RPCError)
        -> Bool
    {
        if case .whole = try send(stream, endsStream: isLast, { response.encode(into: &$0) }) {
            return true
        }
        return false
    }
}

extension ConnectionCore {
    /// A message waits for its reader.
    mutating func hold(_ body: Body, of stream: UInt32) {
        if let slot = slot(of: stream) { note(body, slot, stream, isHeld: true) }
    }
}

extension ConnectionCore.Event {
    /// Whether the owner must act before time goes on.
    var isForOwner: Bool {
        switch self {
        case .idle, .old, .failed: true
        default: false
        }
    }
}

let echo = MethodDescriptor(
    name: "test.Echo/echo", id: 0xEC40, kind: .unary, deadline: .seconds(10), idleLimit: nil,
    roles: ["ctl"], fingerprint: 0)
