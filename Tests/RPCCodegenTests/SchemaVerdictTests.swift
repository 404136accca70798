import TestSupport
import Testing

@testable import RPCCodegen
@testable import RPCRuntime

/// docs/IDL.md, part 11: what two ages of a schema mean for calls between them.
@Suite struct SchemaVerdictTests {
    static let schema = """
        package clock.v1
        enum Volume { quiet = 0
        loud = 1 }
        message Sound { volume: Volume = 1
        notes: list<uint32> = 2
        parts: list<Sound> = 3 }
        message Alarm { label: string = 1
        at: timestamp = 2
        sound: Sound? = 3
        delay: int32 = 4
        gain: double = 5
        length: duration = 6 }
        message Nothing {}
        service Bell {
        ring(Alarm) -> Nothing { deadline 5s, role ctl }
        watch(Nothing) -> stream Alarm { deadline 5s, role ctl }
        }

        """

    private func set(_ schema: String) throws -> DescriptorSet {
        let compilation = TestTree(schema).compile()
        try #require(compilation.diagnostics.all.isEmpty)
        let model = try #require(compilation.schemas["test.rpc"])
        return try DescriptorSet(
            decoding: DescriptorEmitter(compilation: compilation).set([model]))
    }

    /// The verdict over `ring` when the peer's schema is the one above with a change.
    private func verdict(
        _ old: String, _ new: String, of method: String = "clock.v1.Bell/ring"
    ) throws -> SchemaVerdict {
        let text = Self.schema.replacing(old, with: new)
        return SchemaVerdict(of: method, own: try set(Self.schema), peer: try set(text))
    }

    @Test func `the same schema is identical, whatever its limits and words`() throws {
        #expect(try verdict("", "") == .identical)
        #expect(try verdict("label: string = 1", "label: string = 1 (max 9)") == .identical)
        #expect(try verdict("deadline 5s, role ctl", "deadline 6s, role any") == .identical)
        #expect(try verdict("message Nothing {}", "/// None.\nmessage Nothing {}") == .identical)
    }

    static let compatible: [(String, String, String)] = [
        ("gain: double = 5\n", "", "request: the peer does not know the field `gain` (5)"),
        (
            "length:", "tone: bool = 7\nlength:",
            "request: the peer has a field unknown here, `tone` (7)"
        ),
        ("label:", "title:", "request.label: named `title` at the peer"),
        ("label: string", "label: bytes", "request.label: string here, bytes at the peer"),
        ("delay: int32", "delay: uint64", "request.delay: int32 here, uint64 at the peer"),
        ("delay: int32", "delay: int32?", "request.delay: plain here, optional at the peer"),
        ("Sound?", "Sound", "request.sound: optional here, plain at the peer"),
        (
            "\nloud = 1", "",
            "request.sound.volume: the value 1 is `VOLUME_LOUD` here, unknown at the peer"
        ),
        (
            "loud = 1", "loud = 1\nmild = 2",
            "request.sound.volume: the value 2, `VOLUME_MILD` at the peer, is unknown here"
        ),
        (
            "loud", "noisy",
            "request.sound.volume: the value 1 is `VOLUME_LOUD` here, `VOLUME_NOISY` at the peer"
        ),
        (
            "Sound", "Noise",
            "request.sound: the message is `clock.v1.Sound` here, `clock.v1.Noise` at the peer"
        ),
        (
            "volume: Volume", "volume: int64",
            "request.sound.volume: enum `clock.v1.Volume` here, int64 at the peer"
        ),
    ]

    @Test(arguments: compatible)
    func `a change that both ends live with is compatible`(
        _ old: String, _ new: String, _ text: String
    ) throws {
        let verdict = try verdict(old, new)
        guard case .compatible(let changes) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(changes.map(\.description) == [text])
        #expect(!changes.contains { $0.isBreaking })
    }

    static let breaking: [(String, String, String)] = [
        ("label: string", "label: int32", "request.label: string here, int32 at the peer"),
        ("delay: int32", "delay: list<int32>", "request.delay: one value here, a list at the peer"),
        (
            "notes: list<uint32>", "notes: uint32",
            "request.sound.notes: a list here, one value at the peer"
        ),
        ("gain: double", "gain: float", "request.gain: double here, float at the peer"),
        (
            "at: timestamp", "at: duration",
            "request.at: the message is `google.protobuf.Timestamp` here, "
                + "`google.protobuf.Duration` at the peer"
        ),
        (
            "sound: Sound?", "sound: string?",
            "request.sound: message `clock.v1.Sound` here, string at the peer"
        ),
        ("ring(Alarm)", "call(Alarm)", "method: there is none of this name at the peer"),
        (
            "ring(Alarm)", "ring(stream Alarm)",
            "request: one message here, a stream at the peer"
        ),
        (
            "-> Nothing", "-> stream Nothing", "response: one message here, a stream at the peer"
        ),
    ]

    @Test(arguments: breaking)
    func `a change that loses or misreads values is breaking`(
        _ old: String, _ new: String, _ text: String
    ) throws {
        let verdict = try verdict(old, new)
        guard case .breaking(let changes) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(changes.map(\.description) == [text])
        #expect(changes.allSatisfy { $0.isBreaking })
    }

    @Test func `the verdict is of the method alone`() throws {
        let change = ("-> stream Alarm", "-> stream Nothing")
        #expect(try verdict(change.0, change.1) == .identical)
        let watched = try verdict(change.0, change.1, of: "clock.v1.Bell/watch")
        #expect(watched != .identical)
        #expect(
            try verdict("", "", of: "clock.v1.Bell/none").changes.map(\.text) == [
                "there is none of this name here"
            ])
    }

    @Test func `breaking changes come first and the list ends`() throws {
        let fields = (10..<80).map { "f\($0): uint32 = \($0)\n" }.joined()
        let text = Self.schema.replacing("label: string = 1", with: fields + "label: int32 = 1")
        let verdict = SchemaVerdict(
            of: "clock.v1.Bell/ring", own: try set(Self.schema), peer: try set(text))
        #expect(verdict.changes.count == SchemaVerdict.changesMax)
        #expect(verdict.changes.first?.path == "request.label")
    }

    // MARK: Descriptors that no compiler of ours makes

    /// A set of one file whose request is the message that `body` writes.
    private func foreign(
        _ name: String = "Alarm", _ body: (inout DescriptorBytes) -> Void
    ) throws -> DescriptorSet {
        var set = DescriptorBytes()
        set.message(1) {
            // The package comes last, as it may.
            $0.message(4) {
                body(&$0)
                $0.string(1, name)
            }
            $0.message(6) {
                $0.string(1, "Bell")
                $0.message(2) {
                    $0.string(1, "Ring")
                    $0.string(2, ".clock.v1." + name)
                    $0.string(3, ".clock.v1." + name)
                }
            }
            $0.string(2, "clock.v1")
        }
        return try DescriptorSet(decoding: set.bytes)
    }

    private func field(
        _ out: inout DescriptorBytes, _ name: String, _ number: Int64, label: Int64 = 1,
        type: Int64, _ typeName: String? = nil
    ) {
        out.message(2) {
            $0.string(1, name)
            $0.integer(3, number)
            $0.integer(4, label)
            $0.integer(5, type)
            if let typeName { $0.string(6, typeName) }
        }
    }

    private func verdict(_ own: DescriptorSet, _ peer: DescriptorSet) -> SchemaVerdict {
        SchemaVerdict(of: "clock.v1.Bell/ring", own: own, peer: peer)
    }

    @Test func `a required field, nested messages and maps are understood`() throws {
        let own = try foreign { field(&$0, "a", 1, type: 5) }
        let strict = try foreign {
            field(&$0, "a", 1, type: 5)
            field(&$0, "b", 2, label: 2, type: 9)
        }
        #expect(
            verdict(own, strict).changes.map(\.description) == [
                "request: the peer has a field unknown here, `b` (2), which is required"
            ])
        func nested(_ type: Int64) throws -> DescriptorSet {
            try foreign {
                field(&$0, "tags", 1, label: 3, type: 11, ".clock.v1.Alarm.TagsEntry")
                $0.message(3) {
                    field(&$0, "key", 1, type: 9)
                    field(&$0, "value", 2, type: type)
                    $0.string(1, "TagsEntry")
                }
            }
        }
        #expect(verdict(try nested(5), try nested(5)) == .identical)
        #expect(
            verdict(try nested(5), try nested(17)).changes.map(\.description) == [
                "request.tags.value: int32 here, sint32 at the peer"
            ])
    }

    @Test func `types that are missing or unknown break, and their names are not shown raw`() throws
    {
        let own = try foreign { field(&$0, "a", 1, type: 11, ".clock.v1.Alarm") }
        let missing = try foreign { field(&$0, "a", 1, type: 11, ".x.\u{1B}[31m\nY") }
        let changes = verdict(own, missing).changes
        #expect(changes.contains { $0.isBreaking })
        #expect(changes.allSatisfy { !$0.text.contains("\u{1B}") && !$0.text.contains("\n") })
        for type: Int64 in [-1, 0, 19, 1 << 31] {
            let odd = try foreign { field(&$0, "a", 1, type: type) }
            #expect(verdict(own, odd).changes.contains { $0.isBreaking })
            #expect(verdict(odd, odd).changes.contains { $0.isBreaking })
        }
    }

    @Test func `messages that lead into ever other ones have an end`() throws {
        let own = try foreign { field(&$0, "a", 1, label: 3, type: 11, ".clock.v1.Alarm") }
        var set = DescriptorBytes()
        set.message(1) {
            $0.string(2, "clock.v1")
            for index in 0..<4000 {
                $0.message(4) {
                    $0.string(1, index == 0 ? "Alarm" : "A\(index)")
                    field(&$0, "a", 1, label: 3, type: 11, ".clock.v1.A\(index + 1)")
                }
            }
            $0.message(6) {
                $0.string(1, "Bell")
                $0.message(2) {
                    $0.string(1, "Ring")
                    $0.string(2, ".clock.v1.Alarm")
                    $0.string(3, ".clock.v1.Alarm")
                }
            }
        }
        let verdict = verdict(own, try DescriptorSet(decoding: set.bytes))
        #expect(verdict.changes.count == SchemaVerdict.changesMax)
    }
}
