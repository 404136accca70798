import Harness
import SwiftProtobuf

private typealias SmallRequest = Codecbench_V1_SmallRequest
private typealias Punch = Codecbench_V1_Punch
private typealias PunchPage = Codecbench_V1_PunchPage
private typealias Blob = Codecbench_V1_Blob

@main
enum Program {
    static func main() throws {
        try Harness.run([
            try measured("request", request()),
            try measured("punch", punch(Samples.Punch(7))),
            try measured("page", page()),
            try measured("blob", Blob.with { $0.data = .init(Samples.blob) }),
        ])
    }

    @inline(__always)
    private static func measured<M: SwiftProtobuf.Message & Equatable>(
        _ name: String, _ message: M
    ) throws -> Case {
        let bytes: [UInt8] = try message.serializedBytes()
        return Case(
            name,
            bytes: {
                let decoded = try M(serializedBytes: bytes)
                guard decoded == message, try decoded.serializedBytes() == bytes else {
                    throw Failure("\(name) does not come back as it went")
                }
                return bytes
            },
            rows: [
                (
                    "encode",
                    { for _ in 0..<$0 { consume(try message.serializedBytes() as [UInt8]) } }
                ),
                ("decode", { for _ in 0..<$0 { consume(try M(serializedBytes: bytes)) } }),
            ])
    }

    private static func request() -> SmallRequest {
        let sample = Samples.Request()
        return .with {
            $0.location = sample.location
            $0.device = sample.device
            $0.after = sample.after
            $0.limit = sample.limit
            $0.cursor = .init(sample.cursor)
        }
    }

    private static func page() -> PunchPage {
        .with { page in
            page.punches = (0..<Samples.punchCount).map { index in
                let stored = Samples.stored(index)
                return .with {
                    $0.sequence = stored.sequence
                    $0.location = stored.location
                    $0.punch = punch(stored.punch)
                }
            }
            page.nextCursor = Samples.nextCursor
            page.hasMore_p = true
            page.complete = true
            page.asOf = timestamp(Samples.asOf)
            page.sources = Samples.locations.indices.map { index in
                let source = Samples.source(index)
                return .with {
                    $0.location = source.location
                    $0.state = .linked
                    $0.completeThrough = timestamp(source.completeThrough)
                    $0.lastSequence = source.lastSequence
                }
            }
        }
    }

    private static func punch(_ sample: Samples.Punch) -> Punch {
        .with {
            $0.device = sample.device
            $0.user = sample.user
            $0.resolvedUser = sample.resolvedUser
            $0.localTime = sample.localTime
            $0.state = sample.state
            $0.verify = sample.verify
            $0.workCode = sample.workCode
            $0.source = .init(rawValue: Int(sample.source)) ?? .unspecified
            $0.receivedAt = timestamp(sample.receivedAt)
            $0.instant = timestamp(sample.instant)
        }
    }

    private static func timestamp(_ sample: Samples.Instant) -> Google_Protobuf_Timestamp {
        .init(seconds: sample.seconds, nanos: sample.nanoseconds)
    }
}
