import RPCRuntime
import TestSchemas
import TestSupport
import Testing
import Transport

/// The four kinds of calls, with gRPC's sizes.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct BasicTests {
    @Test(arguments: Medium.allCases)
    func `basic/unary`(medium: Medium) async throws {
        try await on(medium) { bed in
            let reply = try await bed.client().unaryCall(Ask(payload: 10, answers: 20))
            #expect(reply.payload.count == 20 && reply.total == 10)
        }
    }

    @Test(arguments: Medium.allCases)
    func `basic/client-streaming`(medium: Medium) async throws {
        try await on(medium) { bed in
            let reply = try await bed.client().streamingInput { asks throws(RPCError) in
                for size in [27_182, 8, 1_828, 45_904] { try await asks.write(Ask(payload: size)) }
            }
            #expect(reply.total == 74_922 && reply.count == 4)
        }
    }

    @Test(arguments: Medium.allCases)
    func `basic/server-streaming`(medium: Medium) async throws {
        try await on(medium) { bed in
            let ask = Ask(answers: 31_415, 9, 2_653, 58_979)
            let sizes = try await bed.client().streamingOutput(ask, CallOptions(), Self.sizes)
            #expect(sizes == [31_415, 9, 2_653, 58_979])
        }
    }

    @Test(arguments: Medium.allCases)
    func `basic/bidi-full`(medium: Medium) async throws {
        try await on(medium) { bed in
            let sizes = try await bed.client().fullDuplex { asks, replies throws(RPCError) in
                for size in [1, 2, 3] { try await asks.write(Ask(payload: 5, answers: size)) }
                asks.finish()
                return try await Self.sizes(replies)
            }
            #expect(sizes == [1, 2, 3])
        }
    }

    @Test(arguments: Medium.allCases)
    func `basic/bidi-half`(medium: Medium) async throws {
        try await on(medium) { bed in
            let sizes = try await bed.client().halfDuplex { asks, replies throws(RPCError) in
                for size in [31_415, 9, 2_653] { try await asks.write(Ask(answers: size)) }
                asks.finish()
                return try await Self.sizes(replies)
            }
            #expect(sizes == [31_415, 9, 2_653])
        }
    }

    @Test(arguments: Medium.allCases)
    func `empty/message`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            #expect(try await client.emptyCall(Nothing()) == Nothing())
            // Empty messages in a stream are messages.
            let reply = try await client.streamingInput { asks throws(RPCError) in
                for _ in 0..<3 { try await asks.write(Ask()) }
            }
            #expect(reply.count == 3)
        }
    }

    @Test(arguments: Medium.allCases)
    func `empty/client-stream`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            let reply = try await client.streamingInput { _ throws(RPCError) in }
            #expect(reply.count == 0)
            // gRPC's empty_stream.
            let sizes = try await client.fullDuplex { asks, replies throws(RPCError) in
                asks.finish()
                return try await Self.sizes(replies)
            }
            #expect(sizes == [])
        }
    }

    @Test(arguments: Medium.allCases)
    func `empty/server-stream`(medium: Medium) async throws {
        try await on(medium) { bed in
            let sizes = try await bed.client().streamingOutput(
                Ask(), CallOptions(), Self.sizes)
            #expect(sizes == [])
        }
    }

    @Test(arguments: Medium.allCases)
    func `large/271828-314159`(medium: Medium) async throws {
        try await on(medium) { bed in
            let ask = Ask(payload: 271_828, answers: 314_159)
            let reply = try await bed.client().unaryCall(ask)
            #expect(reply.payload == [UInt8](repeating: 0, count: 314_159))
            #expect(reply.total == 271_828)
        }
    }

    @Test(arguments: Medium.allCases)
    func `pingpong/lockstep`(medium: Medium) async throws {
        try await on(medium) { bed in
            let came = try await bed.client().fullDuplex { asks, replies throws(RPCError) in
                var came: [Int] = []
                var iterator = replies.makeAsyncIterator()
                for (size, answer) in [
                    (27_182, 31_415), (8, 9), (1_828, 2_653), (45_904, 58_979),
                ] {
                    try await asks.write(Ask(payload: size, answers: answer))
                    came.append(try await iterator.next()?.payload.count ?? -1)
                }
                asks.finish()
                if try await iterator.next() != nil { came.append(-2) }
                return came
            }
            #expect(came == [31_415, 9, 2_653, 58_979])
        }
    }

    @Test(arguments: Medium.allCases)
    func `order/server-speaks-first`(medium: Medium) async throws {
        try await on(medium) { bed in
            let isFirst = try await bed.client().greet { asks, replies throws(RPCError) in
                var iterator = replies.makeAsyncIterator()
                let isFirst = try await iterator.next() != nil
                asks.finish()
                return try await iterator.next() == nil && isFirst
            }
            #expect(isFirst)
        }
    }

    @Test(arguments: Medium.allCases)
    func `unimpl/method`(medium: Medium) async throws {
        try await on(medium) { bed in
            let link = try await bed.link()
            let unknown = MethodDescriptor(
                name: "biometricflow.conformance.v1.Interop/nothing", id: 1, kind: .unary,
                deadline: .seconds(5), idleLimit: nil, roles: ["ctl"], fingerprint: 0)
            let error = await #expect(throws: RPCError.self) {
                let _: Nothing = try await link.unary(unknown, Nothing(), CallOptions())
            }
            #expect(error?.code == .unimplemented && error?.certainty == .refused)
            let told = await #expect(throws: RPCError.self) {
                try await Interop.Client(link).unimplemented(Nothing())
            }
            #expect(told?.code == .unimplemented && told?.certainty == .processed)
        }
    }

    @Test(arguments: Medium.allCases)
    func `unimpl/service`(medium: Medium) async throws {
        try await on(medium) { bed in
            let link = try await bed.link()
            let error = await #expect(throws: RPCError.self) {
                try await Unserved.Client(link).emptyCall(Nothing())
            }
            #expect(error?.code == .unimplemented && error?.certainty == .refused)
        }
    }

    @Test(arguments: Medium.allCases)
    func `unimpl/then-reuse`(medium: Medium) async throws {
        try await on(medium) { bed in
            let link = try await bed.link()
            for _ in 0..<3 {
                await #expect(throws: RPCError.self) {
                    try await Unserved.Client(link).emptyCall(Nothing())
                }
                let reply = try await Interop.Client(link).unaryCall(Ask(payload: 3))
                #expect(reply.total == 3)
            }
        }
    }

    /// Connect's tls_client_certs, and gRPC's cases of credentials.
    @Test(arguments: Medium.allCases)
    func `tls/the server knows who calls`(medium: Medium) async throws {
        for identity in ["ctl/alice", "location/cairo"] {
            try await on(medium, as: identity) { bed in
                let link = try await bed.link()
                let reply = try await Interop.Client(link).unaryCall(Ask())
                #expect(reply.peer.hasPrefix("spiffe://") && reply.peer.hasSuffix("/\(identity)"))
                #expect(link.peer.description.hasSuffix("/gateway/main"))
            }
        }
    }

    /// The sizes of all answers.
    @Sendable static func sizes(_ replies: MessageStream<Reply>) async throws(RPCError) -> [Int] {
        var sizes: [Int] = []
        for try await reply in replies { sizes.append(reply.payload.count) }
        return sizes
    }
}
