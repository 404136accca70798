import RPCRuntime
import RPCTesting
import Synchronization
import TestSchemas
import Transport

/// Frames by hand, as docs/WIRE.md has them.
enum Wire {
    static let hello: UInt8 = 1
    static let request: UInt8 = 2
    static let data: UInt8 = 3
    static let status: UInt8 = 4
    static let cancel: UInt8 = 5
    static let credit: UInt8 = 6
    static let ping: UInt8 = 7
    static let pong: UInt8 = 8
    static let drain: UInt8 = 9
    static let close: UInt8 = 10
    static let limits: UInt8 = 11
    static let both: UInt8 = 3
    static let endMessage: UInt8 = 1
    static let endStream: UInt8 = 2
    static let compressed: UInt8 = 4

    static func varint(_ number: UInt64) -> [UInt8] {
        var (rest, bytes) = (number, [UInt8]())
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(truncatingIfNeeded: rest)]
    }

    static func request(
        _ method: MethodDescriptor, _ stream: UInt32, _ message: [UInt8], flags: UInt8 = both,
        more head: [UInt8] = []
    ) -> RawFrame {
        let head = [1 << 3] + varint(UInt64(method.id)) + head
        return RawFrame(
            type: request, stream: stream, flags: flags, head: UInt16(head.count),
            payload: head + message)
    }

    static func data(_ stream: UInt32, _ bytes: [UInt8], flags: UInt8 = both) -> RawFrame {
        RawFrame(type: data, stream: stream, flags: flags, payload: bytes)
    }

    static func ping(_ number: UInt8) -> RawFrame {
        RawFrame(type: ping, payload: [number] + [UInt8](repeating: 0, count: 7))
    }

    static func credit(_ stream: UInt32, _ count: UInt32) -> RawFrame {
        RawFrame(
            type: credit, stream: stream,
            payload: (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) })
    }

    /// The code of a STATUS or CLOSE, which is its first field.
    static func code(_ frame: RawFrame) -> UInt8? {
        frame.payload.first == 1 << 3 ? frame.payload.dropFirst().first : 0
    }

    /// What a frame's head says.
    struct Frame: Sendable {
        var timeoutMicroseconds: UInt64?

        init(_ frame: RawFrame) {
            var rest = frame.payload.prefix(Int(frame.head))
            while let tag = Self.varint(&rest), tag & 7 == 0, let value = Self.varint(&rest) {
                if tag == 2 << 3 { timeoutMicroseconds = value }
            }
        }

        private static func varint(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
            var (value, shift) = (UInt64(0), UInt64(0))
            while let byte = bytes.popFirst(), shift < 64 {
                value |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { return value }
                shift += 7
            }
            return nil
        }
    }
}

/// What a server does whose every frame the test says.
struct Script: Sendable {
    typealias Answer = @Sendable (ScriptedPeer, RawFrame) async throws -> Void
    let answer: Answer

    /// Answers each request by an empty message, after `note` has seen it.
    static func answering(
        _ note: @escaping @Sendable (ScriptedPeer, RawFrame) -> Void = { _, _ in }
    ) -> Script {
        Script { peer, frame in
            guard frame.type == Wire.request else { return }
            note(peer, frame)
            peer.send(Wire.data(frame.stream, []))
        }
    }
}

extension Bed {
    /// Serves by a script; gives what dials it.
    func serveScript(
        _ script: Script, atEnd: @escaping @Sendable () -> Void = {}
    ) async throws -> Dial {
        try await serveScript { peer in
            _ = Task(executorPreference: loop) {
                _ = try? await peer.greet()
                while let frame = try? await peer.next(timeout: .seconds(1000)) {
                    if frame.type == Wire.ping {
                        peer.send(RawFrame(type: Wire.pong, payload: frame.payload))
                    }
                    try? await script.answer(peer, frame)
                }
                atEnd()
            }
        }
    }
}

/// How a call ended whose server answers by a script.
struct Ending: Sendable {
    /// nil for success.
    var error: RPCError?
    /// The code of the CLOSE that the server got; nil without one.
    var close: UInt8?
}

/// Makes a call to a server that answers each request by `answer`, and closes the link.
func ending(
    _ medium: Medium, _ options: RPCOptions = RPCOptions(),
    of call: @escaping @Sendable (Interop.Client) async throws -> Void = {
        _ = try await $0.emptyCall(Nothing())
    },
    _ answer: @escaping @Sendable (ScriptedPeer, UInt32) -> Void
) async throws -> Ending {
    let ended = Lock(Ending())
    try await on(medium) { bed in
        let isClosed = Lock(false)
        let dial = try await bed.serveScript(
            Script { peer, frame in
                if frame.type == Wire.request { answer(peer, frame.stream) }
                if frame.type == Wire.close {
                    ended.withLock { $0.close = Wire.code(frame) }
                }
            }, atEnd: { isClosed.withLock { $0 = true } })
        let link = try await dial(options).connect()
        do { try await call(Interop.Client(link)) } catch let error as RPCError {
            ended.withLock { $0.error = error }
        }
        link.close()
        try await bed.eventually { isClosed.withLock { $0 } }
    }
    return ended.withLock { $0 }
}
