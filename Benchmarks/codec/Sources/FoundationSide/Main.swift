import Foundation
import Harness

// The page of punches as one would write it for Foundation's JSON. Field names are those of
// protobuf's JSON; times are whole seconds, which is all that `.iso8601` knows.

private struct Punch: Codable, Equatable {
    enum Source: String, Codable {
        case unspecified = "PUNCH_SOURCE_UNSPECIFIED"
        case poll = "PUNCH_SOURCE_POLL"
        case live = "PUNCH_SOURCE_LIVE"
        case push = "PUNCH_SOURCE_PUSH"
    }

    var device, user, resolvedUser, localTime: String
    var state, verify, workCode: UInt32
    var source: Source
    var receivedAt: Date
    var instant: Date?

    init(_ sample: Samples.Punch) {
        device = sample.device
        user = sample.user
        resolvedUser = sample.resolvedUser
        localTime = sample.localTime
        state = sample.state
        verify = sample.verify
        workCode = sample.workCode
        let sources: [Source] = [.unspecified, .poll, .live, .push]
        source = sources[Int(sample.source)]
        receivedAt = date(sample.receivedAt)
        instant = date(sample.instant)
    }
}

private struct StoredPunch: Codable, Equatable {
    var sequence: UInt64
    var location: String
    var punch: Punch
}

private struct Source: Codable, Equatable {
    enum State: String, Codable {
        case unknown = "LINK_STATE_UNKNOWN"
        case linked = "LINK_STATE_LINKED"
        case unreachable = "LINK_STATE_UNREACHABLE"
        case conflict = "LINK_STATE_CONFLICT"
    }

    var location: String
    var state: State
    var completeThrough: Date?
    var lastSequence: UInt64
}

private struct PunchPage: Codable, Equatable {
    var punches: [StoredPunch]
    var nextCursor: String
    var hasMore, complete: Bool
    var asOf: Date
    var sources: [Source]
}

private func date(_ sample: Samples.Instant) -> Date {
    Date(timeIntervalSince1970: Double(sample.seconds))
}

@main
enum Program {
    static func main() throws {
        let page = page()
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        let json = try encoder.encode(page)
        try Harness.run([
            Case(
                "json-page",
                bytes: {
                    guard try decoder.decode(PunchPage.self, from: json) == page else {
                        throw Failure("the page does not come back as it went")
                    }
                    return [UInt8](json)
                },
                rows: [
                    ("encode", { for _ in 0..<$0 { consume(try encoder.encode(page)) } }),
                    (
                        "decode",
                        {
                            for _ in 0..<$0 {
                                consume(try decoder.decode(PunchPage.self, from: json))
                            }
                        }
                    ),
                ])
        ])
    }

    private static func page() -> PunchPage {
        PunchPage(
            punches: (0..<Samples.punchCount).map { index in
                let stored = Samples.stored(index)
                return StoredPunch(
                    sequence: stored.sequence, location: stored.location,
                    punch: Punch(stored.punch))
            },
            nextCursor: Samples.nextCursor, hasMore: true, complete: true,
            asOf: date(Samples.asOf),
            sources: Samples.locations.indices.map { index in
                let source = Samples.source(index)
                return Source(
                    location: source.location, state: .linked,
                    completeThrough: date(source.completeThrough),
                    lastSequence: source.lastSequence)
            })
    }
}
