import Harness
import RPCRuntime

@main
enum Program {
    static func main() throws {
        let request = Samples.Request()
        let sample = Samples.Punch(7)
        let (location, device, cursor) = (
            bytes(request.location), bytes(request.device), request.cursor
        )
        let texts = [sample.device, sample.user, sample.resolvedUser, sample.localTime].map(bytes)
        try Harness.run([
            try measured(
                "request",
                SmallRequest(
                    location: request.location, device: request.device, after: request.after,
                    limit: request.limit, cursor: request.cursor),
                floor: { made(request, location, device, cursor, $0) }),
            try measured(
                "punch", punch(sample),
                floor: { made(sample, texts, $0) }),
            try measured("page", page()),
            try measured("blob", Blob(data: Samples.blob)),
            try measuredJSON("json-page", page()),
        ])
    }

    @inline(__always)
    private static func measured<M: Message>(
        _ name: String, _ message: M, floor: ((Int) -> M)? = nil
    ) throws -> Case {
        let bytes = message.encoded()
        var floors: [(name: String, run: (Int) throws -> Void)] = []
        if let floor {
            guard floor(1) == message else { throw Failure("\(name) is made otherwise") }
            floors.append(
                (
                    "encode-floor",
                    {
                        var value: [UInt8] = []
                        for _ in 0..<$0 {
                            value = copy(bytes)
                            touch(&value)
                        }
                    }
                ))
            floors.append(("decode-floor", { _ = floor($0) }))
        }
        return Case(
            name,
            bytes: {
                let decoded = try M(decoding: bytes)
                guard decoded == message, decoded.encoded() == bytes else {
                    throw Failure("\(name) does not come back as it went")
                }
                return bytes
            },
            rows: [
                ("encode", { for _ in 0..<$0 { consume(message.encoded()) } }),
                ("decode", { for _ in 0..<$0 { consume(try M(decoding: bytes)) } }),
                (
                    "encode-reused",
                    {
                        var buffer: [UInt8] = []
                        for _ in 0..<$0 {
                            buffer.removeAll(keepingCapacity: true)
                            var writer = WireWriter(buffer)
                            // The writer alone has the array, or it would copy it.
                            buffer = []
                            message.encode(into: &writer)
                            buffer = writer.bytes
                            consume(buffer)
                        }
                    }
                ),
            ] + floors)
    }

    // MARK: Floors: what the values cost when nothing has to be read or checked

    /// Uses a value as far as the optimiser knows, where it stands: `consume` has some copied for it.
    @inline(never)
    @_optimize(none)
    private static func touch<Value>(_ value: inout Value) {}

    /// Makes a request of its values, so often; the last.
    private static func made(
        _ request: Samples.Request, _ location: [UInt8], _ device: [UInt8], _ cursor: [UInt8],
        _ count: Int
    ) -> SmallRequest {
        var value = SmallRequest()
        for _ in 0..<count {
            value.location = text(location)
            value.device = text(device)
            value.after = request.after
            value.limit = request.limit
            value.cursor = copy(cursor)
            touch(&value)
        }
        return value
    }

    /// Makes a punch of its values, so often; the last.
    private static func made(_ sample: Samples.Punch, _ texts: [[UInt8]], _ count: Int) -> Punch {
        let source = PunchSource(rawValue: sample.source)
        let (received, instant) = (timestamp(sample.receivedAt), timestamp(sample.instant))
        let (device, user, resolved, local) = (texts[0], texts[1], texts[2], texts[3])
        var value = Punch()
        for _ in 0..<count {
            value.device = text(device)
            value.user = text(user)
            value.resolvedUser = text(resolved)
            value.localTime = text(local)
            value.state = sample.state
            value.verify = sample.verify
            value.workCode = sample.workCode
            value.source = source
            value.receivedAt = received
            value.instant = instant
            touch(&value)
        }
        return value
    }

    private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @inline(__always)
    private static func text(_ bytes: [UInt8]) -> String {
        String(copying: unsafe UTF8Span(unchecked: bytes.span, isKnownASCII: true))
    }

    @inline(__always)
    private static func copy(_ bytes: [UInt8]) -> [UInt8] {
        unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
    }

    @inline(__always)
    private static func measuredJSON<M: Message>(_ name: String, _ message: M) throws -> Case {
        let json = message.encodedJSON()
        return Case(
            name,
            bytes: {
                let decoded = try M(decodingJSON: json)
                guard decoded == message, decoded.encodedJSON() == json else {
                    throw Failure("\(name) does not come back as it went")
                }
                return json
            },
            rows: [
                ("encode", { for _ in 0..<$0 { consume(message.encodedJSON()) } }),
                ("decode", { for _ in 0..<$0 { consume(try M(decodingJSON: json)) } }),
            ])
    }

    private static func page() -> PunchPage {
        PunchPage(
            punches: (0..<Samples.punchCount).map { index in
                let stored = Samples.stored(index)
                return StoredPunch(
                    sequence: stored.sequence, location: stored.location,
                    punch: punch(stored.punch))
            },
            nextCursor: Samples.nextCursor, hasMore: true, complete: true,
            asOf: timestamp(Samples.asOf),
            sources: Samples.locations.indices.map { index in
                let source = Samples.source(index)
                return Source(
                    location: source.location, state: .linked,
                    completeThrough: timestamp(source.completeThrough),
                    lastSequence: source.lastSequence)
            })
    }

    private static func punch(_ sample: Samples.Punch) -> Punch {
        Punch(
            device: sample.device, user: sample.user, resolvedUser: sample.resolvedUser,
            localTime: sample.localTime, state: sample.state, verify: sample.verify,
            workCode: sample.workCode, source: PunchSource(rawValue: sample.source),
            receivedAt: timestamp(sample.receivedAt), instant: timestamp(sample.instant))
    }

    private static func timestamp(_ sample: Samples.Instant) -> Timestamp {
        Timestamp(seconds: sample.seconds, nanoseconds: sample.nanoseconds) ?? Timestamp()
    }
}
