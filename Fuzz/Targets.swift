// The entry point for libFuzzer; scripts/fuzz builds it with the pure parts of RPCRuntime.

import Glibc

/// Who made a call, as far as a fuzzed connection is concerned.
final class Caller {}

typealias Core = ConnectionCore<Caller>

func report(_ condition: Bool, _ what: String) {
    // A trap is what libFuzzer takes note of.
    if !condition { fatalError(what) }
}

/// Decodes as a message; what was read must encode to something that reads the same.
func roundTrip<M: Message & Equatable>(_: M.Type, _ bytes: [UInt8]) {
    guard let message = try? M(decoding: bytes) else { return }
    let again = message.encoded()
    guard let second = try? M(decoding: again) else {
        return report(false, "\(M.typeName): what was encoded does not decode")
    }
    report(second == message, "\(M.typeName): what was encoded reads otherwise")
    report(second.encoded() == again, "\(M.typeName): the encoding is not the same twice")
}

let services = [
    ServiceDescriptor(
        name: "fuzz.Service", fingerprint: 1,
        methods: [
            MethodDescriptor(
                name: "fuzz.Service/one", id: 1, kind: .unary, deadline: .seconds(10),
                idleLimit: nil, roles: ["any"], fingerprint: 2),
            MethodDescriptor(
                name: "fuzz.Service/many", id: 2, kind: .bidirectional, deadline: nil,
                idleLimit: .seconds(60), roles: ["any"], fingerprint: 3),
        ], schema: "")
]

func smallOptions() -> RPCOptions {
    var options = RPCOptions()
    options.frameBytesMax = 16 << 10
    options.messageBytesMax = 20_000
    options.streamWindow = 4096
    options.connectionWindow = 16 << 10
    options.reassemblyBytesMax = 40_000
    options.streamsMax = 4
    options.metadataBytesMax = 1000
    return options
}

extension ConnectionCore {
    /// A message waits for its reader.
    mutating func hold(_ body: Body, of stream: UInt32) {
        if let slot = slot(of: stream) { note(body, slot, stream, isHeld: true) }
    }
}

/// Gives bytes to a connection in pieces, and does with its events what an owner does.
struct Listening {
    var core: Core
    var input: [UInt8] = []
    var now: UInt64 = 1_000_000_000

    init(_ role: Core.Role) {
        core = Core(role, smallOptions(), peerName: "peer", services: services, now: now)
        core.streamingMethods = [2]
    }

    mutating func hand(_ bytes: ArraySlice<UInt8>) {
        input += bytes
        var cursor = 0
        let given = input
        loop: while true {
            if let answer = core.nextAnswer(given.span, &cursor, now: now) {
                check(Core.Body(range: answer.range))
                continue
            }
            if let range = core.nextRequest(
                of: services[0].methods[0].id, given.span, &cursor, now: now)
            {
                check(Core.Body(range: range))
                _ = try? core.send(core.fresh.stream, endsStream: true) {
                    $0.field(1, "b", [1, 2] as [UInt8])
                }
                continue
            }
            switch core.next(given.span, &cursor, now: now) {
            case .needsBytes: break loop
            case .request(let request):
                if let body = request.body { check(body) }
                // Answered at once, later, or by its caller's end.
                if request.stream % 6 == 1 {
                    _ = try? core.send(request.stream, endsStream: true) {
                        $0.field(1, "b", [1, 2] as [UInt8])
                    }
                } else if request.stream % 6 == 3 {
                    core.finish(request.stream, RPCError(.aborted, "no"))
                }
            case .message(let stream, let body, let isLast, _):
                check(body)
                core.hold(body, of: stream)
                core.consumed(stream, body.credit)
                if isLast, core.isOurs(stream) { core.takeCall(stream) }
            case .cancelled(let stream): core.finish(stream, nil)
            default: break
            }
        }
        input.removeFirst(cursor)
        core.pump()
        core.output.bytes.removeAll()
    }

    private func check(_ body: Core.Body) {
        let count = body.isAssembled ? core.detail.assembled.count : input.count
        report(body.range.upperBound <= count, "a body outside of its bytes")
    }
}

/// A good hello, so that what follows is reached.
func hello() -> [UInt8] {
    Core(.dialler, smallOptions(), peerName: "", services: services, now: 1).output.bytes
}

/// A connection that is open, and bytes as they come: the first says in which pieces.
@Sendable func fuzzFrames(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    for role in [Core.Role.listener, .dialler] {
        var end = Listening(role)
        if first & 1 == 0 { end.hand(hello()[...]) }
        if role == .dialler, first & 2 != 0 {
            var terms = Core.CallTerms()
            terms.deadline = end.now + 1_000_000
            for method in services[0].methods {
                terms.streamsRequest = method.kind == .bidirectional
                _ = try? end.core.call(method, terms, now: end.now, Caller()) { _ in }
            }
        }
        let piece = Int(first >> 2) + 1
        var rest = bytes.dropFirst()
        while !rest.isEmpty {
            end.hand(rest.prefix(piece))
            rest = rest.dropFirst(piece)
            end.now += 1_000
        }
        end.now += 120_000_000_000
        while end.core.tick(end.now) != nil {}
    }
}

@Sendable func fuzzHello(_ bytes: [UInt8]) {
    roundTrip(Hello.self, bytes)
    var end = Listening(.listener)
    var frame = [UInt8](repeating: 0, count: FrameHeader.size)
    FrameHeader(.hello, stream: 0, length: bytes.count).write(to: &frame, at: 0)
    end.hand((frame + bytes)[...])
}

@Sendable func fuzzCallHead(_ bytes: [UInt8]) {
    roundTrip(CallHead.self, bytes)
    roundTrip(AnswerHead.self, bytes)
}

@Sendable func fuzzStatus(_ bytes: [UInt8]) {
    roundTrip(CallStatus.self, bytes)
    roundTrip(DrainNotice.self, bytes)
    roundTrip(LimitsNotice.self, bytes)
    if let status = try? CallStatus(decoding: bytes), let error = status.error {
        let again = CallStatus(error)
        report(again.encoded().count <= CallStatus.bytesMax, "a status that is too long")
    }
}

@Sendable func fuzzProgram(_ bytes: [UInt8]) {
    var program = Program(bytes)
    program.run()
}

/// The target that the environment names.
let target: @Sendable ([UInt8]) -> Void = {
    switch getenv("FUZZ_TARGET").map({ String(cString: $0) }) {
    case "frames": fuzzFrames
    case "hello": fuzzHello
    case "callhead": fuzzCallHead
    case "status": fuzzStatus
    case "program": fuzzProgram
    case "parted": fuzzParted
    case "json": fuzzJSON
    case "route": fuzzRoute
    case "message": fuzzMessage
    default: fatalError("FUZZ_TARGET names no target")
    }
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target(Array(UnsafeBufferPointer(start: data, count: count)))
    return 0
}
