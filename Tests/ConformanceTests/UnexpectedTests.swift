import RPCRuntime
import RPCTesting
import Synchronization
import TestSchemas
import TestSupport
import Testing
import Transport

/// What Connect has peers say that nobody should, in frames, and errors that are not as ours are.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct UnexpectedTests {
    private static let breach = RPCError.Code.internal.rawValue

    /// An answer that ends its call alone, and not the link.
    private static func expect(
        _ medium: Medium, _ code: RPCError.Code,
        _ answer: @escaping @Sendable (ScriptedPeer, UInt32) -> Void
    ) async throws {
        let end = try await ending(medium) { answer($0, $1) }
        #expect(end.error?.code == code)
        #expect(end.close == RPCError.Code.unavailable.rawValue)
    }

    /// An answer that breaks the protocol, which ends the link.
    private static func expectBreach(
        _ medium: Medium, _ options: RPCOptions = RPCOptions(),
        _ answer: @escaping @Sendable (ScriptedPeer, UInt32) -> Void
    ) async throws {
        let end = try await ending(medium, options) { answer($0, $1) }
        #expect(end.error?.code == .unavailable && end.error?.certainty == .maybeProcessed)
        #expect(end.close == breach)
    }

    /// Requests to a server, and the code of the STATUS that each gets; nil for an answer.
    private static func expect(
        _ medium: Medium, _ codes: [RPCError.Code?], _ requests: [RawFrame]
    ) async throws {
        try await on(medium) { bed in
            let peer = try await bed.script()
            try await peer.greet()
            for (code, request) in zip(codes, requests) {
                peer.send(request)
                var frame = try await peer.next()
                while let other = frame, other.stream != request.stream {
                    frame = try await peer.next()
                }
                let answer = try #require(frame)
                #expect(answer.type == (code == nil ? Wire.data : Wire.status))
                if let code { #expect(Wire.code(answer) == code.rawValue) }
            }
            peer.close()
        }
    }

    // MARK: - Answers

    @Test(arguments: Medium.allCases)
    func `unexpected/an answer that cannot be read`(medium: Medium) async throws {
        try await Self.expect(medium, .internal) { peer, stream in
            peer.send(Wire.data(stream, [0xFF]))
        }
    }

    @Test(arguments: Medium.allCases)
    func `unexpected/an answer that cannot be expanded`(medium: Medium) async throws {
        try await Self.expect(medium, .internal) { peer, stream in
            peer.send(Wire.data(stream, [1, 2, 3], flags: Wire.both | Wire.compressed))
        }
    }

    @Test(arguments: Medium.allCases)
    func `unexpected/a compressed answer where none is taken`(medium: Medium) async throws {
        var options = RPCOptions()
        options.takesCompressed = false
        try await Self.expectBreach(medium, options) { peer, stream in
            peer.send(Wire.data(stream, [1, 2, 3], flags: Wire.both | Wire.compressed))
        }
    }

    @Test(arguments: Medium.allCases)
    func `unexpected/success inside a message`(medium: Medium) async throws {
        try await Self.expect(medium, .internal) { peer, stream in
            peer.send(
                Wire.data(stream, [10, 3, 1], flags: 0),
                RawFrame(type: Wire.status, stream: stream))
        }
    }

    @Test(arguments: Medium.allCases)
    func `unexpected/an answer to nobody`(medium: Medium) async throws {
        try await Self.expectBreach(medium) { peer, stream in
            peer.send(Wire.data(stream + 2, []))
        }
    }

    @Test(arguments: Medium.allCases)
    func `unexpected/frames of unknown types`(medium: Medium) async throws {
        // From 0x80 on they are for later versions, and say nothing to this one.
        let later = try await ending(medium) { peer, stream in
            peer.send(
                RawFrame(type: 0x80, stream: stream, flags: 0xFF, payload: [1, 2, 3]),
                Wire.data(stream, []))
        }
        #expect(later.error == nil)
        try await Self.expectBreach(medium) { peer, stream in
            peer.send(RawFrame(type: 0x7F), Wire.data(stream, []))
        }
    }

    // MARK: - Requests

    @Test(arguments: Medium.allCases)
    func `unexpected/a request that cannot be read`(medium: Medium) async throws {
        try await Self.expect(
            medium, [.invalidArgument, nil],
            [
                Wire.request(Interop.Method.unaryCall, 1, [0xFF]),
                Wire.request(Interop.Method.unaryCall, 3, []),
            ])
    }

    @Test(arguments: Medium.allCases)
    func `unexpected/a request that cannot be expanded`(medium: Medium) async throws {
        try await Self.expect(
            medium, [.internal, nil],
            [
                Wire.request(
                    Interop.Method.unaryCall, 1, [1, 2, 3], flags: Wire.both | Wire.compressed),
                Wire.request(Interop.Method.unaryCall, 3, []),
            ])
    }

    @Test(arguments: Medium.allCases)
    func `unexpected/a compressed request where none is taken`(medium: Medium) async throws {
        var options = RPCOptions()
        options.takesCompressed = false
        try await on(medium, server: options) { bed in
            let peer = try await bed.script()
            try await peer.greet()
            let flags = Wire.both | Wire.compressed
            peer.send(Wire.request(Interop.Method.unaryCall, 1, [1, 2, 3], flags: flags))
            let close = try await peer.next(type: Wire.close)
            #expect(Wire.code(close) == Self.breach)
            #expect(bed.service.tally["began"] == 0)
        }
    }

    // MARK: - Errors of other writers

    private static func expectStatus(
        _ medium: Medium, _ payload: [UInt8], _ check: (RPCError?) throws -> Void
    ) async throws {
        let end = try await ending(medium) { peer, stream in
            peer.send(RawFrame(type: Wire.status, stream: stream, payload: payload))
        }
        #expect(end.close == RPCError.Code.unavailable.rawValue)
        try check(end.error)
    }

    @Test(arguments: Medium.allCases)
    func `error/unknown fields`(medium: Medium) async throws {
        // A number, bytes, and both fixed sizes, before, between and behind what is known.
        let number: [UInt8] = [0x80 | 90 << 3 & 0x7F, 5, 1]
        let bytes: [UInt8] = [15 << 3 | 2, 3, 1, 2, 3]
        let fixed = [14 << 3 | 5, 1, 2, 3, 4] + [13 << 3 | 1, 1, 2, 3, 4, 5, 6, 7, 8] as [UInt8]
        let status = number + [8, 5] + bytes + [18, 2, 110, 111] + fixed + [24, 4]
        try await Self.expectStatus(medium, status) { error in
            #expect(error?.code == .notFound && error?.message == "no")
            #expect(error?.certainty == .processed)
        }
    }

    @Test(arguments: Medium.allCases)
    func `error/unknown code`(medium: Medium) async throws {
        for code: UInt64 in [17, 99, 256 + 5, UInt64(UInt32.max)] {
            try await Self.expectStatus(medium, [8] + Wire.varint(code) + [18, 2, 110, 111]) {
                #expect($0?.code == .unknown && $0?.message == "no")
            }
        }
    }

    @Test(arguments: Medium.allCases)
    func `error/unknown certainty`(medium: Medium) async throws {
        for certainty: UInt8 in [0, 9] {
            try await Self.expectStatus(medium, [8, 5, 24, certainty]) {
                #expect($0?.code == .notFound && $0?.certainty == .maybeProcessed)
            }
        }
    }

    @Test(arguments: Medium.allCases)
    func `error/missing message`(medium: Medium) async throws {
        try await Self.expectStatus(medium, [8, 5]) {
            #expect($0?.code == .notFound && $0?.message == "")
        }
    }

    /// Without a code it is a success, which lacks its answer.
    @Test(arguments: Medium.allCases)
    func `error/missing code`(medium: Medium) async throws {
        try await Self.expectStatus(medium, [18, 2, 110, 111]) {
            #expect($0?.code == .unimplemented)
        }
    }

    @Test(arguments: Medium.allCases)
    func `error/a detail that cannot be read`(medium: Medium) async throws {
        let name = Array(EchoStatus.typeName.utf8)
        let detail = [10, UInt8(name.count)] + name + [18, 1, 0xFF]
        let status = [8, 5, 18, 2, 110, 111, 34, UInt8(detail.count)] + detail
        try await Self.expectStatus(medium, status) { error in
            let error = try #require(error)
            #expect(error.code == .notFound && error.message == "no")
            #expect(error.details.map(\.typeName) == [EchoStatus.typeName])
            #expect(throws: (any Error).self) { try error.detail(EchoStatus.self) }
        }
    }

    @Test(arguments: Medium.allCases)
    func `error/a status that cannot be read`(medium: Medium) async throws {
        try await Self.expectBreach(medium) { peer, stream in
            peer.send(RawFrame(type: Wire.status, stream: stream, payload: [0xFF]))
        }
    }

    /// The end comes first, without any answer (gRPC's trailers-only).
    @Test(arguments: Medium.allCases)
    func `error/with trailers and no head`(medium: Medium) async throws {
        let entry: [UInt8] = [10, 1, 107, 18, 1, 7]
        try await Self.expectStatus(medium, [8, 5, 42, 6] + entry + [42, 6] + entry) { error in
            #expect(error?.code == .notFound)
            #expect(error?.metadata.entries.map(\.key) == ["k", "k"])
        }
    }
}
