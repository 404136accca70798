import RPCRuntime
import RPCTesting
import TestSchemas
import TestSupport
import Testing
import Transport

/// Messages that travel compressed, each by its sender's choice.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct CompressionTests {
    @Test(arguments: Medium.allCases)
    func `compress/probe`(medium: Medium) async throws {
        // gRPC's client_compressed_unary.
        try await on(medium) { bed in
            let client = try await bed.client()
            var probe = Ask(payload: 271_828, answers: 314_159)
            probe.expectCompressed = true
            let sent = probe
            let error = await #expect(throws: RPCError.self) {
                try await client.unaryCall(sent)
            }
            #expect(error?.code == .invalidArgument)
            var options = CallOptions()
            options.compressesRequest = true
            #expect(try await client.unaryCall(sent, options).payload.count == 314_159)
            probe.expectCompressed = false
            #expect(try await client.unaryCall(probe).total == 271_828)
        }
    }

    @Test(arguments: Medium.allCases)
    func `compress/per-message`(medium: Medium) async throws {
        // gRPC's client_compressed_streaming.
        try await on(medium) { bed in
            let client = try await bed.client()
            var first = Ask(payload: 27_182)
            first.expectCompressed = true
            var second = Ask(payload: 45_904)
            second.expectCompressed = false
            let (packed, plain) = (first, second)
            let error = await #expect(throws: RPCError.self) {
                try await client.streamingInput { asks throws(RPCError) in
                    try await asks.write(packed)
                }
            }
            #expect(error?.code == .invalidArgument)
            let reply = try await client.streamingInput { asks throws(RPCError) in
                try await asks.compress()
                try await asks.write(packed)
                try await asks.compress(false)
                try await asks.write(plain)
            }
            #expect(reply.total == 73_086)
        }
    }

    @Test(arguments: Medium.allCases)
    func `compress/server-choice`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            for isCompressed in [true, false] {
                var ask = Ask(payload: 271_828, answers: 314_159)
                ask.answers[0].compressed = isCompressed
                let report = CallReport()
                var options = CallOptions()
                options.report = report
                #expect(try await client.unaryCall(ask, options).payload.count == 314_159)
                #expect(report.compressedMessages == (isCompressed ? 1 : 0))
            }
            var ask = Ask(answers: 31_415, 92_653)
            ask.answers[0].compressed = true
            let report = CallReport()
            var options = CallOptions()
            options.report = report
            let sizes = try await client.streamingOutput(ask, options, BasicTests.sizes)
            #expect(sizes == [31_415, 92_653] && report.compressedMessages == 1)
        }
    }

    @Test(arguments: Medium.allCases)
    func `compress/bomb`(medium: Medium) async throws {
        try await on(medium) { bed in
            let peer = try await bed.script()
            try await peer.greet()
            let zeros = [UInt8](repeating: 0, count: 8 << 20)
            let bomb = Deflater().compress(zeros.span)
            #expect(bomb.count < 100_000)
            peer.send(
                Wire.request(Interop.Method.unaryCall, 1, bomb, flags: Wire.both | Wire.compressed))
            let status = try await peer.next(type: Wire.status)
            #expect(Wire.code(status) == RPCError.Code.resourceExhausted.rawValue)
            peer.send(Wire.request(Interop.Method.emptyCall, 3, []))
            #expect(try await peer.next(type: Wire.data).stream == 3)
            #expect(bed.service.tally["began"] == 0)
        }
    }
}
